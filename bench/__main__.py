"""Measure speed and memory: a table, and build/bench.json.

    python -m bench
    python -m bench read,chain

Exit code 1 if a limit is exceeded, 2 if something could not be measured. No part of the tests: it takes minutes, and
figures of a busy machine prove nothing.
"""

import argparse
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import document, lines, machine_facts, over
from bench.rows import Row
from bench.timing import BenchError, say

SECTIONS = (
    "read",
    "submit",
    "chain",
    "events",
    "sweep",
    "crowd",
    "templates",
    "memory",
    "batch",
    "monitor",
    "formats",
    "train",
    "serve",
)  # a module each; quick ones first
REPORT = Path("build") / "bench.json"


def main(args: argparse.Namespace) -> int:
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda number, frame: sys.exit(128 + number))  # on the way out, sections clean up
    machine = machine_facts(Path.cwd())
    results: dict[str, Sequence[Row]] = {}
    failures = []
    for section in args.only:
        say(f"{section}:")
        try:
            results[section] = importlib.import_module(f"bench.{section}").measure()
        except BenchError as error:
            failures.append(f"{section} could not be measured: {error}")
    machine["load_at_end"] = machine_facts(Path.cwd())["load"]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(document(results, machine), indent=1) + "\n", encoding="utf-8")
    number = over(results)
    print("\n".join([*lines(results), "", *summary(machine, number)]))
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 2 if failures else 1 if number else 0


def summary(machine: dict[str, Any], number: int) -> list[str]:
    """What stands below the table; `number` of limits are exceeded."""
    load = f"load {machine['load'][0]} at the start, {machine['load_at_end'][0]} at the end"
    exceeded = f"{number or 'no'} limit{'' if number == 1 else 's'} exceeded"
    return [f"{machine['cores']} cores, Python {machine['python']}, {load}", f"{exceeded}; every sample: {REPORT}"]


def sections(text: str) -> list[str]:
    """Names of sections in `read,chain`, in the order in which they run."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in names]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="?", type=sections, default=list(SECTIONS), help="sections, with commas")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
