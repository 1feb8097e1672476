"""What a signal came to."""

import threading
import traceback
from dataclasses import dataclass, field
from typing import Any

from signals.spec import Signal


@dataclass
class Finding:
    """Something that the reader of a report has to know.

    Attributes:
        level: `error` where a figure that was asked for is missing; `warning`.
        code: for programs, such as `missing-column`.
        message: what, why and what to do.
        feature: the feature that it is about, None for all.
    """

    level: str
    code: str
    message: str
    feature: str | None = None


@dataclass
class Row:
    """One metric of one feature.

    Attributes:
        value: None where Azure gives none either.
        threshold: what the value is compared with; for data quality the reference's own rate is part of it.
        breached: whether the value is beyond the threshold.
        azure: what Azure does otherwise; empty if the same.
        reference: the reference's own rate, of data quality.
        evaluated: whether Azure compares it with the threshold.
    """

    feature: str
    kind: str
    metric: str
    value: float | None
    threshold: float | None
    breached: bool
    azure: str = ""
    reference: float | None = None
    evaluated: bool = True


@dataclass
class Histogram:
    """How both datasets are distributed over the same buckets or categories, rows with missing values elsewhere kept.

    Attributes:
        limits: of the buckets, one more than there are; or
        categories: values as text, None for NULL.
        reference, production: rows.
    """

    reference: list[int]
    production: list[int]
    limits: list[float] | None = None
    categories: list[str | None] | None = None


@dataclass
class Result:
    """What a signal came to.

    Attributes:
        attributions: feature -> its importance in the reference and in production, of attribution drift.
    """

    signal: Signal
    rows: dict[str, int] = field(default_factory=dict)
    metrics: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    attributions: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, level: str, code: str, message: str, feature: str | None = None) -> None:
        """Add a finding, once."""
        finding = Finding(level, code, message, feature)
        with self._lock:  # columns are computed by several threads
            if finding not in self.findings:
                self.findings.append(finding)

    def note_crash(self, error: Exception, feature: str | None = None) -> None:
        """Tell of a mistake of this program, which must not hide what else is computed; where it is goes to the log."""
        traceback.print_exception(error)
        text = f"a mistake of the monitor itself, {type(error).__name__}: {error}; the log of its step says where"
        self.note("error", "crashed", text, feature)

    @property
    def breached(self) -> list[str]:
        """`feature:metric` of what is beyond its threshold."""
        return [f"{row.feature}:{row.metric}" for row in self.metrics if row.breached]

    def document(self, window: dict[str, str] | None) -> dict[str, Any]:
        """What signals/<name>.json holds.

        Args:
            window: start and end of the production data; None if all of it was taken.
        """
        found: dict[str, Any] = {
            "schema": 1,
            "signal": self.signal.name,
            "type": self.signal.type,
            "window": window,
            "rows": self.rows,
            "features": [_row(row) for row in self.metrics],
            "findings": [vars(finding) for finding in self.findings],
            "histograms": {feature: _histogram(histogram) for feature, histogram in sorted(self.histograms.items())},
        }
        if self.attributions:
            found["attributions"] = {
                feature: {"reference": reference, "production": production}
                for feature, (reference, production) in self.attributions.items()
            }
        return found


def _row(row: Row) -> dict[str, Any]:
    found = {key: value for key, value in vars(row).items() if key not in ("azure", "evaluated", "reference")}
    found["azure"] = {"evaluated": row.evaluated, "note": row.azure}
    return found if row.reference is None else found | {"reference": row.reference}


def _histogram(histogram: Histogram) -> dict[str, Any]:
    shape: dict[str, Any] = (
        {"categories": histogram.categories} if histogram.limits is None else {"edges": histogram.limits}
    )
    return shape | {"reference": histogram.reference, "production": histogram.production}
