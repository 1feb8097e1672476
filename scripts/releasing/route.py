"""From which environment to which a version may go, and who has to say so."""

from typing import Any

from scripts.releasing.errors import ReleaseError
from scripts.specs.ids import KEY, registry_of


def refuse_route(source: dict[str, Any], target: dict[str, Any], approved_by: str) -> None:
    """Refuses a promotion that skips an environment, has no registry, or that nobody has approved.

    Args:
        source, target: configs of the environments.
    """
    origin, to = source["env"], target["env"]
    before = target["promote"]["from"]
    if not before:
        raise ReleaseError(f"TO={to}: nothing is promoted there, as promote.from in config/ is empty")
    if before != origin:
        raise ReleaseError(
            f"FROM={origin} is not in front of TO={to}: config/{to}.yml says promote.from: {before}; "
            f"a version proves itself in {before} first"
        )
    if registry_of(target) is None:
        raise ReleaseError(f"config/{to}.yml: promotion goes through the registry; write {KEY}: registry")
    other = registry_of(source)
    if other not in (None, registry_of(target)):
        raise ReleaseError(f"{origin} uses registry {other} and {to} uses {registry_of(target)}; promotion needs one")
    if target["promote"]["approval"] is not False and not approved_by.strip():
        raise ReleaseError(f"nobody has approved, and config/ says promote.approval: true for {to}; APPROVED_BY=name")


def refuse_unserved(deployment: dict[str, Any], model_id: str, env: str) -> None:
    """Refuses a version that was released to an environment, but is not what it serves.

    Args:
        deployment: that has the traffic, as `az ml online-deployment show` prints it.
        model_id: what it is to serve.
    """
    serves = str(deployment.get("model"))
    if not serves.endswith(model_id):  # clients put `azureml:` in front of some ids
        raise ReleaseError(f"{env} serves {serves}, and its release says {model_id}; make deploy ENV={env}")
