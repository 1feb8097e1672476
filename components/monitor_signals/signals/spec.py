"""What a signal is asked to compute, and what it found."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.kinds import CATEGORICAL, NUMERICAL

DRIFT, QUALITY = ("data_drift", "prediction_drift"), "data_quality"
ATTRIBUTION, PERFORMANCE, CUSTOM = "feature_attribution_drift", "model_performance", "custom"
GAIN = "normalized_discounted_cumulative_gain"
RATES = ("null_value_rate", "data_type_error_rate", "out_of_bounds_rate")
DISTANCES = {
    # In the order in which Azure's client looks for the one metric of a kind that it sends to the service.
    NUMERICAL: (
        "jensen_shannon_distance",
        "normalized_wasserstein_distance",
        "population_stability_index",
        "two_sample_kolmogorov_smirnov_test",
    ),
    CATEGORICAL: ("jensen_shannon_distance", "population_stability_index", "pearsons_chi_squared_test"),
}
# Type of a signal -> kind of what has the metric -> its metrics.
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    "data_drift": DISTANCES,
    "prediction_drift": DISTANCES,
    QUALITY: {NUMERICAL: RATES, CATEGORICAL: RATES},
    ATTRIBUTION: {"model": (GAIN,)},
    PERFORMANCE: {"classification": ("accuracy", "precision", "recall"), "regression": ("mae", "mse", "rmse")},
}
# The lower, the worse: these are breached from below.
P_VALUES = ("two_sample_kolmogorov_smirnov_test", "pearsons_chi_squared_test")
SCORES = ("accuracy", "precision", "recall")
FROM_BELOW = {*P_VALUES, *SCORES, GAIN}
KEYS = {
    "name", "type", "metric_thresholds", "features", "feature_type_override", "data_segment", "minimum_rows",
    "ml_task", "production_columns", "reference_columns",
}  # fmt: skip
# Their values lie between 0 and 1, so that a threshold outside is passed always or never.
SHARES = {"jensen_shannon_distance", *RATES, *P_VALUES, *SCORES, GAIN}
TARGETS = ("target_column", "target_label", "target", "actual")  # names that the label goes by in data_column_names
CORRELATION = "correlationid"  # the column that collected data is joined on


class BadSignal(Exception):
    """The signal can't be computed as it is given; the message says what to mend."""


@dataclass(frozen=True)
class Signal:
    """One signal of a monitor.

    Attributes:
        thresholds: kind -> metric -> threshold; none of custom signals.
        custom: metric of a custom signal -> threshold; None where its data says it.
        features: names; None for all that both datasets have.
        top: look at so many features only, those that matter most to a model of the reference; None for all.
        overrides: feature -> kind.
        segment: (feature, values): only rows with one of these values count; None for all rows.
        minimum_rows: fewer rows on a side are too few to say anything; in drift, rows that miss no value.
        task: classification or regression; None to tell it by the target.
        columns: (reference, production): what a column is (prediction, correlation_id …) -> its name.
        problems: what is wrong with thresholds that are left out of `thresholds`.
    """

    name: str
    type: str
    thresholds: Mapping[str, Mapping[str, float]]
    custom: Mapping[str, float | None] = field(default_factory=dict)
    features: tuple[str, ...] | None = None
    top: int | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    segment: tuple[str, tuple[str, ...]] | None = None
    minimum_rows: int = 1
    task: str | None = None
    columns: tuple[Mapping[str, str], Mapping[str, str]] = field(default_factory=lambda: ({}, {}))
    problems: tuple[str, ...] = ()

    @property
    def doubts(self) -> list[str]:
        """What is odd about thresholds that can be used."""
        return [
            f"a {metric} lies between 0 and 1, so that a threshold of {threshold:g} is passed always or never"
            for metrics in (*self.thresholds.values(), self.custom)
            for metric, threshold in metrics.items()
            if metric in SHARES and threshold is not None and threshold >= 1
        ]

    def azure_evaluates(self, kind: str, metric: str) -> bool:
        """Whether Azure's client sends this metric: of drift the first of each kind with a threshold other than 0."""
        if self.type not in DRIFT:
            return True
        given = self.thresholds.get(kind, {})
        return next((name for name in METRICS[self.type][kind] if given.get(name)), None) == metric

    def target(self, side: int) -> str | None:
        """Name of the column with the label; None if it is not told."""
        return next((self.columns[side][key] for key in TARGETS if key in self.columns[side]), None)

    def correlation(self, side: int) -> str:
        """Name of the column with the correlation id."""
        return self.columns[side].get("correlation_id", CORRELATION)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Signal":
        """From the JSON that the component is given: the keys of a signal in a monitor's YAML, and a `name`.

        Raises:
            BadSignal: an unknown key, type or kind, or no threshold that can be used. One of several that can't be is
                among the problems.
        """
        name = str(document["name"])
        if unknown := document.keys() - KEYS:
            raise BadSignal(f"{name}: unknown key {min(unknown)!r}; there are {', '.join(sorted(KEYS))}")
        if (kind := document.get("type")) not in (*METRICS, CUSTOM):
            raise BadSignal(f"{name}: type {kind!r} is not one of {', '.join((*METRICS, CUSTOM))}")
        try:
            features, top = _features(document.get("features"))
            segment = document.get("data_segment")
            thresholds, problems = _thresholds(kind, {} if kind == CUSTOM else document.get("metric_thresholds") or {})
            if kind != CUSTOM and not thresholds:
                said = "; ".join(problems) or "metric_thresholds is empty; name at least one metric"
                raise BadSignal(f"{name}: {said}")
            return cls(
                name=name,
                type=kind,
                thresholds=thresholds,
                custom=_custom(document.get("metric_thresholds") or ()) if kind == CUSTOM else {},
                features=features,
                top=top,
                overrides=_overrides(name, document.get("feature_type_override") or {}),
                segment=(segment["feature_name"], tuple(map(str, segment["feature_values"]))) if segment else None,
                minimum_rows=int(document.get("minimum_rows") or 1),
                task=str(document["ml_task"]) if document.get("ml_task") else None,
                columns=(dict(document.get("reference_columns") or {}), dict(document.get("production_columns") or {})),
                problems=tuple(problems),
            )
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise BadSignal(f"{name} can't be understood: {type(error).__name__}: {error}") from error


def _thresholds(kind: str, given: Mapping[str, Any]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """(kind of what has the metric -> metric -> threshold, what is wrong with the others)."""
    if kind == ATTRIBUTION:
        given = {"model": given}
    found: dict[str, dict[str, float]] = {}
    problems = []
    for part, metrics in given.items():
        known = METRICS[kind].get(part)
        if known is None:
            problems.append(f"metric_thresholds.{part} is not one of {', '.join(METRICS[kind])}")
            continue
        for metric, threshold in (metrics or {}).items():
            where = f"metric_thresholds.{part}.{metric}"
            if metric not in known:
                problems.append(f"{where} is not one of {', '.join(known)}")
            elif isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold < math.inf:
                problems.append(f"{where} is {threshold!r}; a number of 0 or more is needed")
            else:
                found.setdefault(part, {})[metric] = float(threshold)
    return found, problems


def _custom(given: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    rows = {str(row["metric_name"]): row.get("threshold") for row in given}
    return {metric: None if limit is None else float(limit) for metric, limit in rows.items()}


def _features(given: Any) -> tuple[tuple[str, ...] | None, int | None]:
    if given in (None, "all_features"):
        return None, None
    if isinstance(given, Mapping):
        return None, int(given["top_n_feature_importance"])
    if isinstance(given, str):
        raise ValueError(f"features is {given!r}; a list of names is needed, top_n_feature_importance or all_features")
    return tuple(map(str, given)), None


def _overrides(name: str, given: Mapping[str, str]) -> dict[str, str]:
    for feature, kind in given.items():
        if kind not in (NUMERICAL, CATEGORICAL):
            raise BadSignal(f"{name}: feature_type_override.{feature} is {kind!r}, neither numerical nor categorical")
    return dict(given)
