"""azure-pipelines.yml with its templates, as Azure Pipelines reads it when a run starts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.ci.expressions import BadExpression, evaluate, parse, truth
from scripts.ci.marked import Marked, Unreadable, read_marked
from scripts.ci.model import Condition, Job, Pipeline, Step

PATH = "azure-pipelines.yml"
MAIN = {"Build.SourceBranch": "refs/heads/main", "Build.Reason": "IndividualCI"}
PULL_REQUEST = {"Build.SourceBranch": "refs/pull/1/merge", "Build.Reason": "PullRequest"}
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
SHELLS = ("bash", "script", "pwsh", "powershell")


def read_azure(root: Path, variables: Mapping[str, str], parameters: Mapping[str, Any]) -> Pipeline:
    """The pipeline of `root` for a run.

    Args:
        variables: predefined ones that are known when a run starts, such as Build.Reason.
        parameters: of the run; without one its default counts.

    Raises:
        Unreadable: a file, template or expression can't be followed.
    """
    document = _Reading(root, variables).document(PATH, parameters)
    image = _image(document)
    jobs: list[Job] = []
    stages: dict[str, list[str]] = {}
    earlier: list[str] = []
    for stage in document.get("stages") or []:
        name = str(stage.get("stage"))
        # A stage without dependsOn waits for the one before it; a job without one waits for none.
        needed = _names(stage["dependsOn"]) if "dependsOn" in stage else earlier[-1:]
        unknown = [other for other in needed if other not in stages]
        if unknown:
            raise Unreadable(stage.path, stage.lines["dependsOn"], f"stage {unknown[0]} is not before stage {name}")
        waits = frozenset(job for other in needed for job in stages[other])
        made = [_job(job, stage, waits, image) for job in stage.get("jobs") or []]
        stages[name] = [job.id for job in made]
        earlier.append(name)
        jobs += made
    known = {job.id for job in jobs}
    for job in jobs:
        if unknown := sorted(job.needs - known):
            raise Unreadable(job.written.path, job.written.lines["dependsOn"], f"there is no job {unknown[0]}")
    return Pipeline(PATH, tuple(jobs))


def _job(job: Marked, stage: Marked, waits: frozenset[str], image: str) -> Job:
    name = str(stage.get("stage"))
    kind = next((key for key in ("job", "deployment") if key in job), None)
    if kind is None:
        raise Unreadable(job.path, job.line, "is no job, deployment or template")
    environment = job.get("environment") or ""
    strategy = job.get("strategy") or {}
    steps = job.get("steps") or ((strategy.get("runOnce") or {}).get("deploy") or {}).get("steps") or []
    return Job(
        id=f"{name}.{job[kind]}",
        written=job,
        needs=waits | {f"{name}.{other}" for other in _names(job.get("dependsOn"))},
        conditions=(_condition(stage), _condition(job)),
        environment=str(environment.get("name") if isinstance(environment, dict) else environment),
        image=_image(job) or image,
        steps=tuple(_step(step) for step in steps),
        server=job.get("pool") == "server",
        variables={**_variables(stage.get("variables")), **_variables(job.get("variables"))},
    )


def _step(step: Marked) -> Step:
    shell = next((key for key in SHELLS if key in step), None)
    inputs = step.get("inputs") or {}
    script = step[shell] if shell else inputs.get("inlineScript", "")
    return Step(step, str(step.get("task") or ""), str(script or ""), _condition(step))


def _condition(owner: Marked) -> Condition:
    text = owner.get("condition")
    return Condition(None if text is None else str(text), owner.path, owner.lines.get("condition", owner.line))


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else [str(value)] if value else []


def _image(owner: Marked) -> str:
    pool = owner.get("pool")
    return str(pool.get("vmImage") or "") if isinstance(pool, dict) else ""


def _variables(written: Any) -> dict[str, Any]:
    if isinstance(written, list):
        return {entry["name"]: entry.get("value") for entry in written if "name" in entry}
    return dict(written or {})


class _Reading:
    """Files of a pipeline with their `${{ }}` worked out."""

    def __init__(self, root: Path, variables: Mapping[str, str]) -> None:
        self._root = root
        self._variables = variables

    def document(self, path: str, given: Mapping[str, Any]) -> Marked:
        """A file with the values that it is given for its parameters."""
        written = read_marked(self._root, path)
        parameters = {}
        for entry in written.pop("parameters", None) or []:
            name = entry["name"]
            if name not in given and "default" not in entry:
                raise Unreadable(path, entry.line, f"parameter {name} is not given where the template is used")
            parameters[name] = given.get(name, entry.get("default"))
        if unknown := sorted(given.keys() - parameters.keys()):
            raise Unreadable(path, 1, f"has no parameter {unknown[0]}")
        expanded = self._expanded(written, parameters)
        assert isinstance(expanded, Marked)
        return expanded

    def _expanded(self, value: Any, parameters: Mapping[str, Any]) -> Any:
        if isinstance(value, Marked):
            return self._mapping(value, parameters)
        if isinstance(value, list):
            return [entry for item in value for entry in self._items(item, parameters)]
        return value

    def _mapping(self, written: Marked, parameters: Mapping[str, Any]) -> Marked:
        expanded = Marked(written.path, written.line)
        for key, value in written.items():
            line = written.lines[key]
            if condition := EXPRESSION.fullmatch(key):
                if self._holds(condition[1], parameters, written.path, line):
                    inner = self._expanded(value, parameters)
                    for name, entry in inner.items():
                        expanded.put(name, entry, inner.lines[name])
            else:
                expanded.put(key, self._scalar(value, parameters, written.path, line), line)
        return expanded

    def _items(self, item: Any, parameters: Mapping[str, Any]) -> Iterator[Any]:
        """What an entry of a list stands for: entries under a condition, those of a template, or itself."""
        if not isinstance(item, Marked):
            yield item
            return
        [key, *more] = item
        condition = EXPRESSION.fullmatch(key)
        if condition and not more:
            if self._holds(condition[1], parameters, item.path, item.line):
                yield from self._expanded(item[key], parameters)
        elif "template" in item:
            given = self._expanded(item.get("parameters") or Marked(item.path, item.line), parameters)
            path = _beside(item.path, str(item["template"]))
            if not (self._root / path).is_file():
                raise Unreadable(item.path, item.lines["template"], f"there is no template {path}")
            document = self.document(path, given)
            yield from next(document[kind] for kind in ("steps", "jobs", "stages", "variables") if kind in document)
        else:
            yield self._mapping(item, parameters)

    def _scalar(self, value: Any, parameters: Mapping[str, Any], path: str, line: int) -> Any:
        if not isinstance(value, str):
            return self._expanded(value, parameters)
        whole = EXPRESSION.fullmatch(value)
        if whole:
            return self._value(whole[1], parameters, path, line)
        return EXPRESSION.sub(lambda match: str(self._value(match[1], parameters, path, line)), value)

    def _holds(self, text: str, parameters: Mapping[str, Any], path: str, line: int) -> bool:
        word, _, condition = text.partition(" ")
        if word != "if":
            raise Unreadable(path, line, f"${{{{ {word} }}}} is not known here; if is")
        return truth(self._value(condition, parameters, path, line))

    def _value(self, text: str, parameters: Mapping[str, Any], path: str, line: int) -> Any:
        def lookup(parts: tuple[str, ...]) -> Any:
            if parts[0] == "variables":
                return self._variables.get(".".join(parts[1:]), "")
            if parts[0] == "parameters" and parts[1] in parameters:
                return parameters[parts[1]]
            raise BadExpression(f"{'.'.join(parts)} is not known when a run starts")

        try:
            return evaluate(parse(text), lookup)
        except BadExpression as error:
            raise Unreadable(path, line, str(error)) from error


def _beside(path: str, template: str) -> str:
    """Path of a template as a file names it: beside that file, or from the root if it starts with a slash."""
    if template.startswith("/"):
        return template.lstrip("/")
    return (PurePosixPath(path).parent / template).as_posix()
