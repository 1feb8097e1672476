"""The `az` lines of make targets: what their recipes call, and what the scripts that they call ask a stand-in of Azure.

make itself runs each recipe; in place of Python and `az` it finds a recorder. The scripts are run afterwards, in this
process, with the arguments that make gave them.
"""

import importlib
import json
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from scripts.rolling.scoring import Answer, Rows
from scripts.specs.config import load_config
from tests.azure import Azure

ROOT = Path(__file__).parents[1]
SPECS = ("components", "config", "data", "endpoints", "environments", "monitors", "pipelines")
# In the order in which a release goes; each finds what those before it have made.
DEV = (
    *("apply", "register-data", "train", "deploy MODEL_VERSION=2", "deploy", "smoke", "invoke", "loadtest"),
    *("send MONTH=2013-07", "batch", "monitor", "retrain APPROVED_BY=ann REASON=drift", "schedule", "rollback"),
    *("compare", "export", "ui"),
)
RELEASED = (
    *("promote FROM={before} MODEL_VERSION=2 APPROVED_BY=ann", "apply", "deploy", "smoke"),
    *("promote FROM={before} MODEL_VERSION=3 APPROVED_BY=ann", "deploy", "smoke", "invoke"),
    *("batch INPUT=azureml://datastores/workspaceblobstore/paths/flights/", "monitor", "train", "rollback"),
)
TARGETS = {"dev": DEV, "test": RELEASED, "prod": RELEASED}
VARIABLES = ("AZURE_DEFAULTS_SUBSCRIPTION", "AZURE_DEFAULTS_GROUP", "AZURE_DEFAULTS_WORKSPACE")
# Answers as a script of python does that looks for a model's version, as `az` does that creates a job or shows one.
RECORDER = """#!{python} -S
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    variables = {{name: os.environ.get(name) for name in {variables!r}}}
    log.write(json.dumps([os.path.basename(sys.argv[0]), words, variables]) + "\\n")
if "status" in words:
    print({status!r})
elif "create" in words:
    print({job!r})
elif "scripts.rolling.models" in words:
    print(words[-1] if "--model-version" in words else 3)
"""
READING = {"show", "list", "download", "get-credentials"}  # these may come in any order
MEASURED = {"requests": 100, "failed": 0, "error_rate": 0.0, "rps": 99.0, "p50_ms": 1, "p95_ms": 1, "p99_ms": 1}


@dataclass(frozen=True)
class Called:
    """What a recipe called: `az` or `python` with arguments, and the variables that az reads its defaults from."""

    program: str
    arguments: list[str]
    variables: dict[str, str | None]


@dataclass
class Verbs:
    """Make targets of a copy of the repository, for one environment.

    Args:
        folder: for the copy and what is recorded.
        env: environment.
        patch: undone when the verbs are no longer needed.
        job: name that `az ml job create` prints to a recipe.
        status: of that job in the end.
    """

    folder: Path
    env: str
    patch: pytest.MonkeyPatch
    job: str = "job"
    status: str = "Completed"
    azure: Azure = field(init=False)
    called: list[Called] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.folder / "repository"
        for name in SPECS:
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", self.root)
        self.azure = Azure(str(load_config(self.root, self.env)["model"]))
        self.patch.chdir(self.root)
        self.patch.setenv("BUILD_BUILDID", "7")  # the owner of a rollout is a run then, no process of this machine
        for name in ("AZUREML_LOCAL_ROOT", "SYSTEM_JOBID", "SYSTEM_JOBATTEMPT", "MAKEFLAGS", "MAKELEVEL", "REHEARSE"):
            self.patch.delenv(name, raising=False)

    def recipe(self, target: str) -> tuple[int, list[Called], str]:
        """Exit code of `make target`, what its recipe called, and standard error."""
        log, programs = self.folder / "called", self.folder / "programs"
        log.unlink(missing_ok=True)
        programs.mkdir(exist_ok=True)
        told = {"variables": VARIABLES, "job": self.job, "status": self.status}
        for name in ("az", "python"):
            (programs / name).write_text(RECORDER.format(python=sys.executable, log=str(log), **told), encoding="utf-8")
            (programs / name).chmod(0o755)
        make = "make -o setup -o .tools/loadtest/.ready"  # what set-up makes is not looked at
        line = [*make.split(), f"MAKE={make}", f"PY={programs / 'python'}", f"ENV={self.env}", *target.split(" ")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(programs), prepend=":")
            done = subprocess.run(line, capture_output=True, text=True, check=False)
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        called = [Called(*json.loads(one)) for one in text.splitlines()]
        self.called += called
        return done.returncode, called, done.stderr

    def lines(self, target: str) -> list[str]:
        """The `az` lines of a target, as the golden files have them; a refusal is the last of them."""
        code, called, error = self.recipe(target)
        lines: list[str] = []
        for one in called:
            before = len(self.azure.lines)
            if one.program == "az":
                refused = self.azure.run(["az", *one.arguments]).stderr
            else:
                refused = self._script(one.arguments)
            asked = self.azure.lines[before:]
            if "scripts.apply" in one.arguments and target != "apply" and all(line[2] == "show" for line in asked):
                lines.append(f"(make apply finds that all is there: {len(asked)} lines)")
            else:
                lines += in_some_order([golden(line) for line in asked])
            if refused:
                return [*lines, f"refused: {refused.strip().splitlines()[-1]}"]
        return [*lines, f"refused: {error.strip().splitlines()[0]}"] if code else lines

    def _script(self, arguments: list[str]) -> str:
        """Runs `python -m script arguments` here; what it said at last if it failed, or else ""."""
        flag, name, *rest = arguments
        assert flag == "-m", arguments
        module, told = importlib.import_module(name), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(told), redirect_stderr(told):
            patch.setattr("scripts.az.subprocess", SimpleNamespace(run=self.azure.run))
            patch.setattr("scripts.rolling.scoring.Scoring.score", answered)
            patch.setattr("scripts.send.flights", one_flight)
            patch.setattr("scripts.loadtest.load", lambda *_: {**MEASURED, "problems": []})
            patch.setattr("sys.argv", [name, *rest])
            code = module.main(module.parse_args())
        return told.getvalue().strip() or f"exit code {code}" if code else ""


def answered(self: Any, rows: Rows, deployment: str | None = None) -> Answer:
    """What the endpoint answers: the deployment that is asked by name, or blue."""
    return Answer(200, 0.001, deployment or "blue", [5.0] * len(rows.data), None)


def one_flight(months: Any, columns: list[str], root: Path) -> pd.DataFrame:
    return pd.DataFrame([[None] * len(columns)], columns=columns)


def golden(line: list[str]) -> str:
    """A line as the golden files have it: without what is another one in each run or each commit."""
    text = " ".join(f"'{part}'" if " " in part else part for part in ["az", *line])
    text = re.sub(r"(?<=version )[0-9a-f]{12}\b", "<hash>", text)
    text = re.sub(r"(?<=--download-path )/\S+", "<folder>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+", "<time>", text)
    return re.sub(r"(serving_\w+=\S+ )[0-9a-f]{12}", r"\1<hash>", text)


def in_some_order(lines: list[str]) -> list[str]:
    """Lines that only read, next to each other, sorted and each once: scripts ask several things at once."""
    ordered: list[str] = []
    reading: set[str] = set()
    for line in lines:
        if line.split()[3] in READING:
            reading.add(line)
            continue
        ordered += [*sorted(reading), line]
        reading = set()
    return [*ordered, *sorted(reading)]


def recorded(verbs: Verbs) -> dict[str, list[str]]:
    """Lines of all targets."""
    return {target: verbs.lines(target) for target in TARGETS}


def as_golden(lines: dict[str, list[str]]) -> str:
    """The text of a golden file."""
    return "\n".join(f"$ make {target}\n" + "".join(f"{line}\n" for line in lines[target]) for target in lines)
