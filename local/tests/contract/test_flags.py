"""The flags of our `az ml` commands are those of the official extension's reference: none missing, none added.

az_ml_reference.json beside this file holds the reference's flag names, a command a line.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
REFERENCE: dict[str, dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("az_ml_reference.json").read_text(encoding="utf-8")
)
# The parser of each command (null: refused), as the real azure-cli builds them from the installed extension.
DUMP = """
import json
from argparse import SUPPRESS
from types import SimpleNamespace
from azure.cli.core import get_default_cli
from knack.util import CLIError
cli = get_default_cli()
kinds = dict(commands_loader_cls=cli.commands_loader_cls, parser_cls=cli.parser_cls, help_cls=cli.help_cls)
cli.invocation = cli.invocation_cls(cli_ctx=cli, **kinds)
loader = cli.invocation.commands_loader
loader.load_command_table(["ml"])
commands = {}
for name in [name for name in loader.command_table if name.startswith("ml ")]:
    cli.invocation.data["command_string"] = name
    try:
        loader.load_arguments(name)
    except CLIError:
        commands[name] = None
        continue
    parser = cli.parser_cls(cli_ctx=cli, prog="az")
    parser.load_command_table(SimpleNamespace(
        command_table={name: loader.command_table[name]}, command_group_table=loader.command_group_table))
    own = parser.subparser_map[name]._actions
    commands[name] = {
        " ".join(a.option_strings): {"required": a.required, "refused": type(a).__name__ == "RefusedFlag"}
        for a in own if a.option_strings and a.help != SUPPRESS
    }
print(json.dumps(commands))
"""
# The groups that the local workspace has, with what each of them refuses; of other groups all is refused.
REFUSED = {
    "workspace": "list-keys provision-network sync-keys",
    "workspace outbound-rule": "list remove set show",
    "compute": "attach connect-ssh detach enable-sso list-usage",
    "datastore": "mount",
    "data": "import list-materialization-status mount",
    "environment": "",
    "component": "prepare-for-sign",
    "model": "package",
    "registry": "",
    "job": "connect-ssh show-services",
    "online-endpoint": "",
    "online-deployment": "",
    "batch-endpoint": "",
    "batch-deployment": "",
    "schedule": "",
}
# Flags of supported commands that are refused by name as soon as they are used: their meaning is a thing of Azure's.
OF_AZURE = {
    "ml workspace create": "--allow-roleassignment-on-rg --application-insights --container-registry "
    "--default-resource-group --enable-data-isolation --hub-id --image-build-compute --key-vault --kind "
    "--managed-network --primary-user-assigned-identity --provision-network-now --public-network-access "
    "--storage-account --system-datastores-auth-mode --update-dependent-resources",
    "ml workspace update": "--allow-roleassignment-on-rg --application-insights --container-registry "
    "--image-build-compute --managed-network --network-acls --primary-user-assigned-identity --public-network-access "
    "--system-datastores-auth-mode --update-dependent-resources",
    "ml workspace list": "--filtered-kinds",
    "ml workspace delete": "--all-resources",
    "ml compute create": "--admin-password --admin-username --enable-node-public-ip --ssh-key-value "
    "--ssh-public-access-enabled --subnet --user-object-id --user-tenant-id --vnet-name",
    "ml compute list-sizes": "--location",
    # Docker's and Studio's.
    "ml online-endpoint create": "--local --web",
    "ml online-endpoint update": "--local --web",
    "ml online-endpoint show": "--local --web",
    "ml online-endpoint list": "--local",
    "ml online-endpoint invoke": "--local",
    "ml online-endpoint delete": "--local",
    "ml online-deployment create": "--local --local-enable-gpu --package-model --vscode-debug --web",
    "ml online-deployment update": "--local --local-enable-gpu --vscode-debug --web",
    "ml online-deployment show": "--local --web",
    "ml online-deployment list": "--local",
    "ml online-deployment delete": "--local",
    "ml online-deployment get-logs": "--local",
}
Flags = dict[str, dict[str, bool]]  # spellings -> is it required, is it refused
# Of every azure-cli command.
GLOBAL = ("--help -h", "--debug", "--verbose", "--only-show-errors", "--output -o", "--query")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Flags | None]:
    """Every `ml` command with its flags; None: the command is refused."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AZURE_")},
        "AZURE_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
        "AZURE_EXTENSION_DIR": str(REPOSITORY / ".tools/extensions"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }
    python = REPOSITORY / ".tools/az/bin/python"
    done = subprocess.run([python, "-c", DUMP], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Flags | None] = json.loads(done.stdout)
    return found


def spelled(flags: Any) -> set[frozenset[str]]:
    """A command's own flags as sets of spellings, since the reference and argparse order these differently."""
    return {frozenset(flag.split()) for flag in flags} - {frozenset(flag.split()) for flag in GLOBAL}


@pytest.fixture(scope="module")
def supported(commands: dict[str, Flags | None]) -> dict[str, Flags]:
    """The commands that are not refused."""
    return {name: flags for name, flags in commands.items() if flags is not None}


def test_every_command_of_the_reference_is_there_and_no_other(commands: dict[str, Flags | None]) -> None:
    groups = {name.split()[1] for name in REFERENCE}
    assert {name for name in commands if name.split()[1] in groups} == set(REFERENCE)


def test_every_command_of_the_groups_is_supported_but_those_refused(supported: dict[str, Flags]) -> None:
    refused = {f"ml {group} {verb}" for group, verbs in REFUSED.items() for verb in verbs.split()}
    of_groups = {name for name in REFERENCE if name.rpartition(" ")[0].removeprefix("ml ") in REFUSED}
    assert refused <= of_groups
    assert {name for name in supported if name.rpartition(" ")[0].removeprefix("ml ") in REFUSED} == of_groups - refused


def test_flags_are_accepted_but_those_of_azures_own_things(supported: dict[str, Flags]) -> None:
    found = {}
    for name, flags in supported.items():
        refused = {spellings.split()[0] for spellings, flag in flags.items() if flag["refused"]}
        if refused:
            found[name] = refused
    assert found == {name: set(flags.split()) for name, flags in OF_AZURE.items()}


def test_each_flag_is_the_references(supported: dict[str, Flags]) -> None:
    differences = {}
    for name, flags in supported.items():
        known = spelled(REFERENCE[name]["required"] + REFERENCE[name]["optional"])
        ours = spelled(flags)
        if known != ours:
            differences[name] = {
                "missing": sorted(map(sorted, known - ours)),
                "added": sorted(map(sorted, ours - known)),
            }
    assert not differences


def test_what_the_reference_requires_is_required_and_nothing_else(supported: dict[str, Flags]) -> None:
    differences = {}
    for name, flags in supported.items():
        required = spelled(spellings for spellings, flag in flags.items() if flag["required"])
        if required != spelled(REFERENCE[name]["required"]):
            differences[name] = sorted(map(sorted, required ^ spelled(REFERENCE[name]["required"])))
    assert not differences
