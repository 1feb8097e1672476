"""Runs az lines in the real azure-cli, all in one process (drive.py)."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from az_variables import az_variables
from ml_workspace import Workspace

REPOSITORY = Path(__file__).parents[3]
DRIVE = Path(__file__).with_name("drive.py")


@dataclass(frozen=True)
class Line:
    """What became of a line: its exit code, what it printed, which calls of an engine that stands in it made."""

    code: int
    out: str
    err: str
    calls: list[list[Any]]

    @property
    def last(self) -> list[Any]:
        """The last call of the engine."""
        return self.calls[-1]


Run = Callable[..., list[Line]]


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Run]]:
    """Gives what runs lines in a folder, in a fresh workspace `w` of group `g`.

    Its arguments: the folder; the parts of the engine (`online`, `batch`) that only write down how they are called.
    """
    with ExitStack() as stack:
        yield lambda folder, *parts: stack.enter_context(_Driver(folder, tmp_path_factory.mktemp("az"), parts)).lines


class _Driver:
    def __init__(self, folder: Path, place: Path, parts: tuple[str, ...]) -> None:
        self._root = place / "root"
        environment = az_variables(place)
        extension = REPOSITORY / ".tools/extensions/ml"
        command: list[Path | str] = [REPOSITORY / ".tools/az/bin/python", DRIVE, extension, self._root, *parts]
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def lines(self, *texts: str) -> list[Line]:
        """Run `az ml TEXT` for each text."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{json.dumps(texts)}\n")
        self._process.stdin.flush()
        return [Line(**found) for found in json.loads(self._process.stdout.readline())]

    def __enter__(self) -> "_Driver":
        self._process.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.__exit__(*error)
        Workspace.open(self._root, "g", "w").tracking.stop()
