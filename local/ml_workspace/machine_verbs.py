"""What is done to all workspaces below one root at once: start their endpoints and schedulers, stop their servers."""

import time
from pathlib import Path

from .errors import WorkspaceError
from .scheduler_control import OFF
from .serving_state import Deployment
from .streaming import POLL, TERMINAL
from .workspace import Workspace

START = 300.0  # seconds for the servers of a workspace to come up
AGAIN = 45.0  # seconds in which a deployment that had failed before may come up after all
PATIENCE = 120.0  # seconds for canceled jobs to end; one that builds its environment does that first

Live = list[tuple[Workspace, str]]


def main(verb: str, arguments: list[str]) -> int | str:
    """Run `start`, `scheduler` or `stop [--cancel]` for a ROOT; the exit code, or what to print before exit code 1."""
    root = Path(arguments[-1])
    workspaces = [Workspace(document.parent) for document in sorted(root.glob("*/*/workspace.json"))]
    if verb in ("start", "scheduler"):
        schedule(workspaces)
        return start(workspaces) if verb == "start" else 0
    try:
        stop(workspaces, cancel="--cancel" in arguments[:-1])
    except WorkspaceError as error:
        return f"ERROR: {error}"
    return 0


def stop(workspaces: list[Workspace], cancel: bool) -> None:
    """Stop schedulers, supervisors, routers, servers and tracking servers.

    Args:
        cancel: cancel the jobs that are not over yet, and wait for their end.

    Raises:
        WorkspaceError: there are such jobs and `cancel` is not set, so nothing was stopped; or they did not end.
    """
    # First those that would submit more jobs.
    scheduled = [workspace for workspace in workspaces if workspace.schedules.scheduler.stop()]
    if live := [(ws, name) for ws in workspaces for name in _live(ws)]:
        if not cancel:
            for workspace in scheduled:
                workspace.schedules.scheduler.ensure()
            raise WorkspaceError(
                f"Jobs are not over yet: {_named(live)}. They need the tracking server, so nothing was stopped. "
                "Wait for them, or cancel them too: FORCE=1 make down"
            )
        _cancel(live)
    for workspace in scheduled:
        print(f"stopped the scheduler of {workspace.path}")
    for workspace in workspaces:
        if workspace.online.serving.stop():
            print(f"stopped the online endpoints of {workspace.path}")
        if workspace.tracking.stop():
            print(f"stopped the tracking server of {workspace.path}")


def start(workspaces: list[Workspace]) -> int:
    """Bring back the online endpoints, as after a restart of the machine.

    Returns:
        The exit code: 1 if one did not come back.
    """
    waiting = [workspace for workspace in workspaces if workspace.online.names()]
    for workspace in waiting:
        workspace.online.serving.ensure()
    return max([_started(workspace) for workspace in waiting], default=0)


def schedule(workspaces: list[Workspace]) -> None:
    """Start the schedulers of the workspaces that have something to do for one, and say what is due next."""
    for workspace in workspaces:
        if not (due := workspace.schedules.runs.next_times()):
            continue
        if not workspace.schedules.scheduler.ensure():
            print(f"{workspace.path}: nothing runs by itself, since {OFF} is off")
        for name, time_ in sorted(due.items(), key=lambda item: item[1]):
            print(f"schedule {name} of {workspace.group}/{workspace.name} is due next at {time_:%Y-%m-%d %H:%M:%S} UTC")


def _started(workspace: Workspace) -> int:
    online = workspace.online
    begin = time.monotonic()
    try:
        online.serving.address()
        while True:
            missing, failed = _standing(workspace)
            waited = time.monotonic() - begin
            if not missing and (not failed or waited > AGAIN):
                break
            if waited > START:
                raise WorkspaceError(f"did not come up in {START:.0f} s: {', '.join(missing)}.")
            online.serving.ensure()
            time.sleep(0.2)
    except WorkspaceError as error:
        print(f"{workspace.path}: {error} See {online.serving.log}")
        return 1
    for endpoint in online.list():
        if not any(endpoint["traffic"].get(deployment) for name, deployment in failed if name == endpoint["name"]):
            print(f"{endpoint['scoring_uri']} is up")
    for (name, deployment), reason in failed.items():
        print(f"{workspace.path}: deployment {name}/{deployment} failed: {reason}")
    return int(bool(failed))


def _standing(workspace: Workspace) -> tuple[list[str], dict[tuple[str, str], str]]:
    """(servers that are not ready, (endpoint, deployment) -> why it failed) of the deployments that have been up."""
    online = workspace.online
    servers = online.serving.folder.record().get("servers") or {}
    missing, failed = [], {}
    for name in online.names():
        for row in online.rows(name):
            doc, plan = row["doc"], row["plan"]
            deployment = Deployment(name, row["name"], row["revision"], doc, plan["live"], plan["wanted"])
            if not plan["live"]:
                continue
            if doc["provisioning_state"] == "Failed" and plan["live"] == plan["wanted"]:
                failed[name, row["name"]] = doc["error"]["message"]
                continue
            sockets = [need.socket for need in deployment.servers(plan["live"])]
            missing += [socket for socket in sockets if not (servers.get(socket) or {}).get("ready")]
    return missing, failed


def _live(ws: Workspace) -> list[str]:
    jobs = ws.jobs.list(max_results=None, include_archived=True)
    return [job["name"] for job in jobs if job["status"] not in TERMINAL]


def _cancel(live: Live) -> None:
    print(f"canceling jobs: {_named(live)}", flush=True)
    for ws, name in live:
        ws.jobs.cancel(name)
    end = time.monotonic() + PATIENCE
    while live := [(ws, name) for ws, name in live if ws.jobs.get(name)["status"] not in TERMINAL]:
        if time.monotonic() > end:
            raise WorkspaceError(f"Jobs did not end within {PATIENCE:.0f} s of being canceled: {_named(live)}.")
        time.sleep(POLL)


def _named(live: Live) -> str:
    return ", ".join(f"{name} ({ws.group}/{ws.name})" for ws, name in live)
