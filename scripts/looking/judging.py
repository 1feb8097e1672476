"""By which metrics models are judged: the gate's policy and the sweeps' objectives, as the specs have them."""

from dataclasses import dataclass

import yaml

from scripts.specs.project import Project

POLICY = "components/gate/policy.yml"


@dataclass(frozen=True)
class Judging:
    """What is compared by what.

    Args:
        metric: by which the gate compares candidate and champion.
        goal: `minimize` or `maximize`.
        slices: column whose values the gate looks at one by one.
        objectives: primary metric of each sweep -> its goal.
        pipelines: display names of the pipelines with a sweep, by which a run is known that failed before it trained.
    """

    metric: str
    goal: str
    slices: str
    objectives: dict[str, str]
    pipelines: tuple[str, ...]


def judging(project: Project) -> Judging:
    policy = yaml.safe_load(project.files[POLICY])
    objectives, pipelines = [], []
    for document in (spec.document for spec in project.specs.values()):
        found = [job["objective"] for job in (document.get("jobs") or {}).values() if "objective" in job]
        objectives += found
        pipelines += [document["display_name"]] if found and "display_name" in document else []
    return Judging(
        metric=policy["metric"],
        goal=policy["direction"],
        slices=policy["slices"]["by"],
        objectives={objective["primary_metric"]: objective["goal"].lower() for objective in objectives},
        pipelines=tuple(sorted(pipelines)),
    )
