"""Monitors: the `create_monitor` of a schedule, checked and completed when the schedule is made."""

import copy
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings
from .catalog import Row
from .errors import Unsupported, WorkspaceError
from .monitor_data import OUTPUTS, MonitorData, prefixed
from .monitor_defaults import SIGNALS, THRESHOLDS, warn_of_thresholds, window_days
from .monitor_jobs import LEAST, MonitorJob
from .plan import Plan
from .resolve import ASSET_ID, asset_reference
from .trigger import Warn
from .workspace import NAME

if TYPE_CHECKING:
    from .workspace import Workspace

RUNTIMES = ("3.4", "3.5")
TYPES = (*THRESHOLDS, "custom")


def job(ws: "Workspace", schedule: Row, due: dt.datetime, name: str) -> tuple[Row, Plan]:
    """(document, plan) of the pipeline job of one run.

    Args:
        schedule: its document.
        due: when it is due; look-back windows end there.
        name: of the job.

    Raises:
        WorkspaceError: the data or components that it names are gone.
    """
    doc = MonitorJob(ws, schedule, due, name).document()
    return doc, ws.jobs.plan({**doc, "name": name}, ws.path)


def prepare(ws: "Workspace", schedule: dict[str, Any], source: Path, warn: Warn) -> Row:
    """The `create_monitor` of a schedule with its defaults, data by exact versions and local data uploaded.

    Args:
        schedule: the schedule's document.
        source: folder of its spec; relative local paths start there.
        warn: told what Azure does otherwise.

    Raises:
        NotFound: the deployment, or a data asset or component that it names.
        Unsupported: a signal that needs a language model.
        WorkspaceError: a field that is wrong or missing.
    """
    with bindings.below("create_monitor."):
        return _Preparation(ws, schedule, source, warn).monitor()


class _Preparation:
    def __init__(self, ws: "Workspace", schedule: dict[str, Any], source: Path, warn: Warn) -> None:
        self._ws, self._warn = ws, warn
        self._monitor = copy.deepcopy(schedule["create_monitor"])
        self._data = MonitorData(ws, source, window_days(schedule.get("trigger") or {}), warn)

    def monitor(self) -> Row:
        monitor = self._monitor
        runtime = str((monitor.get("compute") or {}).get("runtime_version"))
        if runtime not in RUNTIMES:
            raise WorkspaceError(f"compute.runtime_version: '{runtime}' is not one of {', '.join(RUNTIMES)}.")
        if target := monitor.get("monitoring_target"):
            self._target(target)
        if not monitor.get("monitoring_signals"):
            monitor["monitoring_signals"] = self._signals(target or {})
        for name, signal in monitor["monitoring_signals"].items():
            if not NAME.match(name):  # there will be a file of this name
                raise WorkspaceError(f"monitoring_signals.{name}: letters, digits, '-', '_' and '.' make its name.")
            with bindings.below(f"monitoring_signals.{name}."):
                self._signal(signal)
            warn_of_thresholds(name, signal, self._warn)
            if signal["type"] in THRESHOLDS:
                signal["metric_thresholds"] = signal.get("metric_thresholds") or THRESHOLDS[signal["type"]]
        return dict(monitor)

    def _target(self, target: Row) -> None:
        given = target.get("endpoint_deployment_id")
        if not given:
            if target.get("model_id"):
                with bindings.in_field("monitoring_target.model_id"):
                    self._ws.models.get(*asset_reference(str(target["model_id"])))
            return
        endpoint, deployment = deployment_of(str(given))
        with bindings.in_field("monitoring_target.endpoint_deployment_id"):
            plan = self._ws.online.row(endpoint, deployment)["plan"]["wanted"]
        collections = (plan.get("collector") or {}).get("collections") or {}
        self._data.collected = {name: found["asset"] for name, found in collections.items()}
        target["endpoint_deployment_id"] = f"azureml:{endpoint}:{deployment}"

    def _signals(self, target: Row) -> dict[str, Row]:
        if str(target.get("ml_task") or "").replace("_", "").lower() == "questionanswering":
            raise Unsupported("monitoring_target.ml_task: question_answering is watched by a language model.")
        if not {"model_inputs", OUTPUTS} <= self._data.collected.keys():
            raise WorkspaceError(
                "monitoring_signals: are missing. Without them, monitoring_target.endpoint_deployment_id has to name a "
                "deployment whose data_collector has the collections model_inputs and model_outputs enabled."
            )
        return copy.deepcopy(SIGNALS)

    def _signal(self, signal: Row) -> None:
        kind = str(signal.get("type"))
        if kind.startswith("generation_"):
            raise Unsupported(f"type: {kind} needs a language model, which the local workspace has not.")
        if kind not in TYPES:
            raise WorkspaceError(f"type: '{kind}' is not one of {', '.join(TYPES)}.")
        if kind == "custom":
            self._custom(signal)
            return
        least = str((signal.get("properties") or {}).get(LEAST) or 1)
        if not least.isdecimal() or int(least) < 1:
            raise WorkspaceError(f"properties.{LEAST}: '{least}' is not a number of rows from 1 on.")
        production = signal.get("production_data") or self._data.default_production(kind)
        signal["production_data"] = production
        for number, data in enumerate(production if isinstance(production, list) else [production]):
            place = f"production_data[{number}]" if isinstance(production, list) else "production_data"
            self._data.production(data, place)
        reference = signal.get("reference_data") or self._data.default_reference(kind)
        signal["reference_data"] = reference
        self._data.reference(reference, "reference_data")

    def _custom(self, signal: Row) -> None:
        component = str(signal.get("component_id") or "")
        with bindings.in_field("component_id"):
            signal["component_id"] = self._ws.assets.at("component", prefixed(component))["id"]
        if (signal.get("connection") or {}).get("secret_config"):
            raise Unsupported("connection.secret_config: the local workspace has no key vault; use inputs.")
        for name, data in (signal.get("input_data") or {}).items():
            self._data.reference(data, f"input_data.{name}")
            if data.get("data_window") and not data.get("pre_processing_component"):
                raise Unsupported(
                    f"input_data.{name}.data_window: a window of a custom signal needs a pre_processing_component."
                )
        signal["inputs"] = {
            name: self._data.input(value, f"inputs.{name}") for name, value in (signal.get("inputs") or {}).items()
        }
        if not signal.get("metric_thresholds"):
            raise WorkspaceError("metric_thresholds: is missing: a list of metric_name and threshold.")


def deployment_of(text: str) -> tuple[str, str]:
    """(endpoint, deployment) of `azureml:ENDPOINT:DEPLOYMENT` or of an id.

    Raises:
        WorkspaceError: it is neither.
    """
    plain = text.removeprefix("azureml:")
    parts = plain.split("/")
    if "onlineEndpoints" in parts and "deployments" in parts:
        return parts[parts.index("onlineEndpoints") + 1], parts[parts.index("deployments") + 1]
    endpoint, sign, deployment = plain.partition(":")
    if not sign or not endpoint or not deployment or ":" in deployment or ASSET_ID.match(text):
        raise WorkspaceError(f"monitoring_target.endpoint_deployment_id: '{text}' is not azureml:ENDPOINT:DEPLOYMENT.")
    return endpoint, deployment
