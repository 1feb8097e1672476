"""Sampling of a sweep's search space: which hyperparameters each trial gets.

Distributions have the names and formulas of the CLI v2 sweep schema. Bayesian and Sobol sampling are refused by name.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from .errors import Unsupported, WorkspaceError

Parameters = dict[str, str]
"""Hyperparameter name -> value as text, the way a command sees it."""

ALGORITHMS = ("random", "grid")

_FIELDS = {
    "choice": ("values",),
    "randint": ("upper",),
    "uniform": ("min_value", "max_value"),
    "quniform": ("min_value", "max_value", "q"),
    "loguniform": ("min_value", "max_value"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
}


def validate(node: dict[str, Any]) -> None:
    """Refuses what can't be sampled, before anything runs.

    Args:
        node: a sweep in CLI v2 shape; `sampling_algorithm` and `search_space` are looked at.

    Raises:
        WorkspaceError: an algorithm or a distribution that is wrong; Unsupported: one that only Azure has.
    """
    algorithm = _algorithm(node)
    space = node.get("search_space")
    if not isinstance(space, dict) or not space:
        raise WorkspaceError("sweep: search_space is empty; give it at least one hyperparameter")
    for name, distribution in space.items():
        _check_distribution(name, distribution)
        if algorithm["type"] == "grid" and distribution["type"] != "choice":
            raise WorkspaceError(
                f"sweep: search_space.{name} is {distribution['type']}, and grid sampling takes only choice; "
                "use choice, or sampling_algorithm: random"
            )


def sample(node: dict[str, Any]) -> Iterator[Parameters]:
    """The hyperparameters of one trial after another: endless for random, every combination once for grid.

    Args:
        node: a sweep that `validate` has accepted. The same seed gives the same trials.
    """
    algorithm = _algorithm(node)
    space: dict[str, dict[str, Any]] = node["search_space"]
    if algorithm["type"] == "grid":
        for values in itertools.product(*(distribution["values"] for distribution in space.values())):
            yield dict(zip(space, map(str, values), strict=True))
        return
    source = random.Random(algorithm.get("seed"))
    while True:
        yield {name: str(_DRAW[d["type"]](source, d)) for name, d in space.items()}


def _algorithm(node: dict[str, Any]) -> dict[str, Any]:
    given = node.get("sampling_algorithm") or "random"
    algorithm: dict[str, Any] = {"type": given} if isinstance(given, str) else dict(given)
    algorithm["type"] = str(algorithm.get("type")).lower()
    if algorithm["type"] == "bayesian":
        raise Unsupported("sweep: the local workspace has no bayesian sampling; use sampling_algorithm: random or grid")
    if algorithm["type"] == "sobol" or str(algorithm.get("rule", "")).lower() == "sobol":
        raise Unsupported("sweep: the local workspace has no sobol sampling; use sampling_algorithm: random or grid")
    if algorithm["type"] not in ALGORITHMS:
        raise WorkspaceError(f"sweep: sampling_algorithm {algorithm['type']!r} is not one of {', '.join(ALGORITHMS)}")
    seed = algorithm.get("seed")
    if seed is not None:
        try:
            algorithm["seed"] = int(seed)
        except (TypeError, ValueError):
            raise WorkspaceError(f"sweep: sampling_algorithm.seed must be an integer, not {seed!r}") from None
    return algorithm


def _check_distribution(name: str, distribution: Any) -> None:
    where = f"sweep: search_space.{name}"
    kind = distribution.get("type") if isinstance(distribution, dict) else None
    if kind not in _FIELDS:
        raise WorkspaceError(f"{where}: type {kind!r} is not one of {', '.join(_FIELDS)}")
    missing = [key for key in _FIELDS[kind] if distribution.get(key) is None]
    if missing:
        raise WorkspaceError(f"{where}: {kind} needs {', '.join(missing)}")
    if kind == "choice":
        if not isinstance(distribution["values"], list) or not distribution["values"]:
            raise WorkspaceError(f"{where}: choice needs a list of values that is not empty")
        if any(isinstance(value, dict) for value in distribution["values"]):
            raise Unsupported(f"{where}: the local workspace has no conditional hyperparameters (a choice of mappings)")
        return
    values = {key: distribution[key] for key in _FIELDS[kind]}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise WorkspaceError(f"{where}: {key} must be a number, not {value!r}")
    if "min_value" in values and values["min_value"] > values["max_value"]:
        raise WorkspaceError(f"{where}: min_value {values['min_value']} is above max_value {values['max_value']}")
    for key in ("q", "sigma", "upper"):
        if key in values and values[key] <= 0:
            raise WorkspaceError(f"{where}: {key} must be above 0, not {values[key]}")
    if kind == "randint" and int(values["upper"]) != values["upper"]:
        raise WorkspaceError(f"{where}: upper must be an integer, not {values['upper']}")


def _uniform(source: random.Random, d: dict[str, Any]) -> float:
    return source.uniform(d["min_value"], d["max_value"])


def _normal(source: random.Random, d: dict[str, Any]) -> float:
    return source.gauss(d["mu"], d["sigma"])


def _quantized(value: float, q: float) -> float | int:
    """round(value / q) * q, an integer where q is one, and without the noise of binary fractions (0.1 * 3)."""
    if float(q).is_integer():
        return round(value / q) * int(q)
    return float(f"{round(value / q) * q:.12g}")


_DRAW: dict[str, Callable[[random.Random, dict[str, Any]], Any]] = {
    "choice": lambda source, d: source.choice(d["values"]),
    "randint": lambda source, d: source.randrange(int(d["upper"])),
    "uniform": _uniform,
    "quniform": lambda source, d: _quantized(_uniform(source, d), d["q"]),
    "loguniform": lambda source, d: math.exp(_uniform(source, d)),
    "qloguniform": lambda source, d: _quantized(math.exp(_uniform(source, d)), d["q"]),
    "normal": _normal,
    "qnormal": lambda source, d: _quantized(_normal(source, d), d["q"]),
    "lognormal": lambda source, d: math.exp(_normal(source, d)),
    "qlognormal": lambda source, d: _quantized(math.exp(_normal(source, d)), d["q"]),
}
