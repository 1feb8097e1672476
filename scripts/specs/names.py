"""Names that have to be unique beyond the workspace."""

import hashlib
from collections.abc import Callable
from typing import Any

from scripts.specs.templates import Refused

PLACE = ("subscription", "resource_group", "workspace")
DIGITS = 6  # of the hash: two of a thousand workspaces in a region share them once in thirty cases


def unique(config: dict[str, Any]) -> Callable[[str], str]:
    """The function `unique(name)` of templates: `name` with a short hash of it and of the workspace that gets it.

    Names of endpoints are unique in an Azure region, for all customers. The hash makes them so, and the same render
    gives the same name.
    """

    def unique_name(name: str) -> str:
        if missing := [key for key in PLACE if not config.get(key)]:
            raise Refused(f"unique({name!r}): config lacks {' and '.join(missing)}, which the name is made from")
        place = "/".join([*(str(config[key]) for key in PLACE), name])
        return f"{name}-{hashlib.sha256(place.encode()).hexdigest()[:DIGITS]}"

    return unique_name
