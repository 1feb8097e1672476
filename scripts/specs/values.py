"""Values set over the config for one render, such as the model version that a rollout deploys."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from scripts.specs.config import merge
from scripts.specs.errors import SpecError


def with_values(config: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """`config` with `values` in it: dotted key -> text, which becomes what the key has now (number, true or false).

    Raises:
        SpecError: `config` has no such key, or the text is no value of its type.
    """
    for key, text in values.items():
        value = _typed(key, text, _current(config, key))
        for name in reversed(key.split(".")):
            value = {name: value}
        config = merge(config, value)
    return config


def parse_values(settings: list[str]) -> dict[str, str]:
    """key=value pairs of a command line.

    Raises:
        SpecError: one has no key or no `=`.
    """
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            raise SpecError("--set", f"{setting!r} is no setting; write key=value, such as model_version=3")
        values[key] = value
    return values


def _current(config: dict[str, Any], key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value or name == "env":
            near = get_close_matches(key, _keys(config), n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(_keys(config))}"
            raise SpecError("--set", f"{key} is no key of config/common.yml or config/{config['env']}.yml; {hint}")
        value = value[name]
    return value


def _keys(config: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys of all values that are no mappings themselves."""
    keys: list[str] = []
    for name, value in config.items():
        if isinstance(value, dict):
            keys += _keys(value, f"{prefix}{name}.")
        elif f"{prefix}{name}" != "env":
            keys.append(f"{prefix}{name}")
    return keys


def _typed(key: str, text: str, current: Any) -> Any:
    if isinstance(current, dict | list):
        raise SpecError("--set", f"{key} holds more than one value; set one below it, such as {key}.name=value")
    if isinstance(current, bool):
        if text not in {"true", "false"}:
            raise SpecError("--set", f"{key}={text}: write true or false")
        return text == "true"
    kind = type(current) if isinstance(current, int | float) else str
    try:
        return kind(text)
    except ValueError as error:
        name = {int: "a whole number", float: "a number"}[kind]
        raise SpecError("--set", f"{key}={text}: it is {name}, {current} now") from error
