"""Monitors: types of signals, and thresholds that azure-ai-ml drops on the way to the service."""

from collections.abc import Iterator
from typing import Any

from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, hint

DRIFT = {"data_drift", "prediction_drift"}


def monitors(subject: Subject) -> Iterator[Problem]:
    """Signals of a monitor."""
    signals = mapping(mapping(subject.document, "create_monitor"), "monitoring_signals")
    for name in signals:
        position = ("create_monitor", "monitoring_signals", name)
        yield from _signal(mapping(signals, name), position)


def _signal(signal: dict[str, Any], position: Position) -> Iterator[Problem]:
    from azure.ai.ml.constants import MonitorSignalType  # here, since it takes a second to import

    kinds = {kind.value for kind in MonitorSignalType}
    kind = str(signal.get("type"))
    if kind.lower() not in kinds:
        yield Problem("AML511", (*position, "type"), f"there is no monitor signal {kind!r}; {hint(kind, kinds)}")
    if kind.lower() not in DRIFT:
        return
    for group in ("numerical", "categorical"):
        thresholds = mapping(mapping(signal, "metric_thresholds"), group)
        where = (*position, "metric_thresholds", group)
        if len(thresholds) > 1:
            message = f"only one {group} metric of a signal reaches the service; keep one of {', '.join(thresholds)}"
            yield Problem("AML513", where, message)
        for metric, threshold in thresholds.items():
            if threshold == 0:
                message = "a threshold of 0 is dropped on the way to the service; write a small one, such as 0.001"
                yield Problem("AML513", (*where, metric), message)
