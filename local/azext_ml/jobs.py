"""`az ml job`: submit, look, follow, cancel."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Any

from azure.cli.core.azclierror import ManualInterrupt
from knack.log import get_logger
from ml_workspace import Workspace, WorkspaceError

from .assets import changes, editable
from .session import workspace

Row = dict[str, Any]
logger = get_logger(__name__)


def create(
    cmd: Any,
    file: str,
    resource_group_name: str,
    workspace_name: str,
    name: str | None = None,
    params_override: list[tuple[str, Any]] | None = None,
    save_as: str | None = None,
    stream: bool = False,
    web: bool = False,
) -> Row:
    """Submit a job; with `stream`, follow it to its end first."""
    from .load import job
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    doc = job(file, [*([("name", name)] if name else []), *(params_override or [])])
    with naming(file):
        row = ws.jobs.create(doc, source=Path(file).resolve().parent, name=doc.get("name"), warn=logger.warning)
    if save_as:
        import yaml

        Path(save_as).write_text(yaml.safe_dump(row, sort_keys=False), encoding="utf-8")
    open_web(row, web)
    if stream:
        _follow(ws, row["name"])
        row = ws.jobs.get(row["name"])
    return row


def validate(
    cmd: Any,
    file: str,
    resource_group_name: str,
    workspace_name: str,
    params_override: list[tuple[str, Any]] | None = None,
) -> Row:
    """Check a job without running it."""
    from .load import job
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    doc = job(file, params_override or [])
    with naming(file):
        ws.jobs.validate(doc, source=Path(file).resolve().parent, warn=logger.warning)
    return {"result": "Succeeded"}


def show(cmd: Any, name: str, resource_group_name: str, workspace_name: str, web: bool = False) -> Row:
    """One job."""
    return open_web(workspace(resource_group_name, workspace_name).jobs.get(name), web)


def edit(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One job, for `update`."""
    return editable(show(cmd, name, resource_group_name, workspace_name))


def list_jobs(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    parent_job_name: str | None = None,
    max_results: int = 50,
    all_results: bool = False,
    include_archived: bool = False,
    archived_only: bool = False,
) -> list[Row]:
    """Jobs, newest first: those that were submitted, or the children of one."""
    jobs = workspace(resource_group_name, workspace_name).jobs
    limit = None if all_results else max_results
    rows = jobs.list(parent_job_name, limit, include_archived, archived_only)
    if len(rows) == limit:
        logger.warning("Displaying top %s results. Ask for more: --max-results, --all-results.", limit)
    return rows


def stream(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Follow a job to its end."""
    _follow(workspace(resource_group_name, workspace_name), name)


def cancel(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """End a job."""
    workspace(resource_group_name, workspace_name).jobs.cancel(name)


def download(
    cmd: Any,
    name: str,
    resource_group_name: str,
    workspace_name: str,
    download_path: str | None = None,
    output_name: str | None = None,
    all_outputs: bool = False,
) -> None:
    """Copy a job's logs, one output or all outputs to DOWNLOAD_PATH."""
    target = Path(download_path or ".").resolve()
    workspace(resource_group_name, workspace_name).jobs.download(name, target, output_name, all_outputs)


def archive(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Hide a job from listings."""
    workspace(resource_group_name, workspace_name).jobs.archive(name)


def restore(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Undo `archive`."""
    workspace(resource_group_name, workspace_name).jobs.archive(name, archived=False)


def save(cmd: Any, name: str, parameters: Row, resource_group_name: str, workspace_name: str) -> Row:
    """Write back what --set, --add and --remove made of a job (`parameters`)."""
    jobs = workspace(resource_group_name, workspace_name).jobs
    return jobs.update(name, changes(jobs.get(name), parameters))


def open_web(instance: Row, web: bool = False) -> Row:
    """Open the page of a job in a browser if `web` says so."""
    if web and "services" not in instance:
        raise WorkspaceError(f"Job {instance['name']} has no page: the workspace's server is down. Start it: make ui")
    if web:
        webbrowser.open(instance["services"]["Studio"]["endpoint"])
    return instance


def _follow(ws: Workspace, name: str) -> None:
    """Print a job's stream up to its end.

    Raises:
        WorkspaceError: the job failed. A canceled job is no error, as on Azure.
        ManualInterrupt: Ctrl-C; the job goes on.
    """
    try:
        status = ws.jobs.stream(name, _write)
    except KeyboardInterrupt as stop:
        raise ManualInterrupt(
            f"Job {name} goes on. Follow it: az ml job stream --name {name}. End it: az ml job cancel --name {name}."
        ) from stop
    except BrokenPipeError:
        # Whoever read the stream has seen enough (`… | head`); what is still buffered must not fail at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if status == "Failed":
        job = ws.jobs.get(name)
        more = f"job list --parent-job-name {name}" if job["type"] == "pipeline" else f"job download --name {name}"
        raise WorkspaceError(f"Job {name} failed: {job['error']['message']}\nSee more: az ml {more}")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
