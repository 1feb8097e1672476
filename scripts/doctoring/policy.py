"""The build-validation policy of Azure Repos: what is there, what has to be, and the `az` line between."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BUILD = "0609b952-1397-4640-95ec-e00a01b2c241"  # the type of build-validation policies, the same everywhere
DISPLAY_NAME = "Validate"
# Flag of `az repos policy build` -> value; a build is valid for 720 minutes and started anew when the source changes.
WANTED = {
    "--blocking": "true",
    "--enabled": "true",
    "--manual-queue-only": "false",
    "--queue-on-source-update-only": "true",
    "--display-name": DISPLAY_NAME,
    "--valid-duration": "720",
}
SETTINGS = {  # where a policy keeps what a flag sets
    "--manual-queue-only": "manualQueueOnly",
    "--queue-on-source-update-only": "queueOnSourceUpdateOnly",
    "--display-name": "displayName",
    "--valid-duration": "validDuration",
}


def policies_of(
    policies: Iterable[Mapping[str, Any]], pipeline: int, repository: str | None = None, branch: str | None = None
) -> list[Mapping[str, Any]]:
    """Build policies that start `pipeline`.

    Args:
        repository: id of the only repository that counts.
        branch: name of the only branch that counts.
    """
    return [
        one
        for one in policies
        if one.get("type", {}).get("id") == BUILD
        and str(one["settings"].get("buildDefinitionId")) == str(pipeline)
        and (branch is None or any(applies(scope, repository, branch) for scope in one["settings"].get("scope", [])))
    ]


def applies(scope: Mapping[str, Any], repository: str | None, branch: str) -> bool:
    return scope.get("repositoryId") == repository and scope.get("refName") == f"refs/heads/{branch}"


def differing(policy: Mapping[str, Any]) -> list[str]:
    """Flags of what `policy` has otherwise than it has to be."""
    has = {flag: policy["settings"].get(name) for flag, name in SETTINGS.items()}
    has |= {"--blocking": policy.get("isBlocking"), "--enabled": policy.get("isEnabled")}
    return [flag for flag, value in WANTED.items() if written(has[flag]) != value]


def written(value: Any) -> str:
    """A value as `az` takes it: the service tells true and 720.0 as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def line_for(
    found: Sequence[Mapping[str, Any]], pipeline: int, repository: str, branch: str, project: Sequence[str]
) -> list[str] | None:
    """The `az` line that makes the policy as it has to be; None if it is.

    Args:
        found: policies of this pipeline, repository and branch; the first is kept.
        project: flags that name the project.
    """
    settings = [part for flag, value in WANTED.items() for part in (flag, value)]
    scope = ["--branch", branch, "--repository-id", repository, "--build-definition-id", str(pipeline)]
    if not found:
        return ["repos", "policy", "build", "create", *scope, *settings, *project]
    if not differing(found[0]):
        return None
    return ["repos", "policy", "build", "update", "--id", str(found[0]["id"]), *scope, *settings, *project]
