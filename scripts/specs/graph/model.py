"""What the picture shows: specs, jobs of pipelines, data that they read and register, and the links between them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from scripts.specs.lint.expressions import expressions, strings
from scripts.specs.lint.jobs import Job, jobs
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Repository, Subject
from scripts.specs.lint.rules.monitors import target_of
from scripts.specs.project import Project, Spec

ASSET = re.compile(r"azureml:([\w.-]+)[:@][\w.-]+")
FOLDER = re.compile(r"azureml://.*/?datastores/[^/]+/paths/(.+?)/*")


@dataclass(frozen=True)
class Node:
    """A box.

    Args:
        key: of the spec; a job adds `#<name>`, data that no spec here defines is `data:<name>`.
        kind: data, job, component, environment, endpoint, schedule; picks the colour.
        panel: key of the panel that it is a row of: a pipeline's jobs, an endpoint's deployments.
        foreign: known by name only, such as data that a pipeline registers.
    """

    key: str
    label: str
    caption: str
    kind: str
    panel: str | None = None
    foreign: bool = False


@dataclass(frozen=True, order=True)
class Link:
    """An arrow; data flows along it, or `source` uses `target`."""

    source: str
    target: str
    says: str


@dataclass
class Graph:
    """Nodes in order of drawing, panels with their titles, and links."""

    nodes: dict[str, Node] = field(default_factory=dict)
    panels: dict[str, Node] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)

    def add(self, node: Node) -> None:
        self.nodes.setdefault(node.key, node)

    def link(self, source: str, target: str, says: str) -> None:
        self.links.add(Link(source, target, says))


def graph_of(project: Project) -> Graph:
    """The graph of all specs of one environment."""
    graph, repository = Graph(), Repository(project)
    for spec in project.specs.values():
        _add_spec(graph, spec)
    for spec in project.specs.values():
        subject = Subject(spec, repository)
        if spec.kind.name == "job":
            known = jobs(subject)
            for job in known.values():
                _add_job(graph, subject, job, known.keys())
        _link_rest(graph, subject)
    return graph


def _add_spec(graph: Graph, spec: Spec) -> None:
    caption = str(spec.document.get("type") or spec.kind.name)
    folder = spec.path.rsplit("/", 1)[0]
    if spec.kind.name == "job":
        graph.panels[spec.key] = Node(spec.key, spec.key.rsplit("/", 1)[-1], f"{caption} job", "job")
    elif spec.kind.name.endswith("endpoint"):
        graph.panels[folder] = Node(spec.key, folder.rsplit("/", 1)[-1], spec.kind.name, "endpoint")
    elif spec.kind.name.endswith("deployment"):
        graph.add(Node(spec.key, spec.name, "deployment", "endpoint", panel=folder))
    else:
        graph.add(Node(spec.key, spec.name, caption, spec.kind.name))


def _add_job(graph: Graph, subject: Subject, job: Job, known: Collection[str]) -> None:
    key = f"{subject.spec.key}#{job.name}"
    graph.add(Node(key, job.name, str(job.type or "command"), "job", panel=subject.spec.key))
    for expression in expressions(mapping(job.document, "inputs"), ("inputs",)):
        into = str(expression.position[1])
        source = expression.parts[2] if expression.parts[:2] == ("parent", "jobs") and expression.parts[3:] else None
        if source in known:  # another one is for `make check` to find
            graph.link(f"{subject.spec.key}#{source}", key, f"{source}.{expression.parts[-1]} → {job.name}.{into}")
        given = mapping(subject.document, "inputs").get(expression.name_after("parent", "inputs") or "")
        _link_data(graph, subject, key, given, f"{job.name}.{into}")
    for name, given in mapping(job.document, "inputs").items():
        _link_data(graph, subject, key, given, f"{job.name}.{name}")
    for name, given in _written(subject, job):
        if isinstance(given, dict) and isinstance(given.get("name"), str):
            asset = _data(graph, f"data:{given['name']}", given["name"], "registered")
            graph.link(key, asset, f"{job.name}.{name} → {given['name']}")
    for position, reference in strings(job.document):
        spec = subject.repository.spec(reference, subject.home)
        if spec is not None and (position == (job.reference,) or position[-1] == "environment"):
            graph.link(key, spec.key, f"{job.name} runs {'in ' if position[-1] == 'environment' else ''}{spec.name}")


def _written(subject: Subject, job: Job) -> Iterator[tuple[str, Any]]:
    """Outputs of a job with their settings, which those of the pipeline's outputs stand for."""
    for name, given in mapping(job.document, "outputs").items():
        yield name, given
        for expression in expressions(given):
            yield name, mapping(subject.document, "outputs").get(expression.name_after("parent", "outputs") or "")


def _link_data(graph: Graph, subject: Subject, key: str, given: Any, into: str) -> None:
    """Links an input's data, `{path: …}`, to what reads it."""
    path = given.get("path") if isinstance(given, dict) else None
    if not isinstance(path, str) or "${{" in path:
        return
    spec = subject.repository.spec(path, subject.home)
    asset, folder = ASSET.fullmatch(path), FOLDER.fullmatch(path)
    if spec is not None:
        graph.link(spec.key, key, f"{spec.name} → {into}")
    elif asset is not None:
        graph.link(_data(graph, f"data:{asset[1]}", asset[1], "registered"), key, f"{asset[1]} → {into}")
    elif folder is not None:
        label = "/".join(folder[1].split("/")[-2:])
        graph.link(_data(graph, f"data:{path}", label, "folder"), key, f"{label} → {into}")


def _data(graph: Graph, key: str, label: str, caption: str) -> str:
    graph.add(Node(key, label, caption, "data", foreign=True))
    return key


def _link_rest(graph: Graph, subject: Subject) -> None:
    """Links a deployment to its model, a monitor to what it watches, and a spec to what else it refers to."""
    key = subject.spec.key
    model = subject.document.get("model")
    asset = ASSET.fullmatch(model) if isinstance(model, str) else None
    if asset is not None:
        graph.add(Node(f"model:{asset[1]}", asset[1], "registered model", "data", foreign=True))
        graph.link(f"model:{asset[1]}", key, f"{asset[1]} is deployed as {subject.spec.name}")
    _link_monitor(graph, subject)
    linked = {end for link in graph.links for end in _ends(link) if key in {part.split("#")[0] for part in _ends(link)}}
    for ref in subject.spec.refs:
        if ref in linked:
            continue
        data = ref in graph.nodes and graph.nodes[ref].kind == "data"
        says = f"{subject.spec.name} uses {ref}"
        graph.link(*((ref, key) if data else (key, ref)), says)


def _link_monitor(graph: Graph, subject: Subject) -> None:
    """Links a monitor to the deployment that it watches and to the data that it compares with."""
    monitor = mapping(subject.document, "create_monitor")
    endpoint, deployment = target_of(mapping(monitor, "monitoring_target").get("endpoint_deployment_id"))
    for spec in subject.repository.project.specs.values():
        beside = subject.repository.project.specs.get(f"{spec.key.rpartition('/')[0]}/endpoint")
        if spec.kind.name == "online deployment" and beside and (beside.name, spec.name) == (endpoint, deployment):
            graph.link(spec.key, subject.spec.key, f"{subject.spec.name} watches {spec.name}")
    for position, path in strings(mapping(monitor, "monitoring_signals")):
        asset = ASSET.fullmatch(path) if position[-1] == "path" else None
        if asset is not None and subject.repository.spec(path, subject.home) is None:
            says = f"{subject.spec.name} reads {asset[1]}"
            graph.link(_data(graph, f"data:{asset[1]}", asset[1], "registered"), subject.spec.key, says)


def _ends(link: Link) -> tuple[str, str]:
    return link.source, link.target
