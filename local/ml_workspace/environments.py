"""Job environments: each becomes a virtual environment, built once by uv and kept by the hash of what it asks for."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from . import installing
from .catalog import now
from .conda import Requirements, requirements
from .errors import WorkspaceError
from .processes import exclusive

Log = Callable[[str], None]
FORMAT = 1  # of what is built; a change makes every environment anew
REPORT = 4.0  # seconds between two lines about a build
BYTECODE = Path(__file__).with_name("bytecode.py")
OWN = Path(__file__).parent  # has the pinned requirements of the engine's own servers
PATCH = re.compile(r"(?<=^\d\.\d)\.\d+$|(?<=^\d\.\d\d)\.\d+$")  # of a version such as 3.11.7
MESSAGE = 4000  # characters of uv's message that an error repeats


class Environments:
    """Virtual environments below one folder, shared by processes and workspaces."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def python(self, definition: dict[str, Any], log: Log) -> Path:
        """The interpreter of the environment's virtual environment, which is built if it is not there.

        Args:
            definition: an environment document: name, version, conda_file (parsed), notes.
            log: gets the notes, and a line now and then while something is built or waited for.

        Raises:
            Unsupported: an environment without a conda file: see `images.with_conda_file`.
            WorkspaceError: it cannot be built; the message is the resolver's.
        """
        wanted = requirements(definition)
        for note in definition.get("notes") or []:
            log(note)
        return self._built(self._key(wanted), wanted, [], log)

    def digest(self, definition: dict[str, Any]) -> str:
        """The hash of what matters in an environment document; documents that ask for the same have the same."""
        return self._key(requirements(definition))

    def tracking(self, log: Log) -> Path:
        """The interpreter of the MLflow server, whose packages are pinned with hashes in this package."""
        return self._pinned("MLflow server", OWN / "tracking_requirements.txt", log)

    def router(self, log: Log) -> Path:
        """The interpreter of the router of online endpoints, with packages pinned like those."""
        return self._pinned("router of online endpoints", OWN / "router_requirements.txt", log)

    def _pinned(self, name: str, file: Path, log: Log) -> Path:
        wanted = Requirements(name, "3.11", tuple(file.read_text(encoding="utf-8").splitlines()), ())
        return self._built(self._key(wanted), wanted, ["--no-deps", "--require-hashes"], log)

    @staticmethod
    def _key(wanted: Requirements) -> str:
        matters = [FORMAT, sys.platform, platform.machine(), wanted.python, wanted.lines]
        return hashlib.sha256(json.dumps(matters).encode()).hexdigest()

    def _built(self, key: str, wanted: Requirements, options: list[str], log: Log) -> Path:
        folder = self._root / key[:24]
        python = folder / "bin" / "python"
        ready = folder / ".ready"
        # The link is dead once the interpreter that the environment was made from is removed.
        if ready.exists() and python.exists():
            return python

        def waiting() -> None:
            log(f"Environment {wanted.name} is being built by another process: waiting for it")

        with exclusive(self._root / f"{key[:24]}.lock", waiting) as lock:
            if not (ready.exists() and python.exists()):
                shutil.rmtree(folder, ignore_errors=True)
                self._build(folder, wanted, options, lock, log)
                ready.touch()
        return python

    def _build(self, folder: Path, wanted: Requirements, options: list[str], lock: int, log: Log) -> None:
        log(f"Building environment {wanted.name} (Python {wanted.python})")
        if wanted.from_conda:
            log(f"Environment {wanted.name}: taken from PyPI instead of conda: {', '.join(wanted.from_conda)}")
        build = _Build(self._root, wanted, lock, log)
        started = time.monotonic()
        build.venv(folder)
        if wanted.lines:
            python, file = folder / "bin" / "python", folder / "requirements.txt"
            file.write_text("\n".join(wanted.lines) + "\n", encoding="utf-8")
            build.install(python, file, options)
            build.run(str(python), str(BYTECODE), str(folder / "lib"))
        seconds = time.monotonic() - started
        record = {"name": wanted.name, "python": wanted.python, "requirements": wanted.lines, "created_at": now(),
                  "seconds": round(seconds, 1)}  # fmt: skip
        (folder / "environment.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        log(f"Environment {wanted.name} ready in {seconds:.0f} s")


class _Build:
    """Runs the programs of one build."""

    def __init__(self, root: Path, wanted: Requirements, lock: int, log: Log) -> None:
        self._wanted, self._lock, self._log = wanted, lock, log
        self._program = find_uv()
        inherited = {
            k: v
            for k, v in os.environ.items()
            if k not in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
        }
        of_pip, self._options = installing.for_uv(os.environ, Path.home())
        # Interpreters are taken from this machine, the one that runs this first, and never downloaded.
        self._env = {
            "UV_CACHE_DIR": str(root / ".uv-cache"),
            **inherited,
            **of_pip,
            "UV_PYTHON_DOWNLOADS": "never",
            "PATH": os.pathsep.join([f"{sys.base_exec_prefix}/bin", os.environ.get("PATH", os.defpath), *_of_pyenv()]),
        }

    def venv(self, folder: Path) -> None:
        """Make an empty environment with the wanted Python, or with another patch release of it.

        Raises:
            WorkspaceError: this machine does not have it.
        """
        python = self._wanted.python
        for version in (python, PATCH.sub("", python)):
            try:
                self.uv("venv", "--clear", "--python", version, str(folder))
            except WorkspaceError as error:
                # The second is what a version manager's placeholder for a version that is not active leads to.
                if not any(text in str(error) for text in ("No interpreter found", "Failed to inspect Python")):
                    raise
            else:
                if version != python:
                    self._log(f"Environment {self._wanted.name}: this machine has another {version} than {python}")
                return
        raise WorkspaceError(
            f"Environment '{self._wanted.name}' needs Python {python}, which this machine does not have. "
            f"It has: {self.interpreters()}. Install that version (pyenv install {PATCH.sub('', python)}, or "
            f"uv python install {PATCH.sub('', python)}), or ask for one that is there."
        )

    def install(self, python: Path, requirements: Path, options: list[str]) -> None:
        """Install what a requirements file lists, from where pip on this machine would; see `run`."""
        self.uv("pip", "install", "--python", str(python), *self._options, *options, "-r", str(requirements))

    def uv(self, *arguments: str) -> None:
        """Run uv; like `run`."""
        self.run(str(self._program), "--no-progress", *arguments)

    def run(self, *command: str) -> None:
        """Run a program, telling `log` its newest line every few seconds.

        Raises:
            WorkspaceError: it failed; with its message.
        """
        started = time.monotonic()
        # The program inherits the lock: if this process is killed, the next one waits until it is done with the folder.
        with subprocess.Popen(command, env=self._env, pass_fds=[self._lock], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
            lines: list[str] = []
            assert process.stderr is not None
            reader = threading.Thread(target=_collect, args=(process.stderr, lines), daemon=True)
            reader.start()
            try:
                while True:
                    try:
                        process.wait(REPORT)
                        break
                    except subprocess.TimeoutExpired:
                        said = lines[-1].strip() if lines else "resolving"
                        self._log(f"Environment {self._wanted.name}: {said} ({time.monotonic() - started:.0f} s)")
            except BaseException:  # also Ctrl-C: uv must not go on by itself; raised again
                process.kill()
                raise
            reader.join()
        if process.returncode:
            hint = " (conda packages are looked up on PyPI here)" if self._wanted.from_conda else ""
            message = "".join(lines).strip()[-MESSAGE:]
            raise WorkspaceError(f"Environment '{self._wanted.name}' could not be built{hint}:\n{message}")

    def interpreters(self) -> str:
        """The versions of Python on this machine, as text."""
        listed = subprocess.run([self._program, "python", "list", "--only-installed", "--output-format", "json"],
                                env=self._env, capture_output=True, text=True)  # fmt: skip
        versions = {entry["version"] for entry in json.loads(listed.stdout or "[]")}
        return ", ".join(sorted(versions, key=lambda v: [int(n) if n.isdigit() else 0 for n in v.split(".")])) or "none"


def _of_pyenv() -> list[str]:
    """Folders of the Pythons that pyenv has installed: those that are not active have no working place on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [str(folder) for folder in sorted(root.glob("versions/*/bin"))]


def _collect(stream: IO[str], lines: list[str]) -> None:
    lines.extend(line for line in stream if not line.startswith((" + ", " - ", " ~ ")))


def find_uv() -> Path:
    """The uv program: the one installed with this package, else beside the interpreter, else on PATH.

    Raises:
        WorkspaceError: there is none.
    """
    places = [Path(__file__).resolve().parent.parent / "bin" / "uv", Path(sys.executable).with_name("uv")]
    on_path = shutil.which("uv")
    for place in [*places, *([Path(on_path)] if on_path else [])]:
        if os.access(place, os.X_OK):
            return place
    looked = ", ".join(str(place.parent) for place in places)
    raise WorkspaceError(f"uv, which builds the environments of jobs, was not found in {looked} or on PATH. "
                         "Install it with: pip install uv")  # fmt: skip
