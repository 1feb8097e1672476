"""Where a render comes from: the values of `git` and `tags` in templates."""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

# Stand-ins keep these values out of the content version: they are swapped in after hashing.
STAND_IN = "provenance-of-this-render-"
UNKNOWN = "none"  # outside git
NAMES = ("commit", "branch", "build", "repository")


def stand_ins(names: Iterable[str] = NAMES) -> dict[str, str]:
    return {name: f"{STAND_IN}{name}" for name in names}


def tags(names: Iterable[str]) -> str:
    """Tags `names` as a YAML mapping of one line, with stand-ins for values."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in stand_ins(names).items()) + "}"


def provenance(root: Path) -> dict[str, str]:
    """Commit (with `-dirty` if tracked files were edited), branch, CI build id and repository of `root`.

    Azure Pipelines checks out a detached commit, so its own variables come first. Outside git: UNKNOWN.
    """
    environ = os.environ
    values = {
        "commit": git(root, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"),
        "branch": environ.get("BUILD_SOURCEBRANCHNAME") or git(root, "rev-parse", "--abbrev-ref", "HEAD"),
        "build": environ.get("BUILD_BUILDID", "local"),
        "repository": environ.get("BUILD_REPOSITORY_URI") or git(root, "remote", "get-url", "origin"),
    }
    return {name: _plain(value) for name, value in values.items()}


def git(root: Path, *arguments: str) -> str:
    """What git prints; "none" if it fails."""
    result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else UNKNOWN


def _plain(value: str) -> str:
    """`value` as a string that needs no YAML quotes and holds no password of a remote's address."""
    without_login = re.sub(r"//[^/@]*@", "//", value)
    return re.sub(r"[^\w./:@+-]", "-", without_login)
