"""A virtual environment of one job over a shared one: what the job installs is gone with it, as with a container."""

import os
import re
import shutil
from pathlib import Path

NO_PIP = """#!/bin/sh
echo "pip is not in this job's environment: add it to the dependencies of its conda_file" >&2
exit 1
"""
# The folder of the interpreter in the head of a script.
INTERPRETER = re.compile(rb"(?<=#!)/[^\n]*/bin(?=/python)|(?<=')/[^'\n]*/bin(?=/python)")


def make(python: Path, folder: Path) -> Path:
    """Make an environment in `folder` that has all packages of another one; returns its interpreter.

    Args:
        python: the interpreter of the environment below, which stays as it is.
    """
    below = python.parent.parent
    packages = next((below / "lib").glob("python3.*/site-packages"))
    own = folder / packages.relative_to(below)
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    shutil.copyfile(below / "pyvenv.cfg", folder / "pyvenv.cfg")
    # A plain path would leave out what .pth files of the packages below set up.
    (own / "_below.pth").write_text(f"import site; site.addsitedir({str(packages)!r})\n", encoding="utf-8")
    for program in (below / "bin").iterdir():
        copy = folder / "bin" / program.name
        if program.is_symlink():
            copy.symlink_to(program.readlink())
        elif not _readdressed(program, copy, below, folder):
            copy.symlink_to(program)
    for name in ("pip", "pip3"):
        if not (folder / "bin" / name).exists():
            _write(folder / "bin" / name, NO_PIP.encode())
    return folder / "bin" / python.name


def _readdressed(program: Path, copy: Path, below: Path, folder: Path) -> bool:
    """Whether `program` is a script for the interpreter below; then `copy` is the same for the one in `folder`."""
    with program.open("rb") as file:
        if file.read(2) != b"#!":
            return False
        head, *rest = (b"#!" + file.read()).split(b"\n", 2)
    # A long path stands in the second line, which a shell reads: see `uv venv`.
    lines = [head, *rest[:1]]

    def own(found: re.Match[bytes]) -> bytes:
        # The same folder may go by several names: whoever built it may have reached it by a link.
        place = Path(os.fsdecode(found[0]))
        ours = place.is_dir() and place.samefile(below / "bin")
        return os.fsencode(folder / "bin") if ours else found[0]

    moved = [INTERPRETER.sub(own, line) for line in lines]
    if moved != lines:
        _write(copy, b"\n".join([*moved, *rest[1:]]))
    return moved != lines


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)
