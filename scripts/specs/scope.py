"""PR=123: what a pull request makes has names and tags of its own, and a date after which it is cleaned up."""

import re
from datetime import date, timedelta
from typing import Any

from scripts.specs.errors import SpecError
from scripts.specs.kinds import Kind

VARIABLE = "PR"  # of the environment: a number
NUMBER, EXPIRES = "pr", "expires"  # tags
# Names that specs are made from; `unique()` and names of assets and schedules follow by themselves.
OWN = ("model", "experiment")
NAME = re.compile(r"""^(name: *)(["']?)([\w.-]+)\2""", re.MULTILINE)


def with_scope(config: dict[str, Any], number: str) -> dict[str, Any]:
    """`config` for pull request `number`; as it is for "".

    Raises:
        SpecError: `number` is none, or nothing is made from a pull request in this environment.
    """
    if not number:
        return config
    if not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise SpecError(f"{VARIABLE}={number}", "write the number of a pull request, such as PR=123")
    where = f"config/{config['env']}.yml"
    if config.get("training") is False or config.get("assets_from") == "registry":
        raise SpecError(where, f"{VARIABLE}={number}: {config['env']} takes promoted releases only; use ENV=dev")
    if not isinstance(config.get("pr"), dict) or not isinstance(config["pr"].get("days"), int):
        raise SpecError(where, f"{VARIABLE}={number}: config lacks pr.days, how long what it makes is kept")
    own = {key: f"{config[key]}-pr-{number}" for key in OWN if key in config}
    return {**config, **own, "pr": {**config["pr"], "number": number}}


def number_of(config: dict[str, Any]) -> str:
    """The pull request that `config` is for; "" if it is for none."""
    scope = config.get("pr")
    return str(scope.get("number", "")) if isinstance(scope, dict) else ""


def scoped(name: str, number: str, joint: str = "-") -> str:
    """`name` of what pull request `number` makes; as it is if it says so already.

    Args:
        joint: between the parts; Azure ML takes no hyphen in names of components.
    """
    said = re.search(rf"[-_]pr[-_]{number}(?![0-9])", name)
    return name if not number or said else f"{name}{joint}pr{joint}{number}"


def scoped_text(text: str, number: str, joint: str) -> str:
    """A rendered spec with its `name:` in the scope of pull request `number`."""
    if not number:
        return text
    return NAME.sub(lambda found: f"{found[1]}{found[2]}{scoped(found[3], number, joint)}{found[2]}", text, count=1)


def scope_tags(config: dict[str, Any], today: date) -> dict[str, str]:
    """Tags by which `make clean` finds what a pull request has made, and when it may."""
    number = number_of(config)
    if not number:
        return {}
    return {NUMBER: number, EXPIRES: (today + timedelta(days=config["pr"]["days"])).isoformat()}


def refuse_shared(document: dict[str, Any], kind: Kind, template: str, number: str) -> None:
    """Refuses what a pull request makes that would be taken for everybody's.

    Raises:
        SpecError: by its name, or by tags that tell of no pull request.
    """
    if not number:
        return
    named = {key: str(document[key]) for key in ("name", "endpoint_name") if key in document}
    if kind.name.endswith(" deployment"):
        named.pop("name", None)
    for key, name in named.items():
        if scoped(name, number) != name:
            raise SpecError(template, f"{key}: {name} is not the pull request's own; make it with unique()")
    if NUMBER not in (document.get("tags") or {}):
        raise SpecError(template, "needs the line `tags: << tags >>`: by these `make clean` knows what is whose")
