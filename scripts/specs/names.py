"""Names that have to be unique beyond the workspace."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from scripts.specs.scope import number_of
from scripts.specs.templates import Refused

PLACE = ("subscription", "resource_group", "workspace")
LONGEST = 32  # characters of an endpoint's name
DIGITS = 6  # of the hash: two of a thousand workspaces in a region share them once in thirty cases


def unique(config: dict[str, Any]) -> Callable[[str], str]:
    """The function `unique(name)` of templates: `name` with a short hash of it and of the workspace that gets it.

    Names of endpoints are unique in an Azure region, for all customers. The hash makes them so, and the same render
    gives the same name. For a pull request it is `<name>-pr-<number>-<hash>`, cut where that is too long.
    """
    number = number_of(config)

    def unique_name(name: str) -> str:
        if missing := [key for key in PLACE if not config.get(key)]:
            raise Refused(f"unique({name!r}): config lacks {' and '.join(missing)}, which the name is made from")
        place = "/".join([*(str(config[key]) for key in PLACE), name])
        digest = hashlib.sha256(place.encode()).hexdigest()[:DIGITS]
        if not number:
            return f"{name}-{digest}"
        suffix = f"-pr-{number}"
        start = re.sub(rf"{suffix}(?![0-9])", "", name)[: LONGEST - len(suffix) - 1 - DIGITS].rstrip("-")
        return f"{start}{suffix}-{digest}"

    return unique_name
