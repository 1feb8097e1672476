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
    commands[name] = {" ".join(a.option_strings): a.required for a in own if a.option_strings and a.help != SUPPRESS}
print(json.dumps(commands))
"""
# Of every azure-cli command.
GLOBAL = ("--help -h", "--debug", "--verbose", "--only-show-errors", "--output -o", "--query")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool] | None]:
    """Every `ml` command with its flags, and whether each is required; None: the command is refused."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AZURE_")},
        "AZURE_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
        "AZURE_EXTENSION_DIR": str(REPOSITORY / ".tools/extensions"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }
    python = REPOSITORY / ".tools/az/bin/python"
    done = subprocess.run([python, "-c", DUMP], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, bool] | None] = json.loads(done.stdout)
    return found


def spelled(flags: Any) -> set[frozenset[str]]:
    """A command's own flags as sets of spellings, since the reference and argparse order these differently."""
    return {frozenset(flag.split()) for flag in flags} - {frozenset(flag.split()) for flag in GLOBAL}


@pytest.fixture(scope="module")
def supported(commands: dict[str, dict[str, bool] | None]) -> dict[str, dict[str, bool]]:
    """The commands that are not refused."""
    return {name: flags for name, flags in commands.items() if flags is not None}


def test_every_command_of_the_reference_is_there_and_no_other(commands: dict[str, dict[str, bool] | None]) -> None:
    groups = {name.split()[1] for name in REFERENCE}
    assert {name for name in commands if name.split()[1] in groups} == set(REFERENCE)


def test_the_commands_of_the_loop_are_supported(supported: dict[str, dict[str, bool]]) -> None:
    for line in (
        "workspace: create show list update delete",
        "compute: create show list update delete start stop",
        "datastore: create show list delete",
        "data: create show list update archive restore",
        "environment: create show list update archive restore",
        "component: create show list update archive restore",
        "model: create show list update archive restore download",
        "job: create validate show list stream cancel update archive restore download",
    ):
        group, _, verbs = line.partition(": ")
        for verb in verbs.split():
            assert f"ml {group} {verb}" in supported


def test_each_flag_is_the_references(supported: dict[str, dict[str, bool]]) -> None:
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


def test_what_the_reference_requires_is_required_and_nothing_else(supported: dict[str, dict[str, bool]]) -> None:
    differences = {}
    for name, flags in supported.items():
        required = spelled(flag for flag, needed in flags.items() if needed)
        if required != spelled(REFERENCE[name]["required"]):
            differences[name] = sorted(map(sorted, required ^ spelled(REFERENCE[name]["required"])))
    assert not differences
