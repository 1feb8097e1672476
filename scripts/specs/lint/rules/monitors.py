"""Monitors: signals, thresholds, alerts, what is watched, and what is compared with what."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, hint
from scripts.specs.lint.rules.deployments import NEWEST

DRIFT = {"data_drift", "prediction_drift"}
KS = "two_sample_kolmogorov_smirnov_test"
KS_ROWS = 10_000
# Metrics whose values lie between 0 and 1, so that a threshold outside is always or never passed.
BETWEEN = {
    "jensen_shannon_distance", "pearsons_chi_squared_test", KS, "null_value_rate", "data_type_error_rate",
    "out_of_bounds_rate", "accuracy", "precision", "recall", "normalized_discounted_cumulative_gain",
}  # fmt: skip
DAYS = re.compile(r"P(\d+)D")


def monitors(subject: Subject) -> Iterator[Problem]:
    """Signals of a monitor, and who hears of them."""
    if "create_monitor" not in subject.document:
        return
    monitor = mapping(subject.document, "create_monitor")
    signals = mapping(monitor, "monitoring_signals")
    for name in signals:
        position = ("create_monitor", "monitoring_signals", name)
        yield from _signal(mapping(signals, name), position)
        if subject.repository.project.config.get("training") is False:
            yield from _exact_reference(mapping(signals, name), position)
    yield from _alerts(monitor, signals)
    yield from _target(subject, mapping(monitor, "monitoring_target"))


def _signal(signal: dict[str, Any], position: Position) -> Iterator[Problem]:
    from azure.ai.ml.constants import MonitorSignalType  # here, since it takes a second to import

    kinds = {kind.value for kind in MonitorSignalType}
    kind = str(signal.get("type"))
    if kind.lower() not in kinds:
        yield Problem("AML511", (*position, "type"), f"there is no monitor signal {kind!r}; {hint(kind, kinds)}")
    for group, metrics in mapping(signal, "metric_thresholds").items():
        where = (*position, "metric_thresholds", group)
        if kind.lower() in DRIFT:
            yield from _sent(group, mapping(mapping(signal, "metric_thresholds"), group), where)
        for metric, threshold in metrics.items() if isinstance(metrics, dict) else [(group, metrics)]:
            place = (*where, metric) if isinstance(metrics, dict) else where
            yield from _threshold(metric, threshold, place)
    yield from _itself(signal, position)


def _sent(group: str, thresholds: dict[str, Any], position: Position) -> Iterator[Problem]:
    """Drift: azure-ai-ml sends one metric of a group, the first in its own order that has a threshold other than 0."""
    if len(thresholds) > 1:
        message = f"only one {group} metric of a signal reaches the service; keep one of {', '.join(thresholds)}"
        yield Problem("AML513", position, message)
    for metric, threshold in thresholds.items():
        if threshold == 0:
            message = "a threshold of 0 is dropped on the way to the service; write a small one, such as 0.001"
            yield Problem("AML513", (*position, metric), message)


def _threshold(metric: str, threshold: Any, position: Position) -> Iterator[Problem]:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        return  # azure-ai-ml tells
    if threshold < 0 or (metric in BETWEEN and threshold >= 1):
        message = f"{metric} is {'from 0 to 1' if metric in BETWEEN else '0 or more'}, so {threshold} is "
        yield Problem("AML514", position, f"{message}passed always or never; write one in between")
    if metric == KS:
        message = f"the job of this test fails from {KS_ROWS:,} rows on, of either side; others take any number"
        yield Problem("AML515", position, message)


def _itself(signal: dict[str, Any], position: Position) -> Iterator[Problem]:
    """Production data that are compared with themselves, and with less than there are of them."""
    production, reference = (mapping(signal, key) for key in ("production_data", "reference_data"))
    where = (*position, "reference_data")
    size, offset = _window(production)
    against, back = _window(reference)
    same = mapping(production, "input_data").get("path")
    if same is None or same != mapping(reference, "input_data").get("path"):
        return
    if production.get("data_window") == reference.get("data_window"):
        yield Problem("AML516", where, f"production and reference are the same, {same}, so every distance is 0")
    elif size and against and offset is not None and back is not None:
        if back < offset + size and offset < back + against:
            message = "its window overlaps that of production_data; give it an offset of at least their size and offset"
            yield Problem("AML516", where, message)
        if against <= size and signal.get("type") == "data_quality":
            message = (
                "data quality takes more rows in production than in the reference for a breach, and this window is no "
                "longer than that of production_data; make it twice as long"
            )
            yield Problem("AML517", (*where, "data_window"), message)


def _exact_reference(signal: dict[str, Any], position: Position) -> Iterator[Problem]:
    """Where nothing is trained, the reference data belong to the model that was promoted, and are named as exactly.

    Those with a window are what was recorded in some time before: they move on by intent.
    """
    reference = mapping(signal, "reference_data")
    path = mapping(reference, "input_data").get("path")
    if isinstance(path, str) and NEWEST.search(path) and "data_window" not in reference:
        message = (
            f"{path}: config says training: false, so name a version (monitor.reference in config, or --set); the "
            "newest data need not be those that the served model was trained with"
        )
        yield Problem("AML520", (*position, "reference_data", "input_data", "path"), message)


def _window(data: dict[str, Any]) -> tuple[timedelta | None, timedelta | None]:
    """Size and offset of a look-back window in days; None for what is no such window."""
    window = mapping(data, "data_window")
    texts = str(window.get("lookback_window_size")), str(window.get("lookback_window_offset", "P0D"))
    size, offset = (timedelta(int(found[1])) if (found := DAYS.fullmatch(text)) else None for text in texts)
    return size, offset


def _alerts(monitor: dict[str, Any], signals: dict[str, Any]) -> Iterator[Problem]:
    """A signal alerts nobody unless it says alert_enabled: true, which is not the default, and somebody is named."""
    alerting = [name for name in signals if mapping(signals, name).get("alert_enabled") is True]
    given = monitor.get("alert_notification")
    reached = given if isinstance(given, str) else mapping(monitor, "alert_notification").get("emails")
    if alerting and not reached:
        place = ("create_monitor", "alert_notification") if "alert_notification" in monitor else ("create_monitor",)
        message = f"{', '.join(alerting)} alerts nobody; write alert_notification: {{emails: [name@example.com]}}"
        yield Problem("AML518", place, message)
    elif reached and signals and not alerting:
        message = "no signal alerts, as none has alert_enabled: true; without it the default is false"
        yield Problem("AML518", ("create_monitor", "alert_notification"), message)


def _target(subject: Subject, target: dict[str, Any]) -> Iterator[Problem]:
    """The deployment that is watched, if its endpoint is one of this repository."""
    endpoint, deployment = target_of(target.get("endpoint_deployment_id"))
    specs = subject.repository.project.specs.values()
    for spec in specs:
        if spec.kind.name == "online endpoint" and spec.name == endpoint:
            folder = spec.key.rpartition("/")[0]
            names = {
                other.name
                for other in specs
                if other.kind.name == "online deployment" and other.key.rpartition("/")[0] == folder
            }
            if deployment not in names:
                message = f"endpoint {endpoint} has no deployment {deployment!r}; {hint(deployment, names)}"
                yield Problem("AML519", ("create_monitor", "monitoring_target", "endpoint_deployment_id"), message)


def target_of(given: Any) -> tuple[str, str]:
    """Endpoint and deployment of azureml:ENDPOINT:DEPLOYMENT; empty for anything else."""
    parts = given.split(":") if isinstance(given, str) else []
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "azureml" else ("", "")
