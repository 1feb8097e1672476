"""What is done to all workspaces of a machine at once: start their endpoints, stop their servers."""

import time
from pathlib import Path

from .errors import WorkspaceError
from .serving_state import Deployment
from .workspace import Workspace

START = 300.0  # seconds for the servers of a workspace to come up


def _workspaces(root: str) -> list[Workspace]:
    return [Workspace(document.parent) for document in sorted(Path(root).glob("*/*/workspace.json"))]


def stop(root: str) -> int:
    """Stop supervisors, routers, servers and tracking servers of all workspaces below `root`; the exit code."""
    for workspace in _workspaces(root):
        if workspace.online.serving.stop():
            print(f"stopped the online endpoints of {workspace.path}")
        if workspace.tracking.stop():
            print(f"stopped the tracking server of {workspace.path}")
    return 0


def start(root: str) -> int:
    """Bring back the online endpoints of all workspaces below `root`, as after a restart of the machine.

    Returns:
        The exit code: 1 if one did not come back.
    """
    waiting = [workspace for workspace in _workspaces(root) if workspace.online.names()]
    for workspace in waiting:
        workspace.online.serving.ensure()
    return max([_started(workspace) for workspace in waiting], default=0)


def _started(workspace: Workspace) -> int:
    online = workspace.online
    end = time.monotonic() + START
    try:
        online.serving.address()
        while missing := _missing(workspace):
            if time.monotonic() > end:
                raise WorkspaceError(f"did not come up in {START:.0f} s: {', '.join(missing)}")
            online.serving.ensure()
            time.sleep(0.2)
    except WorkspaceError as error:
        print(f"{workspace.path}: {error} See {online.serving.log}")
        return 1
    for endpoint in online.list():
        print(f"{endpoint['scoring_uri']} is up")
    return 0


def _missing(workspace: Workspace) -> list[str]:
    """Servers of live deployments that are not ready."""
    online = workspace.online
    servers = online.serving.folder.record().get("servers") or {}
    missing = []
    for name in online.names():
        for row in online.rows(name):
            plan = row["plan"]
            deployment = Deployment(name, row["name"], row["revision"], row["doc"], plan["live"], plan["wanted"])
            if plan["live"]:
                if row["doc"]["provisioning_state"] == "Failed" and plan["live"] == plan["wanted"]:
                    raise WorkspaceError(f"{name}/{row['name']} failed: {row['doc']['error']['message']}")
                sockets = [need.socket for need in deployment.servers(plan["live"])]
                missing += [socket for socket in sockets if not (servers.get(socket) or {}).get("ready")]
    return missing
