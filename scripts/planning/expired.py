"""What pull requests have left in a workspace, and which of it goes: a pure function of tags and of today's date.

Whatever specs render to has tags of its own. What jobs have made has not: a version of the model names its job, one of
the reference data lies in the output of a step, and the tags of the job count. Nothing goes for its name alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from scripts.planning.decide import OWNER
from scripts.specs.scope import EXPIRES, NUMBER

Document = dict[str, Any]
Lines = list[list[str]]  # of az, without the flags that name the workspace
SCOPED = re.compile(r"[-_]pr[-_]([0-9]+)(?![0-9])")
ENDED = {"Completed", "Failed", "Canceled", "NotResponding"}  # a job that runs goes next time
VERSIONED = ("component", "data", "environment", "model")
DELETED = ("online-endpoint", "batch-endpoint")


@dataclass(frozen=True)
class Rule:
    """What goes.

    Args:
        repository: whose.
        today: what expires before goes.
        number: a pull request whose things go now; "" for none.
    """

    repository: str
    today: date
    number: str = ""

    def goes(self, tags: Mapping[str, str] | None) -> bool:
        """Whether tags are those of a pull request of this repository that is over."""
        tags = tags or {}
        if tags.get(OWNER) != self.repository or NUMBER not in tags:
            return False
        if self.number:
            return tags[NUMBER] == self.number
        try:
            return date.fromisoformat(tags.get(EXPIRES, "")) < self.today
        except ValueError:
            return False  # nobody knows when, so a person has to say it: PR=…


@dataclass(frozen=True)
class Left:
    """What a workspace has, as `az ml … list` prints it.

    Args:
        services: endpoints and schedules by command group.
        assets: (group, name) -> versions, of names of pull requests.
        jobs: that have no parent.
        steps: names of a job's steps, and of those that did their work where they were reused; by job.
    """

    services: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    assets: Mapping[tuple[str, str], Sequence[Document]] = field(default_factory=dict)
    jobs: Sequence[Document] = ()
    steps: Mapping[str, Sequence[str]] = field(default_factory=dict)


def clean(left: Left, rule: Rule) -> Lines:
    """The lines that remove what goes. Jobs come last: what they have made is known by them, also to the next run."""
    jobs = over(left.jobs, rule)
    return [*_services(left, rule), *_assets(left, rule, jobs), *(_line("job", "archive", name) for name in jobs)]


def over(jobs: Sequence[Document], rule: Rule) -> dict[str, str]:
    """Jobs that go -> number of the pull request."""
    ended = (job for job in jobs if job.get("status") in ENDED)
    return {str(job["name"]): str(job["tags"][NUMBER]) for job in ended if rule.goes(job.get("tags"))}


def _services(left: Left, rule: Rule) -> Iterator[list[str]]:
    for schedule in left.services.get("schedule", ()):
        if rule.goes(schedule.get("tags")):
            if schedule.get("is_enabled", True):  # Azure deletes none that is
                yield _line("schedule", "disable", schedule["name"])
            yield _line("schedule", "delete", schedule["name"])
    for group in DELETED:
        for endpoint in left.services.get(group, ()):
            if rule.goes(endpoint.get("tags")):
                yield [*_line(group, "delete", endpoint["name"]), "--yes"]


def _assets(left: Left, rule: Rule, jobs: Mapping[str, str]) -> Iterator[list[str]]:
    for (group, name), versions in left.assets.items():
        for one in versions:
            job = _job(group, one, left.steps)
            made = job is not None and job in jobs and jobs[job] == number_in(name)
            if made or rule.goes(one.get("tags")):
                yield [*_line(group, "archive", name), "--version", str(one["version"])]


def _job(group: str, version: Document, steps: Mapping[str, Sequence[str]]) -> str | None:
    """The job that has made a version of a model or of data."""
    if group == "model":
        return (version.get("tags") or {}).get("root_job")
    path = str(version.get("path", "")) if group == "data" else ""
    return next((job for job, names in steps.items() if any(f"/{name}/" in path for name in names)), None)


def number_in(name: str) -> str | None:
    """The pull request in a name."""
    found = SCOPED.search(name)
    return found[1] if found else None


def _line(group: str, verb: str, name: str) -> list[str]:
    return ["ml", group, verb, "--name", name]
