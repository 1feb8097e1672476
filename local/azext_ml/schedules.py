"""`az ml schedule`."""

import sys
from pathlib import Path
from typing import Any

from knack.log import get_logger

from .assets import editable
from .session import workspace
from .updates import Overrides, stated, texts

Row = dict[str, Any]
logger = get_logger(__name__)


def create(
    cmd: Any,
    file: str,
    resource_group_name: str,
    workspace_name: str | None = None,
    name: str | None = None,
    params_override: Overrides | None = None,
    no_wait: bool = False,
) -> Row:
    """Make a schedule from a spec, or replace the one of its name; it is enabled."""
    from .schedule_specs import schedule
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    doc = schedule(file, [*stated(name=name), *(params_override or [])])
    with naming(file):
        return _waited(ws.schedules.create(doc, Path(file).resolve().parent, logger.warning), no_wait)


def show(cmd: Any, name: str, resource_group_name: str, workspace_name: str | None = None) -> Row:
    """One schedule."""
    return workspace(resource_group_name, workspace_name).schedules.get(name)


def list_schedules(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str | None = None,
    max_results: int | None = None,
    include_disabled: bool = False,
    disabled_only: bool = False,
) -> list[Row]:
    """The enabled schedules, all, or the disabled ones."""
    schedules = workspace(resource_group_name, workspace_name).schedules
    return schedules.list(include_disabled, disabled_only, max_results)


def edit(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One schedule, for `update`."""
    return editable(show(cmd, name, resource_group_name, workspace_name))


def save(
    cmd: Any, name: str, parameters: Row, resource_group_name: str, workspace_name: str, no_wait: bool = False
) -> Row:
    """Write back what --set, --add and --remove made of a schedule (`parameters`)."""
    schedules = workspace(resource_group_name, workspace_name).schedules
    return _waited(schedules.update(name, texts(parameters), Path.cwd(), logger.warning), no_wait)


def enable(cmd: Any, name: str, resource_group_name: str, workspace_name: str, no_wait: bool = False) -> Row:
    """Let a schedule run."""
    return _waited(workspace(resource_group_name, workspace_name).schedules.enable(name), no_wait)


def disable(cmd: Any, name: str, resource_group_name: str, workspace_name: str, no_wait: bool = False) -> Row:
    """Keep a schedule from running."""
    return _waited(workspace(resource_group_name, workspace_name).schedules.enable(name, enabled=False), no_wait)


def delete(cmd: Any, name: str, resource_group_name: str, workspace_name: str, no_wait: bool = False) -> None:
    """Remove a disabled schedule."""
    workspace(resource_group_name, workspace_name).schedules.delete(name)
    _waited({}, no_wait)


def trigger(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """Submit the job of a schedule now."""
    return workspace(resource_group_name, workspace_name).schedules.trigger(name)


def _waited(row: Row, no_wait: bool) -> Row:
    """Print the dot that Azure's client prints on stdout while it waits, before the JSON in the same stream."""
    if not no_wait:
        sys.stdout.write(".")
        sys.stdout.flush()
    return row
