"""What the caller may do in a workspace: Azure's own list of permissions, compared with what the verbs do."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

PROVIDER = "Microsoft.MachineLearningServices/workspaces"
# One action of each kind of thing that verbs write; reading is proven by the other checks.
ACTIONS = tuple(
    f"{PROVIDER}/{action}/write"
    for action in (
        "jobs",
        "data/versions",
        "environments/versions",
        "components/versions",
        "models/versions",
        "onlineEndpoints",
        "onlineEndpoints/deployments",
        "batchEndpoints",
        "batchEndpoints/deployments",
        "schedules",
    )
)
API_VERSION = "2022-05-01-preview"  # of Permissions_ListForResource, as azure-mgmt-authorization sends it


def permissions_line(config: Mapping[str, Any]) -> list[str]:
    """The `az` line that lists what the caller may do in the workspace of `config`."""
    scope = (
        f"/subscriptions/{config['subscription']}/resourceGroups/{config['resource_group']}"
        f"/providers/{PROVIDER}/{config['workspace']}"
    )
    url = f"{scope}/providers/Microsoft.Authorization/permissions?api-version={API_VERSION}"
    return ["rest", "--method", "get", "--url", url]


def lacking(answer: Any) -> list[str]:
    """Those of ACTIONS that no permission of `answer` allows.

    A permission allows what fits one of its `actions` and none of its `notActions`; permissions add up.
    """
    permissions = answer.get("value", []) if isinstance(answer, Mapping) else []
    return [action for action in ACTIONS if not any(allows(permission, action) for permission in permissions)]


def allows(permission: Mapping[str, Any], action: str) -> bool:
    return fits(action, permission.get("actions", [])) and not fits(action, permission.get("notActions", []))


def fits(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
