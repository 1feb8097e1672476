"""A stand-in of Azure for the contract of `az` lines: it keeps what lines make and refuses what has no ground.

Specs are read from the files that lines name. What a line refers to has to be there, so the order of lines is tested.
"""

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import yaml

from tests.azure_services import CREATED, LINEAGE, NOT_FOUND, Refusal, Services, change_tags, flags_of, references

ASSETS = ("component", "data", "environment", "model")
REFERENCE = re.compile(r"azureml:(?P<name>[\w.-]+)(?::(?P<version>[\w.-]+)|@latest)$")
IN_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[\w-]+)/(?P<kind>\w+)s?/(?P<name>[\w.-]+)/versions/(?P<version>[\w.-]+)$"
)


class Azure(Services):
    """Workspaces and registries.

    Args:
        model: registered model.
        workspace: where there are versions 1 to 3 of it, each made by the job `train` from data that is there.
    """

    def __init__(self, model: str, workspace: str) -> None:
        super().__init__()
        self.lines: list[list[str]] = []
        self.files: list[tuple[str, str, dict[str, Any]]] = []  # group, file, what it says
        # Workspace or registry, kind, name -> version -> what is known of it.
        self.assets: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()
        tags = {**LINEAGE, "root_job": "train", "test_month": "2013-06"}
        for version in ("1", "2", "3"):
            self._add(workspace, "model", model, version, {"tags": tags})
        for name, step in (("flights", "register"), ("weather", "register"), (f"{model}-reference", "reference")):
            path = f"azureml://datastores/workspaceblobstore/paths/azureml/step-{step}/output/"
            self._add(workspace, "data", name, "4", {"path": path})

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        """In place of `subprocess.run` for an `az` line."""
        line = command[1:]
        with self._lock:
            self.lines.append(line)
            try:
                answer = self._answer(line)
            except Refusal as refusal:
                return subprocess.CompletedProcess(command, refusal.code, "", f"ERROR: {refusal}")
        return subprocess.CompletedProcess(command, 0, json.dumps(answer), "")

    def _answer(self, line: list[str]) -> Any:
        _, group, verb = line[:3]
        flags = flags_of(line)
        place = flags.get("--registry-name") or flags.get("--workspace-name", "")
        if verb == "share":
            return self._share(group, flags)
        if verb == "create" and "--file" in flags:
            document = self._read(group, flags)
            if group in ASSETS:
                return self._add(place, group, document["name"], str(document["version"]), document)
            return self._create(group, document, place)
        special = f"_{group}_{verb}".replace("-", "_")
        if hasattr(self, special):
            return getattr(self, special)(flags)
        if group in ASSETS:
            return self._asset(place, group, verb, flags)
        raise Refusal(f"the stand-in has no answer to: az {' '.join(line)}")

    def _read(self, group: str, flags: dict[str, str]) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(Path(flags["--file"]).read_text(encoding="utf-8"))
        self.files.append((group, flags["--file"], document))
        for reference in references(document):
            self._resolve(reference, flags.get("--workspace-name", ""))
        return document

    def _resolve(self, reference: str, workspace: str) -> None:
        """Refuses what refers to nothing."""
        found = REFERENCE.match(reference) or IN_REGISTRY.match(reference)
        if found is None:
            return
        parts = found.groupdict()
        if (parts["name"], parts["version"]) in self.deployments:
            return
        place = parts.get("registry") or workspace
        versions = [
            version
            for (where, _, name), held in self.assets.items()
            if (where, name) == (place, parts["name"])
            for version in held
        ]
        if not versions or parts["version"] not in (None, *versions):
            raise Refusal(f"{place or 'the registry'} has no {reference} yet")

    def _add(self, place: str, kind: str, name: str, version: str, document: dict[str, Any]) -> dict[str, Any]:
        versions = self.assets.setdefault((place, kind, name), {})
        versions[version] = {**document, "name": name, "version": version, "creation_context": CREATED}
        return dict(versions[version])

    def _asset(self, place: str, kind: str, verb: str, flags: dict[str, str]) -> Any:
        versions = self.assets.get((place, kind, flags.get("--name", "")), {})
        if verb == "list":
            return [] if "--archived-only" in flags else list(versions.values())
        if flags.get("--version") not in versions:
            raise Refusal("not found", NOT_FOUND)
        if verb == "download":
            self._expected(Path(flags["--download-path"]))
        if verb == "update":
            change_tags(versions[flags["--version"]], flags)
        return versions[flags["--version"]]

    def _share(self, kind: str, flags: dict[str, str]) -> Any:
        registry, name, version = flags["--registry-name"], flags["--share-with-name"], flags["--share-with-version"]
        shared = self.assets.get((flags["--workspace-name"], kind, flags["--name"]), {}).get(flags["--version"])
        if shared is None:
            raise Refusal("not found", NOT_FOUND)
        if version in self.assets.get((registry, kind, name), {}):
            raise Refusal(f"{kind} {name}:{version} is already there")
        return self._add(registry, kind, name, version, {**shared, "tags": {}})

    def _workspace_show(self, flags: dict[str, str]) -> Any:
        return {"mlflow_tracking_uri": Path("build/mlruns").resolve().as_uri()}

    def _schedule_trigger(self, flags: dict[str, str]) -> Any:
        return {"job_name": "monitoring"}

    def _expected(self, folder: Path) -> None:
        """What the rows of the sample request should be answered with, as it comes with a model."""
        [sample] = Path("endpoints/online").glob("*/sample_request.json")
        rows = json.loads(sample.read_text(encoding="utf-8"))["input_data"]
        expected = {"rows": rows, "target_range": [0, 10], "predictions": [5.0] * len(rows["data"])}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
        (folder / "MLmodel").write_text(f"model_uuid: {LINEAGE['model_uuid']}\n", encoding="utf-8")
