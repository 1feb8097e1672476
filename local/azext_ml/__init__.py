"""`az ml` for a workspace in a folder of this machine: an Azure CLI extension, the thin face of ml_workspace."""

from typing import Any

from azure.cli.core import AzCommandsLoader

from . import help as _help  # noqa: F401  registers the help texts with knack


class MlCommandsLoader(AzCommandsLoader):
    """What azure-cli asks for the commands and, of the one that is run, for its flags."""

    def load_command_table(self, args: list[str] | None) -> dict[str, Any]:
        """Register every command; handlers are imported when one is run."""
        from .commands import register

        register(self)
        return self.command_table

    def load_arguments(self, command: str) -> None:
        """Register the flags of `command`."""
        from .params import register

        register(self, command)


COMMAND_LOADER_CLS = MlCommandsLoader
