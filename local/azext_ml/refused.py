"""What the reference has and the local workspace has not: refused by name, exit code 1."""

import argparse
from typing import Any, NoReturn

from azure.cli.core.commands.command_operation import BaseCommandOperation
from knack.util import CLIError

UNSUPPORTED = "not supported by the local workspace yet"

COMMANDS = {
    "azure-openai-deployment": "list",
    "capability-host": "create delete show",
    "component": "prepare-for-sign",
    "compute": "attach connect-ssh detach enable-sso list-usage",
    "connection": "create delete list show update",
    "data": "import list-materialization-status mount",
    "datastore": "mount",
    "deployment-template": "archive create list restore show update",
    "feature-set": "archive backfill create get-feature list list-features list-materialization-operation restore show "
    "show-feature update",
    "feature-store": "create delete list provision-network show update",
    "feature-store-entity": "archive create list restore show update",
    "index": "create list show",
    "job": "connect-ssh show-services",
    "marketplace-subscription": "create delete list show",
    "model": "package",
    "serverless-endpoint": "create delete get-credentials list regenerate-keys show update",
    "workspace": "list-keys provision-network sync-keys",
    "workspace outbound-rule": "list remove set show",
}

# Why it will stay so, where there is a reason.
REASONS = {
    "component prepare-for-sign": "a component is signed for a registry on Azure",
    "compute attach": "jobs run on this machine, whatever the compute target is called",
    "compute connect-ssh": "jobs run on this machine, so there is nowhere to connect to",
    "compute detach": "nothing can be attached; use az ml compute delete",
    "compute enable-sso": "jobs run on this machine, so there is nowhere to sign on to",
    "compute list-usage": "this machine has no quota; see az ml compute list-sizes and list-nodes",
    "data import": "it needs connections to databases, which only Azure has; use az ml data create",
    "data list-materialization-status": "it is about az ml data import, which only Azure has",
    "data mount": "a data asset is a folder of the workspace already; see az ml data show --query path",
    "datastore mount": "a datastore is a folder of the workspace already",
    "job connect-ssh": "jobs run on this machine, so there is nowhere to connect to",
    "job show-services": "jobs run on this machine and have no services of their own",
    "model package": "it builds a Docker image",
    "workspace list-keys": "a folder has no keys",
    "workspace provision-network": "a folder has no network",
    "workspace sync-keys": "a folder has no keys",
}

WORKSPACE = ("--allow-roleassignment-on-rg -r", "--application-insights -a", "--container-registry -c",
             "--image-build-compute -i", "--managed-network -m", "--primary-user-assigned-identity -p",
             "--public-network-access", "--system-datastores-auth-mode -d",
             "--update-dependent-resources -u")  # fmt: skip
# Flags of supported commands that have a meaning on Azure alone.
FLAGS = {
    "ml compute create": ("--admin-password", "--admin-username", "--enable-node-public-ip", "--ssh-key-value",
        "--ssh-public-access-enabled -p", "--subnet", "--user-object-id", "--user-tenant-id", "--vnet-name"),
    "ml compute list-sizes": ("--location -l",),
    "ml workspace create": (*WORKSPACE, "--default-resource-group", "--enable-data-isolation -e", "--hub-id",
        "--key-vault -k", "--kind", "--provision-network-now", "--storage-account -s"),
    "ml workspace update": (*WORKSPACE, "--network-acls"),
    "ml workspace list": ("--filtered-kinds",),
    "ml workspace delete": ("--all-resources",),
    **{f"ml online-endpoint {verb}": ("--local", "--web -e") for verb in ("create", "update", "show")},
    **{f"ml online-endpoint {verb}": ("--local",) for verb in ("list", "invoke", "delete")},
    "ml online-deployment create": ("--local", "--local-enable-gpu", "--package-model", "--vscode-debug", "--web"),
    "ml online-deployment update": ("--local", "--local-enable-gpu", "--vscode-debug", "--web"),
    "ml online-deployment show": ("--local", "--web"),
    **{f"ml online-deployment {verb}": ("--local",) for verb in ("list", "delete", "get-logs")},
}  # fmt: skip
# Why they will stay so.
FLAG_REASONS = {
    "--local": "it is for Docker; without it endpoints are on this machine already",
    "--local-enable-gpu": "it is for Docker",
    "--package-model": "it builds a Docker image",
    "--vscode-debug": "it attaches to a container of Docker",
    "--web": "endpoints have no page in a browser here",
}


class RefusedCommand(BaseCommandOperation):
    """A command of the reference that ends as soon as its flags are asked for, so whatever they are."""

    def __init__(self, loader: Any, name: str) -> None:
        super().__init__(loader)
        self._name = name

    def arguments_loader(self) -> NoReturn:
        """Refuse the command.

        Raises:
            CLIError: names the command.
        """
        raise CLIError(f"az {self._name}: {_because(REASONS.get(self._name.removeprefix('ml ')))}.")

    def description_loader(self) -> str:
        """The line in the help of its group."""
        return UNSUPPORTED


class RefusedFlag(argparse.Action):
    """A flag of the reference that means nothing on this machine."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> NoReturn:
        """Refuse the flag.

        Raises:
            CLIError: names the flag and its command.
        """
        raise CLIError(f"{option_string} of '{parser.prog}': {_because(FLAG_REASONS.get(self.option_strings[0]))}.")


def _because(reason: str | None) -> str:
    return f"not supported by the local workspace: {reason}" if reason else UNSUPPORTED
