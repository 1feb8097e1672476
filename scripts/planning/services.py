"""Endpoints, deployments and schedules: what a workspace has of them, against their specs. Only verbs change these."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from scripts.az import az_json
from scripts.specs.project import Project, Spec

State = Literal["missing", "as specified", "differs"]
Document = dict[str, Any]
CONTENT = "content"  # tag: the spec that it was given last
LISTS = {"online-endpoint": [], "batch-endpoint": [], "schedule": ["--include-disabled"]}
DEPLOYMENTS = {"online-endpoint": "online-deployment", "batch-endpoint": "batch-deployment"}


@dataclass(frozen=True)
class Service:
    """An endpoint, deployment or schedule of the specs.

    Args:
        verb: what would bring it to its spec.
    """

    spec: str
    kind: str
    name: str
    state: State
    verb: str


@dataclass(frozen=True)
class Live:
    """What a workspace has: (group, endpoint or "", name) -> what `az ml … list` prints of it."""

    documents: Mapping[tuple[str, str, str], Document]

    def of(self, spec: Spec) -> Document | None:
        return self.documents.get((spec.kind.group, str(spec.document.get("endpoint_name", "")), spec.name))


def look_at_services(where: list[str], wanted: Iterable[str] | None = None) -> Live:
    """Endpoints and schedules of a workspace, and the deployments of the endpoints `wanted`, or of all.

    Raises:
        AzError: a line failed.
    """
    documents: dict[tuple[str, str, str], Document] = {}
    with ThreadPoolExecutor(len(LISTS)) as pool:
        asked = {group: pool.submit(az_json, ["ml", group, "list", *flags, *where]) for group, flags in LISTS.items()}
        documents |= {(group, "", row["name"]): row for group, rows in asked.items() for row in rows.result()}
        names = None if wanted is None else set(wanted)
        endpoints = [
            (DEPLOYMENTS[group], name)
            for group, _, name in documents
            if group in DEPLOYMENTS and (names is None or name in names)
        ]
        lines = {
            (group, name): pool.submit(az_json, ["ml", group, "list", "--endpoint-name", name, *where])
            for group, name in endpoints
        }
        documents |= _deployments(lines)
    return Live(documents)


def _deployments(lines: Mapping[tuple[str, str], "Future[Any]"]) -> dict[tuple[str, str, str], Document]:
    return {(group, name, row["name"]): row for (group, name), rows in lines.items() for row in rows.result()}


def services(project: Project, live: Live) -> list[Service]:
    """State of each endpoint, deployment and schedule of the specs, an endpoint before its deployments."""
    specs = sorted(
        (spec for spec in project.specs.values() if spec.kind.lasting),
        key=lambda spec: (spec.key.rpartition("/")[0], "endpoint_name" in spec.document, spec.key),
    )
    found = []
    for spec in specs:
        state = state_of(spec, live.of(spec))
        found.append(Service(spec.key, spec.kind.name, spec.name, state, verb_of(spec, state, project)))
    return found


def state_of(spec: Spec, document: Document | None) -> State:
    """Whether what is there was made from this spec, whichever model version or reference data a verb gave it."""
    if document is None:
        return "missing"
    return "as specified" if (document.get("tags") or {}).get(CONTENT) == spec.content else "differs"


def verb_of(spec: Spec, state: State, project: Project) -> str:
    """What brings a service to its spec; "" if it is as specified."""
    if state == "as specified":
        return ""
    if state == "differs" and spec.kind.name.endswith(" endpoint"):
        return f"az ml {spec.kind.group} update --name {spec.name} --set …: no verb changes an endpoint that is there"
    if spec.kind.group.startswith("online-"):
        return "make deploy"
    if "create_monitor" in spec.document:
        return "make monitor"
    if spec.key == "pipelines/retrain_schedule":
        return "make schedule"
    folder = spec.key.rpartition("/")[0]
    beside = [one.document for one in project.specs.values() if one.key.rpartition("/")[0] == folder]
    if spec.kind.group.startswith("batch-") and any(document.get("type") == "model" for document in beside):
        return "make batch"
    return f"az ml {spec.kind.group} create --file build/{project.env}/{spec.path}"
