"""Findings of infra/: syntax, parameters, and blobs that would be moved or deleted although something needs them."""

import re
from collections.abc import Iterator
from typing import Any

from scripts.specs.bicep import BicepError, parsed, refusal, texts
from scripts.specs.infrastructure import MAIN, TEMPLATE, parameters
from scripts.specs.lint.findings import Finding
from scripts.specs.project import Project

# What the service itself keeps in containers of the workspace, as (container, folder): outputs of jobs, to which
# registered data and models point; uploads (code, contracts); what endpoints collect; models and logs of runs.
KEPT = (
    ("workspaceblobstore", "azureml/"),
    ("workspaceblobstore", "LocalUpload/"),
    ("workspaceblobstore", "modelDataCollector/"),
    ("azureml", ""),
)
IN_DATASTORE = re.compile(r"azureml://datastores/([^/]+)/paths/(\S*)")
RULE_KEYS = {"name", "container", "prefix", "cool", "archive", "delete"}
VERSION_KEYS = RULE_KEYS - {"name", "container", "prefix"}
ZONE_REDUNDANT = re.compile(r"(GZRS|ZRS)$")
SECRET = re.compile(r"\blist(_func|[A-Z])|(?i:connectionString|instrumentationKey|password|secret)")


def infrastructure_findings(project: Project) -> Iterator[Finding]:
    """What Azure would refuse, or people would regret; nothing where there is no infrastructure."""
    if not project.infrastructure:
        return
    broken = False
    for path, content in project.infrastructure.items():
        if not path.endswith(".bicep"):
            continue
        try:
            yield from _secret_outputs(path, content.decode())
        except BicepError as error:
            broken = True
            yield Finding(path, error.line, "AML701", f"no Bicep: {error}")
    values = parameters(project.infrastructure)
    if not broken:
        yield from _parameters(project, values)
    yield from _lifecycle(project, values)


def _secret_outputs(path: str, text: str) -> Iterator[Finding]:
    document = parsed(text)
    secure = {
        name
        for name, parameter in document.get("parameters", {}).items()
        if any(decorator["type"] == "secure" for decorator in parameter["decorators"])
    }
    for name, output in document.get("outputs", {}).items():
        said = [text for text in texts(output["value"]) if SECRET.search(text) or text in secure]
        if said:
            message = f"output {name} shows a secret ({said[0]}) to everybody who may read deployments; leave it out"
            yield Finding(path, _line(text, rf"output {name} "), "AML705", message)


def _parameters(project: Project, values: dict[str, Any]) -> Iterator[Finding]:
    declared = parsed(project.infrastructure[MAIN].decode())["parameters"]
    template = (project.root / TEMPLATE).read_text(encoding="utf-8")
    for name in sorted(declared.keys() - values.keys()):
        if declared[name]["default"] is None:
            message = f"parameter {name} of {MAIN} has no value; add it to {TEMPLATE}"
            yield Finding(MAIN, _line(project.infrastructure[MAIN].decode(), rf"param {name} "), "AML702", message)
    for name, value in values.items():
        if name not in declared:
            message = f"{MAIN} has no parameter {name}; there are: {', '.join(declared)}"
        elif why := refusal(declared[name], value):
            message = f"{name}: {why}"
        else:
            continue
        yield Finding(TEMPLATE, _line(template, f'"{name}"'), "AML702", message)


def _lifecycle(project: Project, values: dict[str, Any]) -> Iterator[Finding]:
    rules: list[dict[str, Any]] = values.get("lifecycleRules", [])
    previous: dict[str, Any] = values.get("previousVersions", {})
    for rule, keys in (*((rule, RULE_KEYS) for rule in rules), (previous, VERSION_KEYS)):
        if wrong := _wrong(rule, keys):
            yield _in_config(project, rule, "AML702", wrong)
            return
    for rule in rules:
        for action in ("archive", "delete"):
            if rule[action] and (needed := _needed(project, rule)):
                message = f"rule {rule['name']} would {action} {needed}; only `cool` may be set for it"
                yield _in_config(project, rule, "AML703", message)
    sku = values.get("storageSku", "")
    for rule in (*rules, previous):
        if rule["archive"] and ZONE_REDUNDANT.search(sku):
            advice = "say archive: 0, or take Standard_LRS, Standard_GRS or Standard_RAGRS"
            message = f"{rule.get('name', 'previous_versions')}: {sku} has no archive tier; {advice}"
            yield _in_config(project, rule, "AML704", message)


def _wrong(rule: dict[str, Any], keys: set[str]) -> str:
    """What is wrong with the form of a rule; empty if nothing is."""
    name = rule.get("name", "previous_versions")
    if rule.keys() != keys:
        return f"lifecycle rule {name} must have the keys {', '.join(sorted(keys))}, and no others"
    days = [rule[action] for action in ("cool", "archive", "delete")]
    if any(not isinstance(day, int) or isinstance(day, bool) or day < 0 for day in days) or not any(days):
        return f"lifecycle rule {name}: cool, archive and delete are days, 0 for never, and one of them is more"
    given = [day for day in days if day]
    if given != sorted(set(given)):
        return f"lifecycle rule {name}: cool comes before archive, archive before delete"
    if not re.fullmatch(r"[A-Za-z0-9]{1,256}", str(name).replace("previous_versions", "x")):
        return f"lifecycle rule {name}: Azure takes letters and digits only, 256 at most"
    return ""


def _needed(project: Project, rule: dict[str, Any]) -> str:
    """What of the blobs that a rule covers something reads or writes; empty if nothing does."""
    for container, folder in (*KEPT, *_used(project)):
        other, prefix = folder.casefold(), rule["prefix"].casefold()
        if container == rule["container"] and (other.startswith(prefix) or prefix.startswith(other)):
            return f"{container}/{folder}"
    return ""


def _used(project: Project) -> Iterator[tuple[str, str]]:
    """Folders of datastores that specs name, and the landing folder, as (datastore, folder)."""
    yield project.config["datastore"], f"{project.config['landing']}/"
    for spec in project.specs.values():
        for store, path in IN_DATASTORE.findall(spec.text):
            yield store, path.split("$")[0].strip("\"'")


def _in_config(project: Project, rule: dict[str, Any], code: str, message: str) -> Finding:
    """A finding at the line of config that the rule comes from: its own file first, as that is laid over the other."""
    key = rf"name: {re.escape(str(rule['name']))}\b" if "name" in rule else "previous_versions:"
    for name in (project.env, "common"):
        path = f"config/{name}.yml"
        text = (project.root / path).read_text(encoding="utf-8")
        if re.search(key, text):
            return Finding(path, _line(text, key), code, message)
    return Finding(TEMPLATE, 1, code, message)


def _line(text: str, pattern: str) -> int:
    """1-based line of the first match; the first line if there is none."""
    found = re.search(pattern, text)
    return text[: found.start()].count("\n") + 1 if found else 1
