"""Custom signals: what a component of the team's own has computed, held against thresholds."""

import math
from typing import Any

import pyarrow.parquet as pq

from signals.result import Result, Row
from signals.sources import NoData
from signals.spec import FROM_BELOW, Signal
from signals.tables import Table

NEEDED = ("metric_name", "metric_value")


def custom(table: Table, signal: Signal) -> Result:
    """Compute a custom signal.

    Args:
        table: rows of metric_name, metric_value, and perhaps group and threshold_value.

    Raises:
        NoData: a column that is needed is missing.
    """
    for name in NEEDED:
        if name not in table.types:
            raise NoData("missing-column", f"the output of the custom component has no column '{name}'")
    result = Result(signal, rows={"production": table.rows})
    rows = [row for path in table.files for row in pq.read_table(path).to_pylist()]
    for row in rows:
        metric, feature = str(row["metric_name"]), str(row.get("group") or "")
        if metric not in signal.custom:
            result.note("warning", "not-asked", f"{metric} has no threshold in the monitor; it is left out", feature)
            continue
        value, threshold = _number(row["metric_value"]), signal.custom[metric]
        if threshold is None:
            threshold = _number(row.get("threshold_value"))
        breached = False
        if value is not None and threshold is not None:
            breached = value < threshold if metric in FROM_BELOW else value > threshold
        result.metrics.append(Row(feature, "custom", metric, value, threshold, breached))
    for metric in signal.custom.keys() - {row.metric for row in result.metrics}:
        result.note("error", "missing-metric", f"the custom component gave no metric {metric}")
    return result


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
