"""The spec as text: its $schema line, and keys that it has twice."""

import re
from collections.abc import Iterator

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.repository import Subject
from scripts.specs.project import Spec

SCHEMAS = "https://azuremlschemas.azureedge.net/latest/"
PUBLISHED = re.compile(r"https://azuremlschemas(?:prod)?\.azureedge\.net/[^/]+/(\w+)\.schema\.json")
# kind of spec -> type -> names of its schemas; "" stands for a spec without `type`.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "environment": {"": ("environment",)},
    "data": {"": ("data",)},
    "component": {
        "": ("commandComponent",),
        "command": ("commandComponent",),
        "parallel": ("parallelComponent",),
        "pipeline": ("pipelineComponent",),
        "spark": ("sparkComponent",),
    },
    "job": {
        "": ("commandJob",),
        "command": ("commandJob",),
        "pipeline": ("pipelineJob",),
        "sweep": ("sweepJob",),
        "spark": ("sparkJob",),
        "parallel": ("parallelJob",),
    },
    "online endpoint": {"": ("managedOnlineEndpoint", "kubernetesOnlineEndpoint", "onlineEndpoint")},
    "online deployment": {
        "": ("managedOnlineDeployment",),
        "managed": ("managedOnlineDeployment",),
        "kubernetes": ("kubernetesOnlineDeployment",),
    },
    "batch endpoint": {"": ("batchEndpoint",)},
    "batch deployment": {
        "": ("batchDeployment", "modelBatchDeployment"),
        "model": ("modelBatchDeployment", "batchDeployment"),
        "pipeline": ("pipelineComponentBatchDeployment",),
    },
    "schedule": {"": ("schedule", "monitorSchedule")},
}


def schema_line(subject: Subject) -> Iterator[Problem]:
    """The first line is `$schema:`, of the schema that belongs to the spec: editors complete and check by it."""
    names = _names(subject.spec)
    expected = f"$schema: {SCHEMAS}{names[0]}.schema.json" if names else "the address of its schema"
    if not subject.spec.text.startswith("$schema:"):
        yield Problem("AML004", (), f"the first line must be {expected}")
        return
    found = PUBLISHED.fullmatch(str(subject.document["$schema"]))
    if found and names and found[1] not in names:
        yield Problem("AML005", ("$schema",), f"{found[1]}.schema.json is not of this spec; write {expected}")


def _names(spec: Spec) -> tuple[str, ...]:
    """Names of the schemas that fit; empty for a type that is not known here."""
    types = NAMES[spec.kind.name]
    if spec.kind.name == "schedule" and "create_monitor" in spec.document:
        return "monitorSchedule", "schedule"
    kind = str(spec.document.get("type", "")).lower() if len(types) > 1 else ""
    return types.get(kind, ())


def duplicate_keys(subject: Subject) -> Iterator[Problem]:
    """Keys given twice: YAML readers keep the last one and say nothing."""
    for position, _ in subject.positions.duplicates:
        yield Problem("AML006", position, f"{position[-1]!r} is given twice; the last one counts, so remove one")
