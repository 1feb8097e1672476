"""A stand-in of Azure for the contract of `az` lines: it keeps what lines make and refuses what has no ground.

Specs are read from the files that lines name. What a line refers to has to be there, so the order of lines is tested.
"""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

NOT_FOUND = 3
ASSETS = ("component", "data", "environment", "model")
REFERENCE = re.compile(r"azureml:(?P<name>[\w.-]+)(?::(?P<version>[\w.-]+)|@latest)$")
IN_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[\w-]+)/(?P<kind>\w+)s?/(?P<name>[\w.-]+)/versions/(?P<version>[\w.-]+)$"
)
CREATED = {"created_at": "2026-11-25T03:00:00+00:00"}
REPORT = {"files": [{"file": "2014-01-01/flights.csv", "status": "accepted", "rows": 99999}]}
LINEAGE = {"model_uuid": "cafe", "commit": "c0ffee", "gate": "better", "data.flights": "4", "data.weather": "4"}
JUDGED = {"model_uuid": LINEAGE["model_uuid"], "metrics": {"rmse": 20.0}}
OUTPUTS = {"decision": {"promote": True, "reason": "better", "candidate": JUDGED}, "report": REPORT}


class Refusal(Exception):
    """Azure says no; `code` is the exit code of az."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class Azure:
    """Workspaces and registries.

    Args:
        model: registered model.
        workspace: where there are versions 1 to 3 of it, each made by the job `train` from data that is there.
    """

    def __init__(self, model: str, workspace: str) -> None:
        self.lines: list[list[str]] = []
        self.files: list[tuple[str, str, dict[str, Any]]] = []  # group, file, what it says
        # Workspace or registry, kind, name -> version -> what is known of it.
        self.assets: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.endpoints: dict[tuple[str, str], dict[str, Any]] = {}
        self.deployments: dict[tuple[str, str], dict[str, Any]] = {}
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
            return self._create(group, document)
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
            return list(versions.values())
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

    def _create(self, group: str, document: dict[str, Any]) -> dict[str, Any]:
        if group.endswith("deployment"):
            endpoint = document["endpoint_name"]
            if (group.replace("deployment", "endpoint"), endpoint) not in self.endpoints:
                raise Refusal(f"endpoint {endpoint} is not there yet")
            self.deployments[endpoint, document["name"]] = {**document, "provisioning_state": "Succeeded"}
        elif group.endswith("endpoint"):
            if (group, document["name"]) in self.endpoints:
                raise Refusal(f"endpoint {document['name']} already exists")
            self.endpoints[group, document["name"]] = {
                **document,
                **{"provisioning_state": "Succeeded", "traffic": {}, "mirror_traffic": {}},
                "scoring_uri": "https://flights.invalid/score",
            }
        return {"name": document.get("name", "job")}

    def _online_deployment_update(self, flags: dict[str, str]) -> Any:
        return self._create("online-deployment", self._read("online-deployment", flags))

    def _online_endpoint_show(self, flags: dict[str, str]) -> Any:
        return self._endpoint("online-endpoint", flags)

    def _batch_endpoint_show(self, flags: dict[str, str]) -> Any:
        return self._endpoint("batch-endpoint", flags)

    def _endpoint(self, group: str, flags: dict[str, str]) -> dict[str, Any]:
        if (group, flags["--name"]) not in self.endpoints:
            raise Refusal("not found", NOT_FOUND)
        return self.endpoints[group, flags["--name"]]

    def _online_endpoint_update(self, flags: dict[str, str]) -> Any:
        endpoint = self._endpoint("online-endpoint", flags)
        for flag, key in (("--traffic", "traffic"), ("--mirror-traffic", "mirror_traffic")):
            if flag in flags:
                endpoint[key] = {name: int(share) for name, share in (one.split("=") for one in flags[flag].split())}
        change_tags(endpoint, flags)
        return endpoint

    def _online_endpoint_get_credentials(self, flags: dict[str, str]) -> Any:
        return {"primaryKey": "key"}

    def _online_endpoint_invoke(self, flags: dict[str, str]) -> Any:
        rows = json.loads(Path(flags["--request-file"]).read_text(encoding="utf-8"))["input_data"]["data"]
        return json.dumps({"predictions": [5.0] * len(rows)})

    def _online_deployment_list(self, flags: dict[str, str]) -> Any:
        return [one for (endpoint, _), one in self.deployments.items() if endpoint == flags["--endpoint-name"]]

    def _online_deployment_show(self, flags: dict[str, str]) -> Any:
        return self.deployments[flags["--endpoint-name"], flags["--name"]]

    def _batch_endpoint_invoke(self, flags: dict[str, str]) -> Any:
        self._endpoint("batch-endpoint", flags)
        return {"name": "batch"}

    def _job_show(self, flags: dict[str, str]) -> Any:
        return {"name": flags["--name"], "status": "Completed", "creation_context": CREATED}

    def _job_stream(self, flags: dict[str, str]) -> Any:
        return None

    def _job_cancel(self, flags: dict[str, str]) -> Any:
        return None

    def _job_list(self, flags: dict[str, str]) -> Any:
        if "--parent-job-name" not in flags:
            return []
        return [{"name": f"step-{name}", "display_name": name} for name in ("register", "prep", "reference")]

    def _job_download(self, flags: dict[str, str]) -> Any:
        name = flags["--output-name"]
        folder = Path(flags["--download-path"]) / "named-outputs" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(OUTPUTS.get(name)), encoding="utf-8")
        (folder / "predictions.csv").write_text("5.0\n", encoding="utf-8")

    def _workspace_show(self, flags: dict[str, str]) -> Any:
        return {"mlflow_tracking_uri": Path("mlruns").resolve().as_uri()}

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


def change_tags(entity: dict[str, Any], flags: dict[str, str]) -> None:
    """--set tags.a=b and --remove tags.a of an `update`."""
    tags = entity["tags"] = dict(entity.get("tags") or {})
    for pair in filter(None, flags.get("--set", "").split("\0")):
        name, _, value = pair.removeprefix("tags.").partition("=")
        tags[name] = value
    for name in filter(None, flags.get("--remove", "").split("\0")):
        del tags[name.removeprefix("tags.")]


def flags_of(line: list[str]) -> dict[str, str]:
    """Flag -> value; "" for a switch; several values of one flag are joined by NUL."""
    flags: dict[str, str] = {}
    flag = ""
    for part in line[3:]:
        if part.startswith("--"):
            flag = part
            flags.setdefault(flag, "")
        else:
            flags[flag] = f"{flags[flag]}\0{part}" if flags[flag] else part
    return flags


def references(document: Any) -> Iterator[str]:
    """Ids of assets in a spec."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key not in ("compute", "default_compute"):
                yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)
    elif isinstance(document, str) and document.startswith("azureml:"):
        yield document
