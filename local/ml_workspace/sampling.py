"""Sampling of a sweep's search space: which hyperparameters each trial gets.

Distributions have the names and formulas of the CLI v2 sweep schema.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from . import bayesian
from .errors import Unsupported, WorkspaceError

Parameters = dict[str, str]
"""Hyperparameter name -> value as text, the way a command sees it."""

ALGORITHMS = ("random", "grid", "bayesian")
RULES = ("random", "sobol")

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
        raise WorkspaceError("search_space is empty; give it at least one hyperparameter")
    for name, distribution in space.items():
        _check_distribution(name, distribution)
        if algorithm["type"] == "grid" and distribution["type"] != "choice":
            raise WorkspaceError(
                f"search_space.{name} is {distribution['type']}, and grid sampling takes only choice; "
                "use choice, or sampling_algorithm: random"
            )
    if algorithm["type"] == "bayesian":
        bayesian.validate(node)


def is_bayesian(node: dict[str, Any]) -> bool:
    """Whether trials depend on earlier ones."""
    return bool(_algorithm(node)["type"] == "bayesian")


def sample(node: dict[str, Any], at_once: int, score: Callable[[int], float | None]) -> Iterator[Parameters]:
    """The hyperparameters of one trial after another: every combination once for grid, endless for the others.

    Args:
        node: a sweep that `validate` has accepted. The same seed gives the same trials.
        at_once, score: see `bayesian.sample`; the others don't look at them.
    """
    algorithm = _algorithm(node)
    space: dict[str, dict[str, Any]] = node["search_space"]
    if algorithm["type"] == "grid":
        for values in itertools.product(*(distribution["values"] for distribution in space.values())):
            yield dict(zip(space, map(str, values), strict=True))
        return
    if algorithm["type"] == "bayesian":
        for parameters in bayesian.sample(node, at_once, score):
            yield {name: str(value) for name, value in parameters.items()}
        return
    source: Source = random.Random(algorithm["seed"])
    if algorithm["rule"] == "sobol":
        from .quasirandom import Sobol

        source = Sobol(len(space), algorithm["seed"])
    base = algorithm["logbase"]
    while True:
        yield {name: str(_DRAW[d["type"]](source, {**d, "base": base})) for name, d in space.items()}


def _algorithm(node: dict[str, Any]) -> dict[str, Any]:
    """The sampling algorithm: type, and for random rule, seed and logbase too."""
    given = node.get("sampling_algorithm") or "random"
    algorithm: dict[str, Any] = {"type": given} if isinstance(given, str) else dict(given)
    kind = str(algorithm.get("type")).lower()
    if kind not in ALGORITHMS:
        hint = "; it is a rule of random: {type: random, rule: sobol}" if kind == "sobol" else ""
        raise WorkspaceError(f"sampling_algorithm {kind!r} is not one of {', '.join(ALGORITHMS)}{hint}")
    rule = str(algorithm.get("rule") or "random").lower()
    if rule not in RULES:
        raise WorkspaceError(f"sampling_algorithm.rule {rule!r} is not one of {', '.join(RULES)}")
    seed = algorithm.get("seed")
    try:
        seed = None if seed is None else int(seed)
    except (TypeError, ValueError):
        raise WorkspaceError(f"sampling_algorithm.seed must be an integer, not {seed!r}") from None
    return {"type": kind, "rule": rule, "seed": seed, "logbase": _logbase(algorithm.get("logbase"))}


def _logbase(given: Any) -> float:
    """The base of loguniform, lognormal and their quantized forms."""
    try:
        base = math.e if given in (None, "e") else float(given)
    except (TypeError, ValueError):
        base = 0.0
    if not 0 < base < math.inf or base == 1:
        raise WorkspaceError(f"sampling_algorithm.logbase must be e or a number above 0 other than 1, not {given!r}")
    return base


def _check_distribution(name: str, distribution: Any) -> None:
    where = f"search_space.{name}"
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


class Source(Protocol):
    """What the distributions draw from: a `random.Random`, or what stands for one."""

    def uniform(self, a: float, b: float, /) -> float: ...
    def choice(self, values: Sequence[Any], /) -> Any: ...
    def randrange(self, upper: int, /) -> int: ...
    def gauss(self, mu: float, sigma: float, /) -> float: ...


def _uniform(source: Source, d: dict[str, Any]) -> float:
    return source.uniform(d["min_value"], d["max_value"])


def _normal(source: Source, d: dict[str, Any]) -> float:
    return source.gauss(d["mu"], d["sigma"])


def _power(d: dict[str, Any], exponent: float) -> float:
    return math.exp(exponent) if d["base"] == math.e else float(d["base"] ** exponent)


def _quantized(value: float, q: float) -> float | int:
    return multiple(round(value / q), q)


def multiple(steps: int, q: float) -> float | int:
    """steps * q, an integer where q is one, and without the noise of binary fractions (0.1 * 3)."""
    return steps * int(q) if float(q).is_integer() else float(f"{steps * q:.12g}")


_DRAW: dict[str, Callable[[Source, dict[str, Any]], Any]] = {
    "choice": lambda source, d: source.choice(d["values"]),
    "randint": lambda source, d: source.randrange(int(d["upper"])),
    "uniform": _uniform,
    "quniform": lambda source, d: _quantized(_uniform(source, d), d["q"]),
    "loguniform": lambda source, d: _power(d, _uniform(source, d)),
    "qloguniform": lambda source, d: _quantized(_power(d, _uniform(source, d)), d["q"]),
    "normal": _normal,
    "qnormal": lambda source, d: _quantized(_normal(source, d), d["q"]),
    "lognormal": lambda source, d: _power(d, _normal(source, d)),
    "qlognormal": lambda source, d: _quantized(_power(d, _normal(source, d)), d["q"]),
}
