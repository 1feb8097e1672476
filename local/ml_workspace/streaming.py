"""Following a job: its stream on the screen until it ends, as `az ml job stream` shows it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .workspace import Workspace

TERMINAL = ("Completed", "Failed", "Canceled")
POLL = 0.1  # seconds
PART = 1 << 20  # bytes of a log that are read at once: it may be larger than the memory


def stream(ws: "Workspace", name: str, write: Callable[[str], None]) -> str:
    """Write a job's stream until it ends; returns the final status.

    For a command job that is its log; for a pipeline or sweep a line for each thing that happens to its jobs.

    Raises:
        NotFound: no such job; nothing is written.
    """
    ws.jobs.get(name)
    write(f"RunId: {name}\n")
    view, position = "", 0
    while True:
        job = ws.jobs.get(name)
        over = job["status"] in TERMINAL
        if not view and job["properties"].get("mlflow.run_id"):
            view = (job.get("services") or {}).get("Studio", {}).get("endpoint", "")
            write(f"Web View: {view}\n\n")
        position = _copy(ws.jobs.log_path(name), position, write, over)
        if over:
            break
        time.sleep(POLL)
    write(f"\nExecution Summary\n=================\nRunId: {name}\nWeb View: {view}\nStatus: {job['status']}\n")
    if job.get("error"):
        write(f"Error: {job['error']['message']}\n")
    return str(job["status"])


def _copy(path: Path, position: int, write: Callable[[str], None], over: bool) -> int:
    """Write what has come since `position`; only whole lines, unless nothing more comes (`over`)."""
    if not path.is_file():
        return position
    with path.open("rb") as file:
        while True:
            file.seek(position)
            text = file.read(PART)
            last = len(text) < PART
            whole = text[: text.rfind(b"\n") + 1]
            if (last and over) or not (last or whole):  # the end of the log, or a line that is longer than a part
                whole = text
            if not whole:
                return position
            ends = whole.endswith(b"\n") or not (last and over)
            write(whole.decode(errors="replace") + ("" if ends else "\n"))
            position += len(whole)
