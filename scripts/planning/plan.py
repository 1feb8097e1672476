"""The plan of an environment, and how it reads."""

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from scripts.az import workspace_flags
from scripts.looking.table import table
from scripts.planning.assets import asking, in_registry, look, look_at_all
from scripts.planning.decide import Action, Step, decide, known, mentioned, prune
from scripts.planning.services import Live, Service, look_at_services, services
from scripts.specs.project import Project, Spec
from scripts.specs.scope import number_of

CHANGES: tuple[Action, ...] = ("create", "change", "restore", "archive")
UNCHANGED: tuple[Action, ...] = ("leave", "from registry")


@dataclass(frozen=True)
class Plan:
    """What `make apply` would do, and what it leaves to other verbs.

    Args:
        steps: of assets, in the order in which they are done.
        services: endpoints, deployments and schedules.
    """

    environment: str
    steps: list[Step]
    services: list[Service]

    @property
    def changes(self) -> list[Step]:
        return [step for step in self.steps if step.action in CHANGES]

    def line(self, step: Step, project: Project) -> list[str]:
        """The `az` line of a step, without the flags that name the workspace."""
        if step.action in ("create", "change"):
            file = PurePosixPath("build", self.environment, project.specs[step.spec].path)
            return ["ml", step.group, "create", "--file", str(file)]
        return ["ml", step.group, step.action, "--name", step.name, "--version", step.version]


def plan_assets(project: Project, pruned: bool) -> Plan:
    """What `make apply` does.

    Raises:
        AzError: the workspace can't be asked.
        PlanError: `pruned`, and nobody knows what may be archived.
        SpecError: config doesn't name the workspace.
    """
    where = workspace_flags(project.config)
    own, _ = parted(project)
    if not pruned:
        return Plan(project.env, decide(own, look(own, asking(where))), [])
    known(project.repository)
    return Plan(project.env, *_pruned(project, own, where, look_at_services(where)))


def plan_all(project: Project, pruned: bool) -> Plan:
    """The same with what comes from a registry and with the state of endpoints, deployments and schedules."""
    if pruned:
        known(project.repository)
    where = workspace_flags(project.config)
    own, shared = parted(project)
    endpoints = [spec.name for spec in project.specs.values() if spec.kind.name.endswith(" endpoint")]
    live = look_at_services(where, None if pruned else endpoints)
    if pruned:
        steps, found = _pruned(project, own, where, live)
    else:
        steps, found = decide(own, look(own, asking(where))), services(project, live)
    return Plan(project.env, [*steps, *in_registry(shared)], found)


def parted(project: Project) -> tuple[list[Spec], list[Spec]]:
    """Assets that belong to the workspace, and those that come from a registry."""
    assets = [spec for spec in project.specs.values() if spec.kind.asset]
    return [spec for spec in assets if spec.registry is None], [spec for spec in assets if spec.registry]


def _pruned(project: Project, own: list[Spec], where: list[str], live: Live) -> tuple[list[Step], list[Service]]:
    found = look_at_all(own, asking(where), where)
    used = mentioned([spec.document for spec in project.specs.values()]) | mentioned(list(live.documents.values()))
    assets = [spec for spec in project.specs.values() if spec.kind.asset]
    archived = prune(assets, found, used, project.repository, number_of(project.config))
    return [*decide(own, found), *archived], services(project, live)


def as_json(plan: Plan) -> str:
    document = {
        "environment": plan.environment,
        "assets": [asdict(step) for step in plan.steps],
        "services": [asdict(service) for service in plan.services],
    }
    return json.dumps(document, indent=2) + "\n"


def as_text(plan: Plan) -> str:
    lines = [f"{plan.environment}: {summary(plan)}"]
    shown = [step for step in plan.steps if step.action not in UNCHANGED]
    if shown:
        rows = [[step.action, f"{step.group} {step.name}:{step.version}", step.spec or "-", step.why] for step in shown]
        lines += ["", *table(["action", "asset", "spec", "why"], rows)]
    if plan.services:
        rows = [[one.state, f"{one.kind} {one.name}", one.spec, one.verb or "-"] for one in plan.services]
        lines += ["", *table(["state", "not changed by apply", "spec", "verb"], rows)]
    return "\n".join(lines) + "\n"


def summary(plan: Plan) -> str:
    """How many assets each action has, such as `1 to create, 16 to leave`."""
    count = {action: sum(step.action == action for step in plan.steps) for action in (*CHANGES, "missing", *UNCHANGED)}
    words = {"missing": "missing in the registry", "from registry": "from the registry"}
    parts = [f"{number} {words.get(action, 'to ' + action)}" for action, number in count.items() if number]
    return ", ".join(parts) or "no assets"
