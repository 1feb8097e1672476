"""What the workflows of .github/ want from GitHub. Nothing here reaches GitHub: it lists what has to be there."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.doctoring.check import Check
from scripts.doctoring.project import remote_of

NAMED = re.compile(r"\b(vars|secrets)\.([A-Za-z_]\w*)")
GIVEN = {"GITHUB_TOKEN"}  # by GitHub itself
ADDRESS = re.compile(r"(?:https://(?:[^@/]*@)?|ssh://git@|git@)github\.com[/:](?P<name>[^/]+/[^/]+?)(?:\.git)?")
ONLY_GITHUB = "only GitHub knows"


def github(root: Path, config: Mapping[str, Any]) -> list[Check]:
    """Checks of the variables, environment and login that the workflows want, for the environment of `config`."""
    workflows = sorted((root / ".github/workflows").glob("*.y*ml"))
    if not workflows:
        return [Check("workflows", "missing", "there is none in .github/workflows", "take those of the branch main")]
    texts = [path.read_text(encoding="utf-8") for path in workflows]
    environment = config["ci"]["environment"]
    names = sorted({(kind, name) for text in texts for kind, name in NAMED.findall(text) if name not in GIVEN})
    return [
        Check("workflows", "ok", ", ".join(path.name for path in workflows)),
        protected(environment, config["ci"]["branch"]),
        *(variable(kind, name, environment) for kind, name in names),
        federated([yaml.safe_load(text) for text in texts], root, environment),
    ]


def protected(environment: str, branch: str) -> Check:
    todo = f"Settings > Environments > {environment}: required reviewers, and {branch} as the only branch"
    return Check("environment", "unknown", f"{ONLY_GITHUB} who approves {environment}", todo, needed=False)


def variable(kind: str, name: str, environment: str) -> Check:
    what = "secret" if kind == "secrets" else "variable"
    todo = f"gh {what} set {name} --env {environment}"
    return Check(f"{what} {name}", "unknown", f"{ONLY_GITHUB} whether it has a value", todo, needed=False)


def federated(documents: Iterable[Mapping[str, Any]], root: Path, environment: str) -> Check:
    """Whether a workflow may ask for the token that Entra takes in place of a password."""
    if not any((one.get("permissions") or {}).get("id-token") == "write" for one in with_jobs(documents)):
        todo = "permissions: id-token: write in the jobs that log in"
        return Check("federated login", "missing", "no workflow may ask for a token of OIDC", todo)
    match = ADDRESS.fullmatch(remote_of(root))
    subject = f"repo:{match['name'] if match else '<owner>/<repository>'}:environment:{environment}"
    todo = f"the identity has a federated credential with the subject {subject}"
    return Check("federated login", "unknown", "only Entra knows who may log in", todo, needed=False)


def with_jobs(documents: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Workflows and each of their jobs: both may have `permissions`."""
    documents = list(documents)
    return [*documents, *(job for document in documents for job in (document.get("jobs") or {}).values())]
