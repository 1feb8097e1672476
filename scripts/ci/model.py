"""What both CI systems have in common: jobs that wait for each other, and steps that run make targets."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.ci.marked import Marked


@dataclass(frozen=True)
class Make:
    """A line that runs make.

    Args:
        target: such as deploy.
        values: such as {"ENV": "dev"}.
    """

    target: str
    values: Mapping[str, str]

    @property
    def env(self) -> str:
        return self.values.get("ENV", "local")


@dataclass(frozen=True)
class Condition:
    """When a stage, job or step runs, as it is written; None is CI's own: all before it succeeded."""

    text: str | None
    path: str
    line: int


@dataclass(frozen=True)
class Step:
    """A step of a job.

    Args:
        written: the step, as it is after templates were followed.
        task: what CI itself carries out, such as Cache@2 or actions/checkout@v4; "" for a script of its own.
        script: shell script; "" if it has none.
        shell: what runs it; "" for CI's own default.
    """

    written: Marked
    task: str
    script: str
    condition: Condition
    shell: str = ""

    @property
    def name(self) -> str:
        """What outputs of the step are called by."""
        return str(self.written.get("name" if "run" not in self.written else "id") or "")

    @property
    def lines(self) -> list[str]:
        """Lines of the script without comments and empty ones."""
        stripped = (line.strip() for line in self.script.splitlines())
        return [line for line in stripped if line and not line.startswith("#")]

    @property
    def makes(self) -> list[Make]:
        """The make targets that its script runs, in order."""
        return [make for line in self.lines for make in _makes(line)]

    def line_of(self, text: str) -> int:
        """1-based line of the file on which `text` stands in the script; of the step if it isn't found."""
        home = self.written.get("inputs") if "inputs" in self.written else self.written
        key = next((key for key in ("inlineScript", "bash", "script", "run") if key in (home or {})), None)
        if not isinstance(home, Marked) or key is None:
            return self.written.line
        start = home.lines[key]
        lines = str(home[key]).splitlines()
        number = next((number for number, line in enumerate(lines) if text in line), None)
        return start if number is None or len(lines) == 1 else start + 1 + number


@dataclass(frozen=True)
class Job:
    """A job.

    Args:
        id: unique in the pipeline, such as DEVTEST.DeployJob or deploy.
        written: the job, as it is after templates were followed.
        needs: ids of the jobs that it waits for, those of stages included.
        conditions: its own and its stage's.
        environment: whose approval it waits for; "" if none.
        image: of the machine that it runs on; "" for a job of the server.
        variables: as they are written, its stage's included.
    """

    id: str
    written: Marked
    needs: frozenset[str]
    conditions: tuple[Condition, ...]
    environment: str
    image: str
    steps: tuple[Step, ...]
    server: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def makes(self) -> list[Make]:
        return [make for step in self.steps for make in step.makes]


@dataclass(frozen=True)
class Pipeline:
    """All jobs of a CI file.

    Args:
        path: the file that CI starts from.
    """

    path: str
    jobs: tuple[Job, ...]

    def before(self, job: Job) -> set[str]:
        """Ids of all jobs that have ended when `job` starts."""
        by_id = {other.id: other for other in self.jobs}
        found: set[str] = set()
        waiting = set(job.needs)
        while waiting:
            name = waiting.pop()
            found.add(name)
            waiting |= by_id[name].needs - found if name in by_id else set()
        return found


MAKE = re.compile(r"(?:^|\$\()make\s+([^)>]*)")
# A value that CI puts in, $(modelVersion) or ${{ needs.train.outputs.version }}, is one word, whatever it will be.
PUT_IN = re.compile(r"\$\(([\w.-]+)\)|\$\{\{\s*(.*?)\s*\}\}")


def _makes(line: str) -> Iterator[Make]:
    words_only = PUT_IN.sub(lambda found: "{" + (found[1] or found[2]).replace(" ", "") + "}", line)
    for match in MAKE.finditer(words_only):
        words = [word for word in _words(match[1]) if not word.startswith("-")]
        values = dict(word.split("=", 1) for word in words if "=" in word)
        yield from (Make(word, values) for word in words if "=" not in word)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that isn't closed: no line that the rules let through
        return text.split()
