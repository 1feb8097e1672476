"""The gate's policy, read strictly: a rule that is misspelt must not become a rule that is not there."""

import math
from dataclasses import dataclass
from typing import Any

KEYS = {"metric", "direction", "minimum_gain", "limits", "slices"}
SLICE_KEYS = {"by", "minimum_rows", "worst_degradation"}
DIRECTIONS = ("minimize", "maximize")


class GateError(Exception):
    """The policy or the evaluation can't be used; the message says where and why."""


@dataclass(frozen=True)
class Policy:
    """See policy.yml.j2 for what each part means.

    Args:
        metric: candidate and champion are compared by it.
        minimize: whether less is better.
        minimum_gain: by how much the candidate has to be better.
        relative: whether `minimum_gain` is a share of the champion's value, or in the metric's own unit.
        limits: metric, `min` or `max`, value.
        slice_by: column that divides the rows.
        slice_rows: slices with fewer rows are not compared.
        slice_loss: share of the champion's value by which a slice may be worse.
    """

    metric: str
    minimize: bool
    minimum_gain: float
    relative: bool
    limits: list[tuple[str, str, float]]
    slice_by: str
    slice_rows: int
    slice_loss: float

    def gain(self, new: float | None, old: float | None, relative: bool | None = None) -> float | None:
        """How much better `new` is than `old`; None where that can't be said. Negative: worse."""
        if new is None or old is None:
            return None
        gain = old - new if self.minimize else new - old
        if not (self.relative if relative is None else relative):
            return gain
        return gain / abs(old) if old else None


def number(document: Any, *path: str) -> float | None:
    """The finite number at `path` of nested mappings; None if it is missing or anything else."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    real = isinstance(document, int | float) and not isinstance(document, bool)
    return float(document) if real and math.isfinite(document) else None


def load_policy(document: Any) -> Policy:
    """A policy from the mapping that policy.yml holds.

    Raises:
        GateError: a key is missing, unknown or of the wrong type.
    """
    _keys("policy.yml", document, KEYS)
    if document["direction"] not in DIRECTIONS:
        raise GateError(f"policy.yml: direction is {document['direction']!r}, not one of {', '.join(DIRECTIONS)}")
    gain, slices = document["minimum_gain"], document["slices"]
    if not isinstance(gain, dict) or len(gain) != 1 or not gain.keys() <= {"relative", "absolute"}:
        raise GateError("policy.yml: minimum_gain holds either `relative: <share>` or `absolute: <value>`")
    _keys("policy.yml: slices", slices, SLICE_KEYS)
    return Policy(
        metric=_text("metric", document["metric"]),
        minimize=document["direction"] == "minimize",
        minimum_gain=_not_negative("minimum_gain", next(iter(gain.values()))),
        relative="relative" in gain,
        limits=_limits(document["limits"]),
        slice_by=_text("slices.by", slices["by"]),
        slice_rows=int(_not_negative("slices.minimum_rows", slices["minimum_rows"])),
        slice_loss=_not_negative("slices.worst_degradation", slices["worst_degradation"]),
    )


def _limits(document: Any) -> list[tuple[str, str, float]]:
    if not isinstance(document, dict) or not document:
        raise GateError(
            "policy.yml: limits maps metrics to `min:` or `max:`; without one no first model is ever refused"
        )
    limits = []
    for metric, sides in document.items():
        if not isinstance(sides, dict) or not sides or not sides.keys() <= {"min", "max"}:
            raise GateError(f"policy.yml: limits.{metric} holds `min:` or `max:` or both, not {sides!r}")
        limits += [(str(metric), side, _number(f"limits.{metric}.{side}", value)) for side, value in sides.items()]
    return limits


def _keys(where: str, document: Any, wanted: set[str]) -> None:
    found = document.keys() if isinstance(document, dict) else set()
    if found != wanted:
        wrong = [f"{key} is missing" for key in sorted(wanted - found)]
        wrong += [f"{key} is not known" for key in sorted(found - wanted)]
        raise GateError(f"{where}: {', '.join(wrong)}; its keys are {', '.join(sorted(wanted))}")


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise GateError(f"policy.yml: {where} is a name, not {value!r}")
    return value


def _number(where: str, value: Any) -> float:
    found = number({"value": value}, "value")
    if found is None:
        raise GateError(f"policy.yml: {where} is a number, not {value!r}")
    return found


def _not_negative(where: str, value: Any) -> float:
    found = _number(where, value)
    if found < 0:
        raise GateError(f"policy.yml: {where} is at least 0, not {value!r}")
    return found
