"""Azure as `make promote` sees it: workspaces and a registry behind `az`, in memory, which can die at any line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from scripts.releasing.evidence import REPORT
from scripts.specs.project import Project
from tests.specs_repository import copied

MODEL, JOB, UUID = "flights", "train-1", "uuid-1"
Asset = tuple[str, str, str]  # kind, name, version
# Over the configs of the small repository: three environments, one registry.
SETTINGS = {
    "common": {
        "subscription": "s", "resource_group": "rg", "model": MODEL, "promote": {"from": "", "approval": True},
    },
    "test": {"assets_from": "registry", "registry": "mlr-shared", "promote": {"from": "dev", "approval": False}},
    "prod": {"promote": {"from": "test"}},
}  # fmt: skip
TAGS = {
    "model_uuid": UUID, "root_job": JOB, "commit": "c0ffee", "gate": "rmse 20, better", "data.flights": "7",
}  # fmt: skip


class Killed(BaseException):
    """The process is gone: nothing after it happens."""


class Cloud:
    """What `az ml` answers.

    Args:
        repository: whose specs dev has been given.
    """

    def __init__(self, repository: Path) -> None:
        self.assets: dict[str, dict[Asset, dict[str, str]]] = {"mlw-dev": {}, "mlw-test": {}, "mlr-shared": {}}
        for spec in Project(repository, "dev").specs.values():
            if spec.kind.asset:
                self.assets["mlw-dev"][spec.kind.group, spec.name, str(spec.version)] = {}
        self.assets["mlw-dev"]["model", MODEL, "3"] = dict(TAGS)
        self.assets["mlw-dev"]["data", f"{MODEL}-reference", "5"] = {}
        self.decision: dict[str, Any] = {
            "promote": True,
            "reason": "rmse 20, better",
            "candidate": {"model_uuid": UUID, "metrics": {"rmse": 20.0, "r2": None}},
        }
        self.served = "azureml://registries/mlr-shared/models/flights/versions/3"
        self.keeps_tags = True  # of what is shared; nobody says whether the service does
        self.written: list[str] = []
        self.after: Callable[[int], None] = lambda number: None

    @property
    def registry(self) -> dict[Asset, dict[str, str]]:
        return self.assets["mlr-shared"]

    def run(self, line: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """In place of `subprocess.run`; what is not `az` runs as ever."""
        if line[0] != "az":
            return RUN(line, **options)
        code, shown = self._answer(line[2:4], _flags(line[4:]))
        if line[3] in ("share", "create", "update"):
            self.written.append(" ".join(line))
            self.after(len(self.written))
        error = {0: "", 1: "ERROR: exists", 3: "ERROR: not found"}[code]
        return subprocess.CompletedProcess(line, code, json.dumps(shown), error)

    def _answer(self, verb: list[str], flags: dict[str, list[str]]) -> tuple[int, Any]:
        name, version = ((flags.get(flag) or [""])[0] for flag in ("--name", "--version"))
        there = self.assets[(flags.get("--registry-name") or flags["--workspace-name"])[0]]
        match verb:
            case ["model" | "data", "list"]:
                path = "azureml://datastores/d/paths/azureml/reference-1/reference"
                found = [version for kind, other, version in there if (kind, other) == (verb[0], name)]
                return 0, [{"version": one, "path": path} for one in found]
            case ["job", "list"]:
                return 0, [{"name": "reference-1", "display_name": "reference"}]
            case ["job", "download"]:
                folder = Path(flags["--download-path"][0], "named-outputs", "decision")
                folder.mkdir(parents=True)
                (folder / "decision.json").write_text(json.dumps(self.decision))
                return 0, None
            case ["online-endpoint", "show"]:
                return 0, {"traffic": {"blue": 100}}
            case ["online-deployment", "show"]:
                return 0, {"name": "blue", "model": self.served}
            case ["model", "download"]:
                folder = Path(flags["--download-path"][0], name)
                folder.mkdir()
                (folder / "MLmodel").write_text(f"model_uuid: {UUID}\n")
                return 0, None
            case [kind, "show"]:
                asset = (kind, name, version)
                return (0, {"tags": there[asset]}) if asset in there else (3, None)
            case [kind, "share"]:
                return self._share((kind, name, version), flags)
            case [kind, "create"]:
                spec = yaml.safe_load(Path(flags["--file"][0]).read_text())
                there.setdefault((kind, spec["name"], spec["version"]), {})
                return 0, None
            case [kind, "update"]:
                pairs = (text.removeprefix("tags.").partition("=") for text in flags["--set"])
                there[kind, name, version].update({key: value for key, _, value in pairs})
                return 0, None
        raise AssertionError(verb)

    def _share(self, asset: Asset, flags: dict[str, list[str]]) -> tuple[int, Any]:
        """As azure-ai-ml: what is in the registry is refused, whatever it contains."""
        tags = self.assets[flags["--workspace-name"][0]][asset]
        if asset in self.registry:
            return 1, None
        self.registry[asset] = dict(tags) if self.keeps_tags else {}
        return 0, None


RUN = subprocess.run


def _flags(words: list[str]) -> dict[str, list[str]]:
    flags: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            flag = word
            flags[flag] = []
        else:
            flags[flag].append(word)
    return flags


def repository_at(folder: Path) -> Path:
    """The small repository in git, with the settings and the evidence of green tests."""
    root = copied(folder)
    for env, settings in SETTINGS.items():
        with (root / f"config/{env}.yml").open("a", encoding="utf-8") as file:
            yaml.safe_dump(settings, file)
    (root / "endpoints/online/score/sample_request.json").write_text(
        '{"input_data": {"columns": ["a"], "data": [[1]]}}'
    )
    (root / ".gitignore").write_text("build/\n")
    for line in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -q -m first"):
        RUN(["git", "-C", str(root), *line.split()], check=True)
    write_evidence(root)
    return root


def head(root: Path) -> str:
    return RUN(["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def write_evidence(root: Path, **changes: Any) -> None:
    """build/tests.xml as `make test` leaves it, but for what is given."""
    values = {"commit": head(root), "whole": "true", "collected": 9, "tests": 9, "failures": 0, "errors": 0, **changes}
    counts = " ".join(f'{name}="{values[name]}"' for name in ("tests", "failures", "errors"))
    names = ("commit", "whole", "collected")
    properties = "".join(f'<property name="{name}" value="{values[name]}"/>' for name in names)
    (root / REPORT).parent.mkdir(exist_ok=True)
    (root / REPORT).write_text(
        f"<testsuites><testsuite {counts}><properties>{properties}</properties></testsuite></testsuites>"
    )
