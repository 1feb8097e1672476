"""The table and the JSON document of a run."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.rows import Row, shown
from scripts.looking.table import table

Results = Mapping[str, Sequence[Row]]  # section -> its rows
HEADINGS = ("section", "what", "measured", "reference", "ratio", "limit", "rule", "")


def lines(results: Results) -> list[str]:
    """The table, one line a row; the last column says `ok`, `over`, or nothing where a row is only shown."""
    rows = [cells(section, row) for section, found in results.items() for row in found]
    return table(HEADINGS, rows, indent=0)


def cells(section: str, row: Row) -> list[str]:
    """A row as text."""
    return [
        section,
        row.what,
        shown(row.measured, row.unit),
        shown(row.compared, row.unit),
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        shown(row.limit, row.unit),
        row.rule,
        "" if row.limit is None else "over" if row.over else "ok",
    ]


def over(results: Results) -> int:
    """How many limits are exceeded."""
    return sum(row.over for rows in results.values() for row in rows)


def document(results: Results, machine: Mapping[str, Any]) -> dict[str, Any]:
    """All of a run, for build/bench.json."""
    rows = [row.document(section) for section, found in results.items() for row in found]
    return {"machine": dict(machine), "over": over(results), "rows": rows}


def machine_facts(repository: Path) -> dict[str, Any]:
    """What the figures depend on: the machine, how busy it is at this moment, the commit."""
    commit = subprocess.run(
        ["git", "-C", repository, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"],
        capture_output=True,
        text=True,
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() if commit.returncode == 0 else None,
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }
