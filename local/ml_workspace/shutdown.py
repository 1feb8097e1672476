"""Ending the servers of the workspaces below one root, with or without the jobs that need them."""

import time
from pathlib import Path

from .errors import WorkspaceError
from .streaming import POLL, TERMINAL
from .workspace import Workspace

PATIENCE = 120.0  # seconds for canceled jobs to end; one that builds its environment does that first


def stop_servers(root: Path, cancel: bool) -> None:
    """Stop the tracking servers of all workspaces below `root`.

    Args:
        cancel: cancel the jobs that are not over yet, and wait for their end.

    Raises:
        WorkspaceError: there are such jobs and `cancel` is not set, so nothing was stopped; or they did not end.
    """
    workspaces = [Workspace(document.parent) for document in sorted(root.glob("*/*/workspace.json"))]
    if live := [(ws, name) for ws in workspaces for name in _live(ws)]:
        if not cancel:
            raise WorkspaceError(
                f"Jobs are not over yet: {_named(live)}. They need the tracking server, so nothing was stopped. "
                "Wait for them, or cancel them too: FORCE=1 make down"
            )
        _cancel(live)
    for ws in workspaces:
        if ws.tracking.stop():
            print(f"stopped the tracking server of {ws.path}")


def _live(ws: Workspace) -> list[str]:
    jobs = ws.jobs.list(max_results=None, include_archived=True)
    return [job["name"] for job in jobs if job["status"] not in TERMINAL]


def _cancel(live: list[tuple[Workspace, str]]) -> None:
    print(f"canceling jobs: {_named(live)}", flush=True)
    for ws, name in live:
        ws.jobs.cancel(name)
    end = time.monotonic() + PATIENCE
    while live := [(ws, name) for ws, name in live if ws.jobs.get(name)["status"] not in TERMINAL]:
        if time.monotonic() > end:
            raise WorkspaceError(f"Jobs did not end within {PATIENCE:.0f} s of being canceled: {_named(live)}.")
        time.sleep(POLL)


def _named(live: list[tuple[Workspace, str]]) -> str:
    return ", ".join(f"{name} ({ws.group}/{ws.name})" for ws, name in live)
