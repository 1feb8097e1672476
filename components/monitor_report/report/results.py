"""What the run of a monitor came to, from what its signals have found."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

Document = dict[str, Any]

SCHEMA = 1
LONGEST = 250  # name of a metric
OK, BREACHED, FAILED = "ok", "breached", "failed"


class BadInput(Exception):
    """An argument of the report is not what it has to be; the message says which, and why."""


def read_monitor(text: str) -> Document:
    """The component's input `monitor`.

    Raises:
        BadInput: it is no JSON object, or names no monitor or signals.
    """
    try:
        monitor = json.loads(text)
    except ValueError as error:
        raise BadInput(f"monitor is no JSON: {error}") from error
    if not isinstance(monitor, dict) or not isinstance(monitor.get("signals"), dict) or not monitor.get("monitor"):
        raise BadInput('monitor has to be an object such as {"monitor": "drift", "signals": {"inputs": {}}}')
    return monitor


def read_signals(folders: Iterable[Path], asked: Document) -> list[Document]:
    """What has been found for each signal of the monitor, in the monitor's order.

    Args:
        folders: outputs of monitor_signals.
        asked: the monitor's `signals`: name -> {type, alert_enabled}. One of them that has no readable file is there
            all the same, with a finding that says so.
    """
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("signals/*.json"))}
    return [
        {**_read_signal(name, files.get(name), settings), "alert_enabled": bool(settings.get("alert_enabled"))}
        for name, settings in asked.items()
    ]


def _read_signal(name: str, path: Path | None, settings: Document) -> Document:
    try:
        if path is None:
            raise ValueError("its step has failed and written nothing; the log of that step says why")
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError(f"{path.name} is no document of schema {SCHEMA}")
    except (OSError, ValueError) as error:
        finding = {"level": "error", "feature": None, "code": "no-result", "message": f"was not computed: {error}"}
        found = {"schema": SCHEMA, "type": settings.get("type"), "rows": {}, "features": [], "findings": [finding]}
    return {"histograms": {}, **found, "signal": name}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def results(monitor: Document, signals: Sequence[Document], ended: str) -> Document:
    """results.json: the run as a document, without the histograms.

    Args:
        monitor: as from `read_monitor`.
        signals: as from `read_signals`.
        ended: time of now, ISO 8601.
    """
    alerting = [signal for signal in signals if signal["alert_enabled"]]
    return {
        "schema": SCHEMA,
        "monitor": monitor["monitor"],
        "run": monitor.get("run"),
        "due": monitor.get("due"),
        "ended": ended,
        "window": monitor.get("window"),
        "target": monitor.get("target"),
        "verdict": verdict(signals),
        "alert": verdict(alerting) if alerting else OK,
        "warnings": monitor.get("warnings") or [],
        "signals": [{key: value for key, value in one.items() if key != "histograms"} for one in signals],
    }


def verdict(signals: Sequence[Document]) -> str:
    """BREACHED, FAILED or OK of signals together.

    That nothing breached is worth something only if everything was looked at: one figure that was asked for and is
    missing makes it FAILED.
    """
    if any(row["breached"] for signal in signals for row in signal["features"]):
        return BREACHED
    complete = all(
        any(row["value"] is not None for row in signal["features"])
        and not any(finding["level"] == "error" for finding in signal["findings"])
        for signal in signals
    )
    return OK if signals and complete else FAILED


def read_history(folder: Path | None, own: str | None) -> list[Document]:
    """Results of earlier runs, oldest first; what can't be read is told and left out.

    Args:
        folder: <run>/results.json each, or None.
        own: name of this run, which is no earlier one.
    """
    found = []
    for path in sorted(folder.glob("*/results.json")) if folder else []:
        if path.parent.name == own:
            continue
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA or not isinstance(document["signals"], list):
                raise ValueError(f"schema {document['schema']}, and {SCHEMA} is known here")
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"WARNING {path.parent.name}: its results can't be read: {type(error).__name__}: {error}")
            continue
        found.append(document)
    return sorted(found, key=lambda one: str(one.get("due") or one.get("ended")))


def metric_name(*parts: str) -> str:
    """Name that MLflow takes: signal/feature/metric, with _ for what it refuses, and no longer than it takes."""
    kept = ("".join(sign if sign.isalnum() or sign in "_-. " else "_" for sign in part) for part in parts)
    return "/".join("_" if part.strip(". ") == "" else part for part in kept)[:LONGEST]


def metrics(document: Document) -> dict[str, float]:
    """Values of a run by the names that MLflow has them under, and how many of them breached."""
    rows = [(signal["signal"], row) for signal in document["signals"] for row in signal["features"]]
    found = {
        metric_name(signal, row["feature"], row["metric"]): float(row["value"])
        for signal, row in rows
        if row["value"] is not None
    }
    return found | {"breached": float(sum(row["breached"] for _, row in rows))}
