"""Calling `az`, the one way by which scripts reach a workspace, on this machine or in Azure."""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from scripts.specs.errors import SpecError

NO_AZ = 'az: not found on PATH; use the make target, or first eval "$(make -s env)"'
NO_EXTENSION = "'ml' is misspelled or not recognized"


class AzError(Exception):
    """An `az` line failed; the message is the line and what `az` said."""


def workspace_flags(config: dict[str, Any]) -> list[str]:
    """Flags that name the workspace of an environment's `config`.

    Raises:
        SpecError: `config` does not name it.
    """
    if missing := [key for key in ("resource_group", "workspace") if not config.get(key)]:
        raise SpecError(f"config/{config['env']}.yml", f"{' and '.join(missing)} is missing; it names the workspace")
    return ["--resource-group", config["resource_group"], "--workspace-name", config["workspace"]]


def is_local() -> bool:
    """Whether `az ml` reaches a workspace in a folder of this machine, for ENV=local or REHEARSE=1, and not Azure.

    The Makefile sets the variable exactly then.
    """
    return bool(os.environ.get("AZUREML_LOCAL_ROOT"))


def shell_line(arguments: Sequence[str]) -> str:
    """An `az` line as it can be pasted into a shell."""
    return f"az {shlex.join(arguments)}"


def az(arguments: list[str], expected: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run `az` with `arguments`.

    Raises:
        AzError: it ended with another exit code than the `expected` ones, or there is no `az`.
    """
    try:
        result = subprocess.run(["az", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise AzError(NO_AZ) from error
    if NO_EXTENSION in result.stderr:
        raise AzError(f"{shell_line(arguments)}\n`az` lacks the `ml` extension; az extension add --name ml")
    if result.returncode not in expected:
        raise AzError(f"{shell_line(arguments)}\nexit code {result.returncode}: {result.stderr.strip()}")
    return result


def az_shown(arguments: list[str]) -> int:
    """Run `az` with what it prints on this terminal, as it comes; returns its exit code.

    Raises:
        AzError: there is no `az`.
    """
    try:
        return subprocess.run(["az", *arguments], check=False).returncode
    except FileNotFoundError as error:
        raise AzError(NO_AZ) from error


def az_json(arguments: list[str]) -> Any:
    """What `az` prints, whatever output format the person has set as default."""
    text = az([*arguments, "--output", "json"]).stdout
    try:
        return json.loads(text)
    except ValueError as error:
        raise AzError(f"{shell_line(arguments)}\nprinted no JSON but: {text.strip()[:200] or 'nothing'}") from error
