"""The table of `az ml` commands: which function serves which command."""

from typing import TYPE_CHECKING

from azure.cli.core.commands import CliCommandType

from . import refused
from .output import job_table
from .session import explain

if TYPE_CHECKING:
    from . import MlCommandsLoader

VERSIONED = ("data", "environment", "component", "model")
NO_WAIT = ("data", "environment", "model")


def register(loader: "MlCommandsLoader") -> None:
    """Put every command of the reference into the loader's table, the refused ones too."""
    registries = _served_by("registries")["custom_command_type"]
    for kind in VERSIONED:
        with loader.command_group(f"ml {kind}", **_served_by("assets")) as group:
            group.custom_command("create", "create", supports_no_wait=kind in NO_WAIT)
            group.custom_command("show", "show")
            group.custom_command("list", "list_versions")
            group.custom_command("archive", "archive")
            group.custom_command("restore", "restore")
            if kind != "component":
                preview = {"is_preview": True} if kind == "data" else {}
                group.custom_command(
                    "share", "share", command_type=registries, custom_command_type=registries, **preview
                )
            if kind == "model":
                group.custom_command("download", "download")
                group.generic_update_command("update", "edit", **_update_with("set_stage"))
            else:
                group.generic_update_command("update", "edit", setter_name="save")
    with loader.command_group("ml compute", **_served_by("resources")) as group:
        group.custom_command("create", "create", supports_no_wait=True)
        group.custom_command("show", "show")
        group.custom_command("list", "list_compute")
        group.custom_command("delete", "delete", supports_no_wait=True, confirmation=True)
        group.custom_command("start", "start", supports_no_wait=True)
        group.custom_command("stop", "stop", supports_no_wait=True)
        group.custom_command("restart", "restart", supports_no_wait=True)
        group.custom_command("list-nodes", "list_nodes")
        group.custom_command("list-sizes", "list_sizes")
        group.generic_update_command(
            "update", "edit", setter_name="save", custom_func_name="scale", supports_no_wait=True
        )
    with loader.command_group("ml datastore", **_served_by("resources")) as group:
        group.custom_command("create", "create")
        group.custom_command("show", "show")
        group.custom_command("list", "list_resources")
        group.custom_command("delete", "delete")
        group.generic_update_command("update", "edit_datastore", setter_name="save_datastore")
    with loader.command_group("ml workspace", **_served_by("workspaces")) as group:
        group.custom_command("create", "create", supports_no_wait=True)
        group.custom_command("show", "show")
        group.custom_command("list", "list_workspaces")
        group.custom_command("delete", "delete", supports_no_wait=True, confirmation=True)
        group.generic_update_command(
            "update", "edit", setter_name="save", custom_func_name="describe", supports_no_wait=True
        )
        group.custom_command("diagnose", "diagnose", supports_no_wait=True)
    with loader.command_group("ml registry", **_served_by("registries")) as group:
        group.custom_command("create", "create", supports_no_wait=True)
        group.custom_command("show", "show")
        group.custom_command("list", "list_registries")
        group.custom_command("delete", "delete")
        group.generic_update_command(
            "update", "edit", setter_name="save", custom_func_name="describe", supports_no_wait=True
        )
    with loader.command_group("ml job", **_served_by("jobs")) as group:
        group.custom_command("create", "create")
        group.custom_command("validate", "validate")
        group.custom_command("show", "show")
        group.custom_command("list", "list_jobs", table_transformer=job_table)
        group.custom_command("stream", "stream")
        group.custom_command("cancel", "cancel")
        group.custom_command("download", "download")
        group.custom_command("archive", "archive")
        group.custom_command("restore", "restore")
        group.generic_update_command("update", "edit", **_update_with("open_web"))
    with loader.command_group("ml schedule", **_served_by("schedules")) as group:
        group.custom_command("create", "create", supports_no_wait=True)
        group.custom_command("show", "show")
        group.custom_command("list", "list_schedules")
        group.custom_command("enable", "enable", supports_no_wait=True)
        group.custom_command("disable", "disable", supports_no_wait=True)
        group.custom_command("delete", "delete", supports_no_wait=True)
        group.custom_command("trigger", "trigger")
        group.generic_update_command("update", "edit", setter_name="save", supports_no_wait=True)
    _register_endpoints(loader)
    for group_name, verbs in refused.COMMANDS.items():
        for verb in verbs.split():
            name = f"ml {group_name} {verb}"
            loader.add_cli_command(name, refused.RefusedCommand(loader, name))


def _register_endpoints(loader: "MlCommandsLoader") -> None:
    long = {"supports_no_wait": True}
    ending = {**long, "confirmation": True}
    with loader.command_group("ml online-endpoint", **_served_by("endpoints")) as group:
        group.custom_command("create", "create", **long)
        group.custom_command("show", "show")
        group.custom_command("list", "list_endpoints")
        group.custom_command("delete", "delete", **ending)
        group.custom_command("invoke", "invoke")
        group.custom_command("get-credentials", "get_credentials")
        group.custom_command("regenerate-keys", "regenerate_keys", **long)
        group.generic_update_command("update", "edit", **_update_with("route"), **long)
    with loader.command_group("ml online-deployment", **_served_by("deployments")) as group:
        group.custom_command("create", "create", **long)
        group.custom_command("show", "show")
        group.custom_command("list", "list_deployments")
        group.custom_command("delete", "delete", **ending)
        group.custom_command("get-logs", "get_logs")
        group.generic_update_command("update", "edit", setter_name="save", **long)
    with loader.command_group("ml batch-endpoint", **_served_by("batch")) as group:
        group.custom_command("create", "create", **long)
        group.custom_command("show", "show")
        group.custom_command("list", "list_endpoints")
        group.custom_command("delete", "delete", **ending)
        group.custom_command("invoke", "invoke")
        group.custom_command("list-jobs", "list_jobs")
        group.generic_update_command("update", "edit", **_update_with("set_defaults"), **long)
    with loader.command_group("ml batch-deployment", **_served_by("batch")) as group:
        group.custom_command("create", "create_deployment", **long)
        group.custom_command("show", "show_deployment")
        group.custom_command("list", "list_deployments")
        group.custom_command("delete", "delete_deployment", **ending)
        group.custom_command("list-jobs", "list_deployment_jobs")
        group.generic_update_command("update", "edit_deployment", setter_name="save_deployment", **long)


def _served_by(module: str) -> dict[str, CliCommandType]:
    handlers = CliCommandType(operations_tmpl=f"{__package__}.{module}#{{}}", exception_handler=explain)
    return {"command_type": handlers, "custom_command_type": handlers}


def _update_with(function: str) -> dict[str, str]:
    """The setter that all updates have, and the function that applies the flags that one has of its own."""
    return {"setter_name": "save", "custom_func_name": function}
