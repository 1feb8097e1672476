"""The pipeline job of one run of a monitor: a step for each pair of datasets, and one for the report."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import windows
from .catalog import Row
from .errors import Unsupported
from .monitor_components import component
from .monitor_defaults import warn_of_thresholds

if TYPE_CHECKING:
    from .workspace import Workspace

# Names in the steps' components.
SIGNALS, REPORT, RESULT = "monitor_signals", "monitor_report", "result"
MOST = 8  # folders of signals that a report takes
PREPARED = "preprocessed_input_data"  # the output of a pre_processing_component
# What the computation needs to know of a signal, by the names of the YAML.
LEAST = "minimum_rows"  # a property of the signal, since Azure's YAML has no key for it
OF_SIGNAL = ("type", "metric_thresholds", "features", "feature_type_override", "data_segment")


class MonitorJob:
    """Makes the document of the job.

    Args:
        schedule: the document of the schedule, as `monitors.prepare` has completed it.
        due: when the run is due; look-back windows end there.
        name: of the job.
    """

    def __init__(self, ws: "Workspace", schedule: Row, due: dt.datetime, name: str) -> None:
        self._ws, self._schedule, self._due, self._name = ws, schedule, due, name
        self._monitor: Row = schedule["create_monitor"]
        self._steps: dict[str, Row] = {}
        self._prepared: dict[str, str] = {}
        self._window: Row | None = None

    def document(self) -> Row:
        """The document of the job, as azure-ai-ml would give it."""
        folders = [f"${{{{parent.jobs.{step}.outputs.{RESULT}}}}}" for step in self._compute()]
        if len(folders) > MOST:
            raise Unsupported(
                f"create_monitor.monitoring_signals: they compare {len(folders)} pairs of datasets, and a report takes "
                f"{MOST}; make two monitors of them."
            )
        store = f"azureml://datastores/workspaceblobstore/paths/monitors/{self._schedule['name']}/"
        self._ws.resolve.path(store).mkdir(parents=True, exist_ok=True)
        self._steps["report"] = _step(
            component(REPORT),
            {
                **{f"signals_{number}": folder for number, folder in enumerate(folders, 1)},
                "history": {"type": "uri_folder", "path": store},
                "monitor": _json(self._facts()),
            },
            {"report": "${{parent.outputs.report}}"},
        )
        return {
            "type": "pipeline",
            "settings": {"force_rerun": True, "continue_on_step_failure": True},
            "outputs": {"report": {"type": "uri_folder", "path": f"{store}{self._name}"}},
            "jobs": self._steps,
        }

    def _compute(self) -> Iterator[str]:
        """The steps that compute signals; of one pair of datasets all signals share a step, so it is read once."""
        pairs: dict[str, list[tuple[str, Row]]] = {}
        for name, signal in self._monitor["monitoring_signals"].items():
            if signal["type"] == "custom":
                yield self._custom(name, signal)
            else:
                key = json.dumps([signal["production_data"], signal["reference_data"]], sort_keys=True)
                pairs.setdefault(key, []).append((name, signal))
        for group in pairs.values():
            yield self._signals(group)

    def _signals(self, group: list[tuple[str, Row]]) -> str:
        first = group[0][1]
        production = first["production_data"]
        sides = production if isinstance(production, list) else [production]
        inputs: dict[str, Any] = {}
        for input_, data in zip(("production_data", "model_outputs"), sides, strict=False):
            inputs[input_] = self._data(data, inputs, input_.partition("_")[0])
        inputs["reference_data"] = self._data(first["reference_data"], inputs, "reference")
        inputs.pop("model_window", None)  # that of the production data, to which the outputs are joined
        task = (self._monitor.get("monitoring_target") or {}).get("ml_task")
        columns = {
            "production_columns": _merged(side.get("data_column_names") for side in sides),
            "reference_columns": first["reference_data"].get("data_column_names") or {},
        }
        common = {"ml_task": task, **columns}
        inputs["signals"] = _json([{"name": name, **_asked(signal), **common} for name, signal in group])
        return self._add("signals", _step(_typed(component(SIGNALS), inputs), inputs))

    def _custom(self, name: str, signal: Row) -> str:
        """A component of the person's own, and a step that reads its table of metrics."""
        own = self._ws.assets.at("component", signal["component_id"])
        inputs: dict[str, Any] = dict(signal.get("inputs") or {})
        for input_, data in (signal.get("input_data") or {}).items():
            inputs[input_] = self._data(data, {}, "data")
        for threshold in signal["metric_thresholds"]:
            inputs[f"{threshold['metric_name']}_threshold"] = threshold["threshold"]
        variables = (signal.get("connection") or {}).get("environment_variables")
        step = self._add("custom", _step(own["id"], inputs, variables=variables))
        output = next(iter(own["outputs"]))
        table = f"${{{{parent.jobs.{step}.outputs.{output}}}}}"
        asked = [{"name": name, "type": "custom", "metric_thresholds": signal["metric_thresholds"]}]
        given = {"production_data": table, "reference_data": table, "signals": _json(asked)}
        return self._add("signals", _step(component(SIGNALS), given))

    def _data(self, data: Row, inputs: Row, side: str) -> Any:
        """An input: the asset, with its window in `inputs` as `<side>_window`, or what a component makes of it."""
        given, window = data["input_data"], data.get("data_window")
        if not window:
            return given
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in windows.bounds(window, self._due, "data_window"))
        if side == "production":
            self._window = self._window or {"start": start, "end": end}
        if not data.get("pre_processing_component"):
            if given["type"] == "uri_folder":
                inputs[f"{side}_window"] = f"{start}/{end}"
            return given
        key = json.dumps([data["pre_processing_component"], given, start, end], sort_keys=True)
        if key not in self._prepared:
            values = {"data_window_start": start, "data_window_end": end, "input_data": given}
            self._prepared[key] = self._add("prepare", _step(data["pre_processing_component"], values))
        return f"${{{{parent.jobs.{self._prepared[key]}.outputs.{PREPARED}}}}}"

    def _add(self, kind: str, step: Row) -> str:
        name = f"{kind}_{1 + sum(known.startswith(f'{kind}_') for known in self._steps)}"
        self._steps[name] = step
        return name

    def _facts(self) -> Row:
        """What the report says of the run beside its signals."""
        target, warnings = self._monitor.get("monitoring_target"), list[str]()
        for name, signal in self._monitor["monitoring_signals"].items():
            warn_of_thresholds(name, signal, warnings.append)
        endpoint, _, deployment = (
            str((target or {}).get("endpoint_deployment_id") or "").removeprefix("azureml:").partition(":")
        )
        return {
            "monitor": self._schedule["name"],
            "run": self._name,
            "due": self._due.isoformat(),
            "window": self._window,
            "target": {"endpoint": endpoint, "deployment": deployment, "ml_task": (target or {}).get("ml_task")}
            if endpoint
            else None,
            "alert_notification": self._monitor.get("alert_notification"),
            "signals": {
                name: {"type": signal["type"], "alert_enabled": bool(signal.get("alert_enabled"))}
                for name, signal in self._monitor["monitoring_signals"].items()
            },
            "warnings": warnings,
        }


def _asked(signal: Row) -> Row:
    asked = {key: signal[key] for key in OF_SIGNAL if signal.get(key) is not None}
    least = (signal.get("properties") or {}).get(LEAST)
    return {**asked, LEAST: int(least)} if least else asked


def _typed(own: Row, inputs: dict[str, Any]) -> Row:
    """A component whose declared data have the types of those that it is given: it reads any of them."""
    types = {name: {"type": value["type"]} for name, value in inputs.items() if isinstance(value, dict)}
    return {**own, "inputs": {name: {**found, **types.get(name, {})} for name, found in own["inputs"].items()}}


def _step(own: Row | str, inputs: dict[str, Any], outputs: Row | None = None, variables: Row | None = None) -> Row:
    """A node of the pipeline."""
    step = {"type": "command", "component": own, "inputs": inputs, "outputs": outputs or {}}
    return {**step, "environment_variables": variables} if variables else step


def _json(value: Any) -> str:
    """JSON that can stand between single quotes in a command of a shell, and has no expression of a job in it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("'", "\\u0027").replace("${{", "\\u0024{{").replace("$[[", "\\u0024[[")


def _merged(columns: Iterator[Row | None]) -> Row:
    return {key: value for found in columns for key, value in (found or {}).items()}
