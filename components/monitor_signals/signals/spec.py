"""What a signal is asked to compute, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.kinds import CATEGORICAL, NUMERICAL

DRIFT, QUALITY = ("data_drift", "prediction_drift"), "data_quality"
# In the order in which Azure's client looks for the one metric of a kind that it sends to the service.
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    "drift": {
        NUMERICAL: (
            "jensen_shannon_distance",
            "normalized_wasserstein_distance",
            "population_stability_index",
            "two_sample_kolmogorov_smirnov_test",
        ),
        CATEGORICAL: ("jensen_shannon_distance", "population_stability_index", "pearsons_chi_squared_test"),
    },
    "quality": {
        NUMERICAL: ("null_value_rate", "data_type_error_rate", "out_of_bounds_rate"),
        CATEGORICAL: ("null_value_rate", "data_type_error_rate", "out_of_bounds_rate"),
    },
}
P_VALUES = ("two_sample_kolmogorov_smirnov_test", "pearsons_chi_squared_test")  # small ones are the bad ones
KEYS = {"name", "type", "metric_thresholds", "features", "feature_type_override", "data_segment", "minimum_rows"}


class BadSignal(Exception):
    """The signal can't be computed as it is given; the message says what to mend."""


@dataclass(frozen=True)
class Signal:
    """One signal of a monitor.

    Attributes:
        thresholds: kind -> metric -> threshold.
        features: names; None for all that both datasets have.
        overrides: feature -> kind.
        segment: (feature, values): only rows with one of these values count; None for all rows.
        minimum_rows: fewer complete rows on a side are too few to say anything.
    """

    name: str
    type: str
    thresholds: Mapping[str, Mapping[str, float]]
    features: tuple[str, ...] | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    segment: tuple[str, tuple[str, ...]] | None = None
    minimum_rows: int = 1

    @property
    def family(self) -> str:
        """`drift` or `quality`."""
        return "quality" if self.type == QUALITY else "drift"

    def azure_evaluates(self, kind: str, metric: str) -> bool:
        """Whether Azure's client sends this metric: of drift the first of each kind that has a threshold other than 0."""
        given = self.thresholds.get(kind, {})
        if self.family == "quality":
            return True
        return next((name for name in METRICS["drift"][kind] if given.get(name)), None) == metric

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Signal":
        """From the JSON that the component is given: the keys of a signal in a monitor's YAML, and `name`.

        Raises:
            BadSignal: an unknown key, type, metric, kind or threshold.
        """
        name = str(document.get("name") or "")
        if unknown := document.keys() - KEYS:
            raise BadSignal(f"{name}: unknown key {min(unknown)!r}; there are {', '.join(sorted(KEYS))}")
        kind = document.get("type")
        if kind not in (*DRIFT, QUALITY):
            raise BadSignal(f"{name}: type {kind!r} is not one of {', '.join((*DRIFT, QUALITY))}")
        family = "quality" if kind == QUALITY else "drift"
        segment = document.get("data_segment")
        features = document.get("features")
        return cls(
            name=name,
            type=kind,
            thresholds=_thresholds(name, family, document.get("metric_thresholds") or {}),
            features=None if features in (None, "all_features") else tuple(features),
            overrides=_overrides(name, document.get("feature_type_override") or {}),
            segment=(segment["feature_name"], tuple(map(str, segment["feature_values"]))) if segment else None,
            minimum_rows=int(document.get("minimum_rows") or 1),
        )


def _thresholds(name: str, family: str, given: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for kind, metrics in given.items():
        if kind not in METRICS[family]:
            raise BadSignal(f"{name}: metric_thresholds.{kind} is neither numerical nor categorical")
        for metric, threshold in (metrics or {}).items():
            where = f"{name}: metric_thresholds.{kind}.{metric}"
            if metric not in METRICS[family][kind]:
                raise BadSignal(f"{where} is not one of {', '.join(METRICS[family][kind])}")
            if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold >= 0:
                raise BadSignal(f"{where} is {threshold!r}; a number of 0 or more is needed")
            found.setdefault(kind, {})[metric] = float(threshold)
    if not found:
        raise BadSignal(f"{name}: metric_thresholds is empty; name at least one metric")
    return found


def _overrides(name: str, given: Mapping[str, str]) -> dict[str, str]:
    for feature, kind in given.items():
        if kind not in (NUMERICAL, CATEGORICAL):
            raise BadSignal(f"{name}: feature_type_override.{feature} is {kind!r}, neither numerical nor categorical")
    return dict(given)


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
    """

    feature: str
    kind: str
    metric: str
    value: float | None
    threshold: float
    breached: bool
    azure: str = ""
    reference: float | None = None


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
    """What a signal came to."""

    signal: Signal
    rows: dict[str, int] = field(default_factory=dict)
    metrics: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    histograms: dict[str, Histogram] = field(default_factory=dict)

    def note(self, level: str, code: str, message: str, feature: str | None = None) -> None:
        """Add a finding, once."""
        finding = Finding(level, code, message, feature)
        if finding not in self.findings:
            self.findings.append(finding)

    @property
    def breached(self) -> list[str]:
        """`feature:metric` of what is beyond its threshold."""
        return [f"{row.feature}:{row.metric}" for row in self.metrics if row.breached]
