"""The component monitor_signals as a job runs it, for tests: data goes in as files, what it wrote comes out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.component import load

command = load("monitor_signals", "signals.command")
DISTANCES = load("monitor_signals", "signals.spec").DISTANCES
DISTANCE, NULLS = "jensen_shannon_distance", "null_value_rate"


def drift(name: str = "drift", metric: str = DISTANCE, threshold: Any = 0.1, **more: Any) -> dict[str, Any]:
    """A drift signal with one metric for whatever kind has it."""
    kinds = {kind: {metric: threshold} for kind, metrics in DISTANCES.items() if metric in metrics}
    return {"name": name, "type": "data_drift", "metric_thresholds": kinds, **more}


def quality(name: str = "quality", metric: str = NULLS, threshold: float = 0.0, **more: Any) -> dict[str, Any]:
    """A data quality signal with one metric."""
    kinds = {kind: {metric: threshold} for kind in ("numerical", "categorical")}
    return {"name": name, "type": "data_quality", "metric_thresholds": kinds, **more}


def monitor(
    folder: Path, reference: Any, production: Any, *signals: Mapping[str, Any], **options: str
) -> dict[str, Any]:
    """Signal -> what the component wrote of it.

    Args:
        folder: for the files.
        reference, production: tables (or columns of one), or paths.
        options: arguments of the command line besides.
    """
    result = folder / "result"
    line = ["--reference", placed(folder / "reference.parquet", reference)]
    line += ["--production", placed(folder / "production.parquet", production)]
    line += ["--signals", json.dumps(signals), "--result", str(result)]
    for name, value in options.items():
        line += [f"--{name.replace('_', '-')}", value]
    assert command.main(command.parse_args(line)) == 0
    return {path.stem: json.loads(path.read_text()) for path in (result / "signals").glob("*.json")}


def placed(path: Path, data: Any) -> str:
    if isinstance(data, Path):
        return str(data)
    pq.write_table(data if isinstance(data, pa.Table) else pa.table(data), path)
    return str(path)


def values(document: Mapping[str, Any]) -> dict[str, float | None]:
    """Feature -> value, of a signal with one metric."""
    return {row["feature"]: row["value"] for row in document["features"]}


def codes(document: Mapping[str, Any]) -> set[tuple[str, str, str | None]]:
    """(level, code, feature) of the findings."""
    return {(finding["level"], finding["code"], finding["feature"]) for finding in document["findings"]}
