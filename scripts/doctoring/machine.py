"""The local workspace, and rehearsals: what this machine has to have."""

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.az import workspace_flags
from scripts.doctoring.answers import Answer, ask_all, said
from scripts.doctoring.check import Check

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")  # those that tests look for
GIB = 2**30


def machine(root: Path, config: Mapping[str, Any], workspaces: Path, make: str) -> list[Check]:
    """Everything that can be asked without Azure.

    Args:
        root: of the repository.
        workspaces: folder of the local workspaces, $AZUREML_LOCAL_ROOT.
        make: version of the make that runs this.
    """
    # A datastore says that the workspace is there and readable; showing the workspace itself would start its MLflow.
    datastore = ["ml", "datastore", "show", "--name", config["datastore"], *workspace_flags(dict(config))]
    answers = ask_all({"version": ["version"], "workspace": datastore})
    return [
        python(sys.version_info[:2], platform.python_version()),
        make_check(make),
        pinned_az(answers["version"], pin(root)),
        extension(root, answers["version"]),
        workspace(answers["workspace"], workspaces / config["resource_group"] / config["workspace"], config["env"]),
        disk(workspaces, config["doctor"]["disk_gib"]),
        browser(),
    ]


def python(version: tuple[int, ...], name: str) -> Check:
    if version != (3, 11):
        return Check("python", "missing", f"Python {name}; jobs run on 3.11", "apt install python3.11-venv; make clean")
    return Check("python", "ok", f"Python {name}")


def make_check(version: str) -> Check:
    if not version or int(version.split(".")[0]) < 4:
        why = f"GNU make {version or 'of unknown version'}; it has to be 4 or newer"
        return Check("make", "missing", why, "run it with make 4; macOS: brew install make, then gmake")
    return Check("make", "ok", f"GNU make {version}")


def pin(root: Path) -> str:
    """Version of azure-cli in requirements/az.in."""
    lines = (root / "requirements/az.in").read_text(encoding="utf-8").splitlines()
    return next(line.split("==")[1].strip() for line in lines if line.startswith("azure-cli=="))


def pinned_az(answer: Answer, wanted: str) -> Check:
    found = answer.json()
    version = found.get("azure-cli") if isinstance(found, Mapping) else None
    if version != wanted:
        why = f"az {version}, not {wanted}" if version else said(answer)
        return Check("az", "missing", why, "make setup")
    return Check("az", "ok", f"az {version}, the pinned one")


def extension(root: Path, answer: Answer) -> Check:
    found = answer.json()
    version = found.get("extensions", {}).get("ml") if isinstance(found, Mapping) else None
    if version is None or not (root / ".tools/extensions/ml/.ready").exists():
        why = "az has no extension ml" if version is None else "its build was not finished"
        return Check("ml extension", "missing", why, "make setup")
    return Check("ml extension", "ok", f"ml {version}, of local/")


def workspace(answer: Answer, folder: Path, env: str) -> Check:
    """Whether the workspace of an environment, or its stand-in, is there."""
    if not answer.ok:
        rehearsing = "" if env == "local" else f" ENV={env} REHEARSE=1"
        return Check("workspace", "missing", said(answer), f"make setup{rehearsing}")
    return Check("workspace", "ok", str(folder))


def disk(folder: Path, minimum: float) -> Check:
    """Whether there is room for workspaces and environments; `minimum` in GiB."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free / GIB
    if free < minimum:
        why = f"{free:.1f} GiB are free at {there}; environments and runs take {minimum:g}"
        return Check("disk", "missing", why, "make room, or set AZUREML_LOCAL_ROOT to a folder of another disk")
    return Check("disk", "ok", f"{free:.1f} GiB are free")


def browser() -> Check:
    """Only tests of pages need it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        todo = "Debian: apt install chromium; elsewhere set CHROMIUM to a browser's path"
        return Check("chromium", "missing", "make test opens a page in it", todo, needed=False)
    return Check("chromium", "ok", found, needed=False)
