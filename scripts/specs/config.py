"""Config of an environment: config/common.yml with config/<env>.yml merged over it."""

import os
from pathlib import Path
from typing import Any

import yaml

from scripts.specs.errors import SpecError
from scripts.specs.scope import VARIABLE, with_scope

# Names that the renderer itself gives to templates.
RESERVED = {"env", "ref", "unique", "asset_id", "git", "tags", "version"}


def environments(root: Path) -> list[str]:
    """Names of all environments, sorted; an environment is a file in config/."""
    return sorted(path.stem for path in (root / "config").glob("*.yml") if path.stem != "common")


def load_config(root: Path, env: str) -> dict[str, Any]:
    """Values that templates see in `env`, `env` itself included; those of a pull request if PR is set."""
    if env not in environments(root):
        known = ", ".join(environments(root)) or "none"
        raise SpecError(f"config/{env}.yml", f"there is no environment {env!r}; there are: {known}")
    config = merge(_read(root, "common"), _read(root, env))
    return with_scope({**config, "env": env}, os.environ.get(VARIABLE, ""))


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _read(root: Path, name: str) -> dict[str, Any]:
    path = f"config/{name}.yml"
    try:
        values = yaml.safe_load((root / path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SpecError(path, "the file is missing") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise SpecError(path, f"not valid YAML: {error.problem}", line) from error
    if not isinstance(values, dict):
        raise SpecError(path, "must be a mapping of names to values")
    if taken := RESERVED & values.keys():
        raise SpecError(path, f"{', '.join(sorted(taken))}: the renderer's own name; choose another key")
    return values
