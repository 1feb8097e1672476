"""What the workflows of .github/ ask GitHub for. Nothing here reaches GitHub: it lists what has to be there."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.doctoring.check import Check

NAMED = re.compile(r"\b(vars|secrets)\.([A-Za-z_]\w*)")
GIVEN = {"GITHUB_TOKEN"}  # by GitHub itself


def github(root: Path, env: str, environ: Mapping[str, str]) -> list[Check]:
    """Checks of the variables, the environment and the login that the workflows want for `env`."""
    workflows = sorted((root / ".github/workflows").glob("*.y*ml"))
    if not workflows:
        return [Check("workflows", "missing", "there is none in .github/workflows", "take those of the branch main")]
    texts = [path.read_text(encoding="utf-8") for path in workflows]
    documents = [yaml.safe_load(text) for text in texts]
    checks = [Check("workflows", "ok", ", ".join(path.name for path in workflows))]
    names = sorted({(kind, name) for text in texts for kind, name in NAMED.findall(text) if name not in GIVEN})
    checks += [variable(kind, name, env, environ) for kind, name in names]
    for environment in sorted(set(environments(documents))):
        if environment == env or environment.endswith(f"-{env}"):
            todo = f"Settings > Environments > {environment}: required reviewers; branch main only"
            checks.append(Check("environment", "unknown", f"{environment}: who approves", todo, needed=False))
    if not any((document.get("permissions") or {}).get("id-token") == "write" for document in with_jobs(documents)):
        todo = "permissions: id-token: write in the job that logs in"
        checks.append(Check("federated login", "missing", "no workflow may ask for a token of OIDC", todo))
    else:
        subject = f"repo:<owner>/<repository>:environment:<environment of {env}>"
        todo = f"the application's federated credential has the subject {subject}"
        checks.append(Check("federated login", "unknown", "who may log in is known to Entra only", todo, needed=False))
    return checks


def variable(kind: str, name: str, env: str, environ: Mapping[str, str]) -> Check:
    command = "secret" if kind == "secrets" else "variable"
    todo = f"gh {command} set {name} --env <environment of {env}>"
    if environ.get("GITHUB_ACTIONS") == "true" and name in environ:
        if environ[name]:
            return Check(f"{command} {name}", "ok", "it has a value")
        return Check(f"{command} {name}", "missing", "it has no value", todo)
    return Check(f"{command} {name}", "unknown", "only GitHub knows whether it has a value", todo, needed=False)


def with_jobs(documents: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Workflows and each of their jobs: both may have `permissions`."""
    documents = list(documents)
    return [*documents, *(job for document in documents for job in (document.get("jobs") or {}).values())]


def environments(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the environments of jobs that are written out."""
    found = []
    for document in documents:
        for job in (document.get("jobs") or {}).values():
            environment = job.get("environment")
            name = environment.get("name") if isinstance(environment, Mapping) else environment
            if name and "${{" not in str(name):
                found.append(str(name))
    return found
