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
from scripts.specs.provenance import provenance
from tests.azure import Azure
from tests.golden.az_lines import READING, golden, in_some_order

ROOT = Path(__file__).parents[1]
SPECS = ("components", "config", "data", "endpoints", "environments", "infra", "monitors", "pipelines")
UNSET = "AZUREML_LOCAL_ROOT SYSTEM_JOBID SYSTEM_JOBATTEMPT MAKEFLAGS MAKELEVEL REHEARSE ENV TO PR PRUNE FROZEN AZ"
VARIABLES = ("AZURE_DEFAULTS_SUBSCRIPTION", "AZURE_DEFAULTS_GROUP", "AZURE_DEFAULTS_WORKSPACE", "PR")
# `az` answers as the one that creates a job or shows its status. A script answers with its number, which stands for
# what it will have printed.
RECORDER = """#!{python} -S
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "a+") as log:
    log.seek(0)
    number = len(log.readlines())
    variables = {{name: os.environ.get(name) for name in {variables!r}}}
    log.write(json.dumps([os.path.basename(sys.argv[0]), words, variables]) + "\\n")
if "status" in words:
    print({status!r})
elif "create" in words:
    print({job!r})
elif "-m" in words:
    print(f"<printed by {{number}}>")
"""
PRINTED = re.compile(r"<printed by \d+>")
MEASURED = {"requests": 100, "failed": 0, "error_rate": 0.0, "rps": 99.0, "p50_ms": 1, "p95_ms": 1, "p99_ms": 1}


@dataclass(frozen=True)
class Called:
    """What a recipe called: `az` or `python` with arguments, and the variables that az reads its defaults from."""

    program: str
    arguments: list[str]
    variables: dict[str, str | None]


@dataclass
class Verbs:
    """Make targets of a copy of the repository, whose tests are green.

    Args:
        folder: for the copy and what is recorded.
        patch: undone when the verbs are no longer needed.
        job: name that `az ml job create` prints to a recipe.
        status: of that job in the end.
    """

    folder: Path
    patch: pytest.MonkeyPatch
    job: str = "job"
    status: str = "Completed"
    azure: Azure = field(init=False)
    called: list[tuple[str, Called]] = field(default_factory=list)  # with the environment
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.folder / "repository"
        for name in SPECS:
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "local").mkdir()  # make looks into it
        for name in ("Makefile", ".gitignore"):
            shutil.copy(ROOT / name, self.root)
        config = load_config(self.root, "dev")
        self.azure = Azure(config["model"], config["workspace"])
        self.patch.chdir(self.root)
        self.patch.setenv("BUILD_BUILDID", "7")  # the owner of a rollout is a run then, no process of this machine
        for name in UNSET.split():
            self.patch.delenv(name, raising=False)
        self._commit()

    def _commit(self) -> None:
        """A commit of all, and the evidence that its tests are green."""
        who = ["-c", "user.name=ann", "-c", "user.email=ann@flights.invalid"]
        origin = ["remote", "add", "origin", "https://dev.azure.com/air/flights/_git/flights"]
        for line in (["init", "-q"], origin, ["add", "."], [*who, "commit", "-q", "-m", "All"]):
            subprocess.run(["git", *line], check=True)
        properties = {"commit": provenance(self.root)["commit"], "collected": "1", "whole": "true"}
        told = "".join(f'<property name="{name}" value="{value}"/>' for name, value in properties.items())
        suite = f'<testsuite tests="1" failures="0" errors="0"><properties>{told}</properties></testsuite>'
        (self.root / "build").mkdir()
        (self.root / "build/tests.xml").write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")

    def recipe(self, env: str, target: str) -> tuple[int, list[Called], str]:
        """Exit code of `make target ENV=env`, what its recipe called, and standard error."""
        log, programs = self.folder / "called", self.folder / "programs"
        log.unlink(missing_ok=True)
        programs.mkdir(exist_ok=True)
        told = {"variables": VARIABLES, "job": self.job, "status": self.status}
        for name in ("az", "python"):
            (programs / name).write_text(RECORDER.format(python=sys.executable, log=str(log), **told), encoding="utf-8")
            (programs / name).chmod(0o755)
        make = "make -o setup -o .tools/loadtest/.ready"  # what set-up makes is not looked at
        line = [*make.split(), f"MAKE={make}", f"PY={programs / 'python'}", f"ENV={env}", *target.split(" ")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(programs), prepend=":")
            done = subprocess.run(line, capture_output=True, text=True, check=False)
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        called = [Called(*json.loads(one)) for one in text.splitlines()]
        self.called += [(env, one) for one in called]
        return done.returncode, called, done.stderr

    def lines(self, env: str, target: str) -> list[str]:
        """The `az` lines of a target, as the golden files have them; a refusal is the last of them."""
        code, called, error = self.recipe(env, target)
        lines: list[str] = []
        printed: dict[str, str] = {}
        for number, one in enumerate(called):
            before = len(self.azure.lines)
            if one.program == "az":
                refused = self.azure.run(["az", *one.arguments]).stderr
            else:
                arguments = [PRINTED.sub(lambda match: printed[match[0]], word) for word in one.arguments]
                refused, printed[f"<printed by {number}>"] = self._script(arguments, one.variables["PR"])
            asked = self.azure.lines[before:]
            self.asked += [(env, line) for line in asked]
            if "scripts.apply" in one.arguments and target != "apply" and all(line[2] in READING for line in asked):
                lines.append(f"(make apply finds that all is there: {len(asked)} lines)")
            else:
                lines += in_some_order([golden(line) for line in asked])
            if refused:
                return [*lines, f"refused: {refused.strip().splitlines()[-1]}"]
        return [*lines, f"refused: {error.strip().splitlines()[0]}"] if code else lines

    def _script(self, arguments: list[str], pr: str | None) -> tuple[str, str]:
        """Runs `python -m script arguments` here; what it said if it failed, or else "", and what it printed."""
        flag, name, *rest = arguments
        assert flag == "-m", arguments
        module, out, error = importlib.import_module(name), StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
            patch.setattr("scripts.az.subprocess", SimpleNamespace(run=self.azure.run))
            patch.setattr("scripts.rolling.scoring.Scoring.score", answered)
            patch.setattr("scripts.send.flights", one_flight)
            patch.setattr("scripts.loadtest.load", lambda *_: {**MEASURED, "problems": []})
            patch.setattr("sys.argv", [name, *rest])
            patch.setenv("PR", pr or "")
            code = module.main(module.parse_args())
        said = error.getvalue().strip() or out.getvalue().strip() or f"exit code {code}"
        return said if code else "", out.getvalue().strip()


def answered(self: Any, rows: Rows, deployment: str | None = None) -> Answer:
    """What the endpoint answers: the deployment that is asked by name, or blue."""
    return Answer(200, 0.001, deployment or "blue", [5.0] * len(rows.data), None)


def one_flight(months: Any, columns: list[str], root: Path) -> pd.DataFrame:
    return pd.DataFrame([[None] * len(columns)], columns=columns)
