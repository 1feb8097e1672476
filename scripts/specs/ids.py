"""Ids of assets: those of the workspace, or of the registry where config says `assets_from: registry`."""

from collections.abc import Callable
from typing import Any

from scripts.specs.errors import SpecError
from scripts.specs.templates import Refused

KEY = "assets_from"
PLURALS = {"environment": "environments", "component": "components", "data": "data", "model": "models"}


def registry_of(config: dict[str, Any]) -> str | None:
    """Name of the registry that the assets of an environment come from; None: from its workspace.

    Raises:
        SpecError: `config` says something else, or does not name the registry.
    """
    source, where = config.get(KEY, "workspace"), f"config/{config['env']}.yml"
    if source == "workspace":
        return None
    if source != "registry":
        raise SpecError(where, f"{KEY}: {source}: write workspace or registry")
    if not config.get("registry"):
        raise SpecError(where, f"{KEY}: registry, but `registry`, its name, is missing")
    return str(config["registry"])


def asset_id(kind: str, name: str, version: str | None, registry: str | None) -> str:
    """How specs name a version of an asset; the newest if `version` is empty.

    Args:
        kind: environment, component, data or model.
        registry: where it is; None: in the workspace.
    """
    if registry is None:
        return f"azureml:{name}:{version}" if version else f"azureml:{name}@latest"
    which = f"versions/{version}" if version else "labels/latest"
    return f"azureml://registries/{registry}/{PLURALS[kind]}/{name}/{which}"


def id_function(registry: str | None) -> Callable[[str, str, str], str]:
    """The function `asset_id(kind, name, version)` of templates, for assets that are no specs of this repository."""

    def function(kind: str, name: str, version: str) -> str:
        if kind not in PLURALS:
            raise Refused(f"asset_id({kind!r}, …): there is no such kind; there are: {', '.join(PLURALS)}")
        return asset_id(kind, name, version, registry)

    return function
