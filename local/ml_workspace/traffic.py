"""Rules for the traffic of an online endpoint."""

from typing import Any

from .errors import WorkspaceError

MOST_MIRRORED = 50  # percent


def checked_traffic(endpoint: str, given: Any, up: list[str]) -> dict[str, int]:
    """Weights without zeros.

    Args:
        given: deployment -> percent.
        up: the deployments that can have traffic.

    Raises:
        WorkspaceError: not whole numbers from 0 to 100 with the sum 100 (or no traffic at all), or a deployment that
            can have none.
    """
    weights = _weights("traffic", given, endpoint, up)
    total = sum(weights.values())
    if total not in (0, 100):
        raise WorkspaceError(
            f"traffic: {_shown(weights)} of endpoint '{endpoint}' adds up to {total}, not to 0 or 100."
        )
    return weights


def checked_mirror(endpoint: str, given: Any, traffic: dict[str, int], up: list[str]) -> dict[str, int]:
    """The mirror's weight without zeros.

    Args:
        traffic: the live traffic: a deployment has that or mirrored traffic, not both, as on Azure.

    Raises:
        WorkspaceError: more than one deployment, more than 50 percent, or a deployment that can't be mirrored to.
    """
    weights = _weights("mirror_traffic", given, endpoint, up)
    if len(weights) > 1:
        raise WorkspaceError(f"mirror_traffic: {_shown(weights)}: traffic can be mirrored to one deployment only.")
    for name, percent in weights.items():
        if percent > MOST_MIRRORED:
            raise WorkspaceError(f"mirror_traffic: {name}={percent}: at most {MOST_MIRRORED} percent can be mirrored.")
        if name in traffic:
            raise WorkspaceError(
                f"mirror_traffic: {name} has {traffic[name]} percent of the live traffic: set that to 0."
            )
    return weights


def _weights(field: str, given: Any, endpoint: str, up: list[str]) -> dict[str, int]:
    if not isinstance(given, dict):
        raise WorkspaceError(f"{field}: {given!r} is not DEPLOYMENT: PERCENT.")
    weights = {}
    for name, value in given.items():
        text = str(value).strip()
        if not text.isdecimal() or int(text) > 100:
            raise WorkspaceError(f"{field}: {name}: {value!r} is not a whole number from 0 to 100.")
        if int(text):
            weights[str(name).lower()] = int(text)
    unknown = [name for name in weights if name not in up]
    if unknown:
        raise WorkspaceError(
            f"{field}: endpoint '{endpoint}' has no deployment '{unknown[0]}' that is up. "
            f"Those that are: {', '.join(up) or 'none'}."
        )
    return weights


def _shown(weights: dict[str, int]) -> str:
    return " ".join(f"{name}={percent}" for name, percent in weights.items())
