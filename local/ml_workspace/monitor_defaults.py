"""What a monitor does not say, as Azure's client and service fill it in; and the warnings where they do otherwise."""

from typing import Any

from .trigger import Warn

Document = dict[str, Any]

DRIFT = {
    "numerical": {"normalized_wasserstein_distance": 0.1},
    "categorical": {"jensen_shannon_distance": 0.1},
}
QUALITY = dict.fromkeys(("null_value_rate", "data_type_error_rate", "out_of_bounds_rate"), 0.0)
THRESHOLDS: dict[str, Document] = {
    "data_drift": DRIFT,
    "prediction_drift": DRIFT,
    "data_quality": {"numerical": QUALITY, "categorical": QUALITY},
    "feature_attribution_drift": {"normalized_discounted_cumulative_gain": 0.9},
    "model_performance": {"classification": {"accuracy": 0.9}},
}
# What a monitor without signals watches.
SIGNALS: dict[str, Document] = {
    f"{kind.replace('_', '-')}-signal": {"type": kind, "alert_enabled": False, "metric_thresholds": THRESHOLDS[kind]}
    for kind in ("data_drift", "prediction_drift", "data_quality")
}
# The collection that a signal without data reads.
COLLECTIONS = {
    "data_drift": "model_inputs",
    "data_quality": "model_inputs",
    "prediction_drift": "model_outputs",
    "feature_attribution_drift": "model_inputs",
}
# Of the metrics of each kind that have a threshold other than 0, Azure's client sends the first of these.
ORDER = {
    "numerical": ("jensen_shannon_distance", "normalized_wasserstein_distance", "population_stability_index",
                  "two_sample_kolmogorov_smirnov_test"),
    "categorical": ("jensen_shannon_distance", "population_stability_index", "pearsons_chi_squared_test"),
}  # fmt: skip
DAYS = {"day": 1, "week": 7, "month": 30}


def window_days(trigger: Document) -> int:
    """Days of production data that a monitor looks at if it does not say."""
    if trigger.get("type") != "recurrence":
        return 7
    return DAYS.get(str(trigger.get("frequency")).lower(), 0) * int(trigger.get("interval") or 1) or 1


def warn_of_thresholds(name: str, signal: Document, warn: Warn) -> None:
    """Tell what Azure makes of the thresholds of a signal."""
    where, given = f"create_monitor.monitoring_signals.{name}.metric_thresholds", signal.get("metric_thresholds")
    if not given:
        if signal["type"] in THRESHOLDS:
            warn(f"{where}: Azure's service chooses where there are none; the local workspace takes those that "
                 "Azure's client gives to a monitor without signals.")  # fmt: skip
        return
    if signal["type"] in ("data_drift", "prediction_drift"):
        for kind, metrics in given.items():
            if isinstance(metrics, dict):
                _warn_of_drift(f"{where}.{kind}", ORDER[kind], metrics, warn)
    if signal["type"] == "model_performance":
        warn(f"{where}: Azure's client always sends accuracy 0.9 and these only as a property of the signal.")


def _warn_of_drift(where: str, order: tuple[str, ...], metrics: Document, warn: Warn) -> None:
    for metric, threshold in metrics.items():
        if threshold == 0:
            warn(f"{where}.{metric}: Azure's client takes a threshold of 0 for none at all.")
    sent = [metric for metric in order if metrics.get(metric)]
    if len(sent) > 1:
        warn(f"{where}: Azure's client sends {sent[0]} alone; watched here, too: {', '.join(sent[1:])}.")
