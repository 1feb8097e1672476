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
    """

    metric: str
    goal: str
    slices: str
    objectives: dict[str, str]


def judging(project: Project) -> Judging:
    policy = yaml.safe_load(project.files[POLICY])
    jobs = [job for spec in project.specs.values() for job in (spec.document.get("jobs") or {}).values()]
    objectives = [job["objective"] for job in jobs if "objective" in job]
    return Judging(
        metric=policy["metric"],
        goal=policy["direction"],
        slices=policy["slices"]["by"],
        objectives={objective["primary_metric"]: objective["goal"].lower() for objective in objectives},
    )
