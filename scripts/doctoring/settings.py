"""What config and variables still lack: placeholders, and `$(NAME)` that nothing has filled in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.doctoring.check import Check

PLACEHOLDERS = ("00000000-0000-0000-0000-000000000000", "example.com")
# Azure Pipelines leaves the text of a variable that it does not know as it is.
UNFILLED = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
ONLY_LOCAL = ("alert",)  # sections that Azure has no use for


def placeholders(config: Mapping[str, Any]) -> Check:
    """Whether `config` still holds the values that it came with."""
    left = [
        f"{key}: {value}"
        for key, value in values(config)
        if key.split(".")[0] not in ONLY_LOCAL and any(mark in value for mark in PLACEHOLDERS)
    ]
    where = f"config/{config['env']}.yml or config/common.yml"
    if left:
        return Check("config", "missing", f"still as it came: {'; '.join(left)}", f"put your own into {where}")
    return Check("config", "ok", "no placeholder is left")


def variables(environ: Mapping[str, str], group: str) -> Check:
    """Whether every variable of the pipeline has a value.

    Args:
        group: variable group that has to give them.
    """
    unfilled = {name: match for name, value in environ.items() if (match := UNFILLED.fullmatch(value))}
    if unfilled:
        names = ", ".join(sorted({match[1] for match in unfilled.values()}))
        why = f"no value for {names} (as {', '.join(sorted(unfilled))})"
        return Check("variables", "missing", why, f"Pipelines > Library > {group}: add {names}")
    return Check("variables", "ok", "none is left as $(NAME)")


def values(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys of `config` and their values as text."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from values(value, f"{prefix}{name}.")
        else:
            for item in value if isinstance(value, list) else [value]:
                yield f"{prefix}{name}", str(item)
