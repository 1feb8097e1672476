"""The command line of the component.

Writes <result>/signals/<name>.json for each signal and prints a line for each figure. A signal that can't be computed,
or understood, says so in its file; the exit code is 2 if the call itself can't be understood, otherwise 0.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from signals.result import Result
from signals.run import Data, run
from signals.sources import Window
from signals.spec import BadSignal, Signal


def main(args: argparse.Namespace) -> int:
    try:
        signals, refused = read_signals(args.signals)
    except BadSignal as error:
        print(f"error: --signals: {error}", file=sys.stderr)
        return 2
    data = Data(args.reference, args.production, args.outputs, args.reference_window, args.production_window)
    with tempfile.TemporaryDirectory(prefix="monitor-") as folder:
        results = [*run(data, signals, Path(folder)), *refused]
    target = args.result / "signals"
    target.mkdir(parents=True, exist_ok=True)
    window = args.production_window
    shown = {"start": window.start.isoformat(), "end": window.end.isoformat()} if window else None
    for result in results:
        text = json.dumps(result.document(shown), ensure_ascii=False, allow_nan=False, indent=1)
        (target / f"{result.signal.name}.json").write_text(text + "\n", encoding="utf-8")
        print("\n".join(lines(result)))
    return 0


def read_signals(text: str) -> tuple[list[Signal], list[Result]]:
    """The signals to compute, and what is to be told of those that can't be understood.

    Raises:
        BadSignal: the text is no list of signals with names, or two would be written to the same file.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadSignal(f"it is no JSON: {error}") from error
    if not isinstance(document, list) or not document:
        raise BadSignal("it is to be a list of at least one signal")
    signals, refused, seen = list[Signal](), list[Result](), set[str]()
    for entry in document:
        name = name_of(entry)
        if name in seen:
            raise BadSignal(f"two signals are called {name!r}")
        seen.add(name)
        try:
            signals.append(Signal.read(entry))
        except BadSignal as error:
            refused.append(Result(Signal(name, str(entry.get("type")), {})))
            refused[-1].note("error", "bad-signal", str(error))
    return signals, refused


def name_of(entry: Any) -> str:
    """The name of a signal, which becomes that of a file.

    Raises:
        BadSignal: it has none, or one that is no file's.
    """
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise BadSignal(f"a signal is to be an object with a name, and is {entry!r}")
    if name != Path(name).name or name.startswith("."):
        raise BadSignal(f"{name!r} can't be the name of a file, which a signal's name becomes")
    return name


def lines(result: Result) -> list[str]:
    """What is printed of a signal."""
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result.rows.items())
    found = [f"{result.signal.name} ({result.signal.type}){': ' if rows else ''}{rows}"]
    for row in result.metrics:
        value = "none" if row.value is None else f"{row.value:.6g}"
        limit = "none" if row.threshold is None else f"{row.threshold:.6g}"
        verdict = "BREACHED" if row.breached else "ok"
        found.append(f"  {row.feature or '-'}  {row.metric}  {value}  (threshold {limit})  {verdict}")
    for finding in result.findings:
        about = f"{finding.feature}: " if finding.feature else ""
        found.append(f"  {finding.level}: {finding.code}: {about}{finding.message}")
    return found


def window(text: str) -> Window | None:
    """A window of an argument; an empty one is none."""
    try:
        return Window.read(text) if text else None
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = "file or folder of Parquet, CSV, JSON lines or collected records, or folder of an MLTable"
    parser.add_argument("--production", type=Path, required=True, help=data)
    parser.add_argument("--reference", type=Path, required=True, help=data)
    parser.add_argument("--outputs", type=Path, help="the model's outputs, joined to production on the correlation id")
    parser.add_argument("--production-window", type=window, help="START/END: hours to take of collected data")
    parser.add_argument("--reference-window", type=window, help="the same for the reference")
    parser.add_argument(
        "--signals", required=True, help="JSON list of signals, with the keys of a monitor's YAML and name"
    )
    parser.add_argument("--result", type=Path, required=True, help="output: signals/<name>.json")
    return parser.parse_args(argv)
