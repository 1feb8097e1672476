"""What the reference has and the local workspace has not: refused by name, exit code 1."""

import argparse
from typing import Any, NoReturn

from azure.cli.core.commands.command_operation import BaseCommandOperation
from knack.util import CLIError

UNSUPPORTED = "not supported by the local workspace yet"

COMMANDS = {
    "azure-openai-deployment": "list",
    "batch-deployment": "create delete list list-jobs show update",
    "batch-endpoint": "create delete invoke list list-jobs show update",
    "capability-host": "create delete show",
    "component": "prepare-for-sign",
    "compute": "attach connect-ssh detach enable-sso list-nodes list-sizes list-usage restart",
    "connection": "create delete list show update",
    "data": "import list-materialization-status mount share",
    "datastore": "mount update",
    "deployment-template": "archive create list restore show update",
    "environment": "share",
    "feature-set": "archive backfill create get-feature list list-features list-materialization-operation restore show "
    "show-feature update",
    "feature-store": "create delete list provision-network show update",
    "feature-store-entity": "archive create list restore show update",
    "index": "create list show",
    "job": "connect-ssh show-services",
    "marketplace-subscription": "create delete list show",
    "model": "package share",
    "online-deployment": "create delete get-logs list show update",
    "online-endpoint": "create delete get-credentials invoke list regenerate-keys show update",
    "registry": "create delete list show update",
    "schedule": "create delete disable enable list show trigger update",
    "serverless-endpoint": "create delete get-credentials list regenerate-keys show update",
    "workspace": "diagnose list-keys provision-network sync-keys",
    "workspace outbound-rule": "list remove set show",
}

REGISTRY = "--registry-name"
WORKSPACE = ("--allow-roleassignment-on-rg -r", "--application-insights -a", "--container-registry -c",
             "--image-build-compute -i", "--managed-network -m", "--primary-user-assigned-identity -p",
             "--public-network-access", "--system-datastores-auth-mode -d",
             "--update-dependent-resources -u")  # fmt: skip
IDENTITY = ("--identity-type", "--user-assigned-identities -i")
# Flags of supported commands that have a meaning on Azure alone.
FLAGS = {
    **{f"ml {kind} {verb}": (REGISTRY,) for kind in ("environment", "component", "model")
       for verb in ("show", "list", "update", "archive", "restore")},
    **{f"ml data {verb}": (REGISTRY,) for verb in ("show", "list", "update")},
    "ml data create": (REGISTRY, "--datastore"),
    "ml environment create": (REGISTRY, "--datastore", "--build-context -b", "--dockerfile-path -d"),
    "ml component create": (REGISTRY,),
    "ml model create": (REGISTRY, "--datastore"),
    "ml model download": (REGISTRY,),
    "ml compute create": (*IDENTITY, "--admin-password", "--admin-username", "--enable-node-public-ip", "--location -l",
        "--ssh-key-value", "--ssh-public-access-enabled -p", "--subnet", "--user-object-id", "--user-tenant-id",
        "--vnet-name"),
    "ml compute update": IDENTITY,
    "ml workspace create": (*WORKSPACE, "--default-resource-group", "--enable-data-isolation -e", "--hub-id",
        "--key-vault -k", "--kind", "--location -l", "--provision-network-now", "--storage-account -s"),
    "ml workspace update": (*WORKSPACE, "--file -f", "--network-acls"),
    "ml workspace list": ("--filtered-kinds",),
    "ml workspace delete": ("--all-resources",),
}  # fmt: skip


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
        raise CLIError(f"az {self._name}: {UNSUPPORTED}.")

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
        raise CLIError(f"{option_string} of '{parser.prog}': {UNSUPPORTED}.")
