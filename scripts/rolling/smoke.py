"""The smoke test: does a deployment answer as the registered model itself would?"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scripts.rolling.scoring import Answer, Rows, Scoring
from scripts.rolling.watch import Limits, Measured, judge

FILE = "expected.json"  # of a model folder; components/train writes it
SAME = 1e-6  # relative: another processor may add in another order
TIMED = 40  # requests for the p95


class SmokeError(Exception):
    """The deployment failed the test; the message says in what."""


@dataclass(frozen=True)
class Expected:
    """What the model says on some rows, and the range of the target that it was trained on."""

    rows: Rows
    predictions: list[float]
    low: float
    high: float

    @classmethod
    def read(cls, folder: Path, model: str) -> Self:
        """From a downloaded model.

        Raises:
            SmokeError: the model doesn't have it.
        """
        path = next(iter(sorted(folder.rglob(FILE))), None)
        if path is None:
            raise SmokeError(
                f"{model} has no {FILE}, so nobody knows what it should answer; register one that `make train` made"
            )
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            rows = Rows(found["rows"]["columns"], found["rows"]["data"])
            low, high = found["target_range"]
            return cls(rows, [float(one) for one in found["predictions"]], float(low), float(high))
        except (ValueError, KeyError, TypeError) as error:
            raise SmokeError(f"{model}: its {FILE} is not readable: {error!r}") from error


def smoke(scoring: Scoring, deployment: str, expected: Expected, sample: Rows, limits: Limits) -> dict[str, Any]:
    """Tests a deployment by its name.

    Args:
        scoring: its endpoint.
        deployment: that is asked.
        expected: by the registered model.
        sample: rows of the sample request.
        limits: for the time that it takes.

    Returns:
        What was found, for a report.

    Raises:
        SmokeError: it failed.
    """
    for name, rows in (("the sample request", sample), ("one row", Rows(sample.columns, sample.data[:1]))):
        checked(scoring.score(rows, deployment), deployment, expected, name)
    answer = checked(scoring.score(expected.rows, deployment), deployment, expected, "rows that the model knows")
    largest = compare(answer, expected)
    measured = Measured()
    for rows in some_rows(sample):
        measured.add(scoring.score(rows, deployment))
        if limits.hopeless(measured, TIMED):
            break
    if problem := judge(measured, limits):
        raise SmokeError(problem)
    return {"compared_rows": len(expected.predictions), "largest_difference": largest, **measured.summary()}


def some_rows(sample: Rows) -> Iterator[Rows]:
    chance = random.Random(7)
    return (sample.some(chance) for _ in range(TIMED))


def checked(answer: Answer, deployment: str, expected: Expected, what: str) -> list[float]:
    """Predictions of an answer that is as it should be."""
    if answer.problem:
        raise SmokeError(f"{what}: {answer.problem}")
    assert answer.predictions is not None
    if answer.deployment != deployment:
        raise SmokeError(f"{what}: asked {deployment}, but {answer.deployment} answered")
    for at, value in enumerate(answer.predictions):
        if not expected.low <= value <= expected.high:
            span = f"{expected.low:g} to {expected.high:g}"
            raise SmokeError(f"{what}: prediction {at} is {value:g}, outside of what the model was trained on, {span}")
    return answer.predictions


def compare(predictions: list[float], expected: Expected) -> float:
    """Largest difference from what the registered model says."""
    for at, (served, own) in enumerate(zip(predictions, expected.predictions, strict=True)):
        if not math.isclose(served, own, rel_tol=SAME, abs_tol=SAME):
            raise SmokeError(f"row {at}: {served!r} is served, but the registered model itself says {own!r}")
    return max(abs(served - own) for served, own in zip(predictions, expected.predictions, strict=True))
