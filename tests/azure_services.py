"""Endpoints, deployments and jobs of the stand-in of Azure, and what specs and lines say."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOT_FOUND = 3
IN = "workspace"  # key of the workspace that something is in
CREATED = {"created_at": "2026-11-25T03:00:00+00:00"}
REPORT = {"files": [{"file": "2014-01-01/flights.csv", "status": "accepted", "rows": 99999}]}
LINEAGE = {"model_uuid": "cafe", "commit": "c0ffee", "gate": "better", "data.flights": "4", "data.weather": "4"}
JUDGED = {"model_uuid": LINEAGE["model_uuid"], "metrics": {"rmse": 20.0}}
OUTPUTS = {  # of jobs: file -> what is in it
    "decision/decision.json": {"promote": True, "reason": "better", "candidate": JUDGED},
    "registered/result.json": {"version": "3", "reason": "better"},
    "report/report.json": REPORT,
    "score/predictions.csv": 5.0,
}


class Refusal(Exception):
    """Azure says no; `code` is the exit code of az."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class Services(ABC):
    """Endpoints and jobs; the answer to `az ml group verb` is in a method of that name."""

    def __init__(self) -> None:
        self.endpoints: dict[tuple[str, str], dict[str, Any]] = {}
        self.deployments: dict[tuple[str, str], dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}

    @abstractmethod
    def _read(self, group: str, flags: dict[str, str]) -> dict[str, Any]:
        """What the --file of a line says."""

    def _create(self, group: str, document: dict[str, Any], workspace: str) -> dict[str, Any]:
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
                **{IN: workspace},
                "scoring_uri": "https://flights.invalid/score",
            }
        elif group == "schedule":
            self.schedules[document["name"]] = {**document, IN: workspace}
        return {"name": document.get("name", "job")}

    def _online_endpoint_list(self, flags: dict[str, str]) -> Any:
        return [one for (group, _), one in self.endpoints.items() if group == "online-endpoint" and is_in(one, flags)]

    def _batch_endpoint_list(self, flags: dict[str, str]) -> Any:
        return [one for (group, _), one in self.endpoints.items() if group == "batch-endpoint" and is_in(one, flags)]

    def _schedule_list(self, flags: dict[str, str]) -> Any:
        return [one for one in self.schedules.values() if is_in(one, flags)]

    def _schedule_disable(self, flags: dict[str, str]) -> Any:
        return self.schedules[flags["--name"]]

    def _schedule_delete(self, flags: dict[str, str]) -> Any:
        del self.schedules[flags["--name"]]

    def _batch_deployment_list(self, flags: dict[str, str]) -> Any:
        return self._online_deployment_list(flags)

    def _online_deployment_update(self, flags: dict[str, str]) -> Any:
        document = self._read("online-deployment", flags)
        return self._create("online-deployment", document, flags["--workspace-name"])

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
        for file, content in OUTPUTS.items():
            if file.startswith(f"{flags['--output-name']}/"):
                path = Path(flags["--download-path"]) / "named-outputs" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(content), encoding="utf-8")


def is_in(entity: dict[str, Any], flags: dict[str, str]) -> bool:
    return bool(entity[IN] == flags["--workspace-name"])


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
