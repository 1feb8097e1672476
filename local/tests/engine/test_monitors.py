"""Monitors: what a schedule's create_monitor becomes, and the pipeline job of a run. The components are stand-ins."""

import copy
import datetime as dt
import json
from pathlib import Path

import pytest
from job_documents import command, ended
from ml_workspace import NotFound, WorkspaceError, monitor_components, monitors, online_plan
from ml_workspace.errors import Unsupported
from ml_workspace.monitor_jobs import MonitorJob
from ml_workspace.scheduler_control import OFF
from ml_workspace.schedules import Schedules

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 3, 10, 3, 15, tzinfo=dt.UTC)
STAND_INS = Path(__file__).with_name("monitor")
JENSEN = {"numerical": {"jensen_shannon_distance": 0.01}, "categorical": {"jensen_shannon_distance": 0.02}}
COLLECTED = {name: {"rate": 1.0, "asset": {
    "name": f"flights-blue-{name}", "version": "1",
    "path": f"azureml://datastores/workspaceblobstore/paths/modelDataCollector/flights/blue/{name}"}}
    for name in ("model_inputs", "model_outputs")}  # fmt: skip
MODEL = "azureml://datastores/workspaceblobstore/paths/training/"


@pytest.fixture(scope="module")
def target(ws):
    """The workspace with a deployment that collects, training data, and two components of the person's own."""
    ws.online.insert({"name": "flights"})
    for name, collections in (("blue", COLLECTED), ("green", None)):
        plan = {"collector": {"collections": collections} if collections else None}
        ws.online.insert_deployment("flights", name, {}, {"wanted": plan, "live": plan})
        online_plan.register_collected(ws, plan)
    ws.resolve.path(MODEL).mkdir(parents=True)
    ws.assets.create("data", {"name": "training", "version": "3", "type": "mltable", "path": MODEL})
    prepare = command("touch ${{outputs.preprocessed_input_data}}/${{inputs.data_window_start}}",
                      {"data_window_start": {"type": "string"}, "data_window_end": {"type": "string"},
                       "input_data": {"type": "uri_folder"}},
                      {"preprocessed_input_data": {"type": "mltable"}})  # fmt: skip
    own = command("echo ${{inputs.rows}} ${{inputs.late_threshold}} > ${{outputs.signal_metrics}}/metrics.csv",
                  {"rows": {"type": "uri_folder"}, "late_threshold": {"type": "number"}},
                  {"signal_metrics": {"type": "mltable"}})  # fmt: skip
    broken = {**own, "command": "exit 3"}
    for name, component in (("prepare", prepare), ("late", own), ("broken", broken)):
        ws.assets.create("component", {"name": name, "version": "1", **component})
    yield ws
    # Nothing serves it: it has no place in the workspace of the tests that follow, where something does.
    for table, column in (("deployments", "endpoint"), ("endpoints", "name")):
        ws.catalog.rows(f"DELETE FROM {table} WHERE kind = 'online' AND {column} = 'flights'")


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch):
    monkeypatch.setattr(monitor_components, "PLACES", ((STAND_INS, STAND_INS),))
    monkeypatch.setenv(OFF, "off")
    monitor_components._spec.cache_clear()
    yield
    monitor_components._spec.cache_clear()


def monitor(signals=None, deployment="azureml:flights:blue", **fields):
    return {
        "name": "watch",
        "trigger": {"type": "recurrence", "frequency": "day", "interval": 2},
        "create_monitor": {
            "compute": {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"},
            "monitoring_target": {"ml_task": "regression", "endpoint_deployment_id": deployment},
            **({"monitoring_signals": copy.deepcopy(signals)} if signals else {}),
            **fields,
        },
    }


def data(path="azureml:training:3", kind="mltable", **fields):
    return {"input_data": {"type": kind, "path": path}, **fields}


def drift(**fields):
    return {"type": "data_drift", "metric_thresholds": JENSEN, "reference_data": data(), **fields}


def prepared(ws, doc, tmp_path):
    """(create_monitor as it is kept, warnings)."""
    told: list[str] = []
    return monitors.prepare(ws, doc, tmp_path, told.append), told


def steps(ws, doc, tmp_path):
    """Step -> its inputs, signals parsed, of a run that is due at NOW; every reference of the job is checked."""
    kept = {**doc, "create_monitor": prepared(ws, doc, tmp_path)[0]}
    job, plan = monitors.job(ws, kept, NOW, "watch-1")
    assert list(plan.jobs) == list(job["jobs"])
    found = {name: dict(step["inputs"]) for name, step in job["jobs"].items()}
    for inputs in found.values():
        for key in ("signals", "monitor"):
            if key in inputs:
                inputs[key] = json.loads(inputs[key])
    return found


def test_monitor_without_signals_watches_what_the_deployment_collects(target, tmp_path):
    kept, told = prepared(target, monitor(), tmp_path)
    assert list(kept["monitoring_signals"]) == ["data-drift-signal", "prediction-drift-signal", "data-quality-signal"]
    assert told == []
    found = steps(target, monitor(), tmp_path)
    assert list(found) == ["signals_1", "signals_2", "report"]
    inputs, outputs, report = found.values()
    assert inputs["production_data"] == {"type": "uri_folder", "path": "azureml:flights-blue-model_inputs:1"}
    # Every two days: two days of production data, and the four before them.
    assert inputs["production_window"] == "2026-03-08T03:15:00Z/2026-03-10T03:15:00Z"
    assert inputs["reference_window"] == "2026-03-04T03:15:00Z/2026-03-08T03:15:00Z"
    assert [signal["name"] for signal in inputs["signals"]] == ["data-drift-signal", "data-quality-signal"]
    assert inputs["signals"][0]["metric_thresholds"] == {
        "numerical": {"normalized_wasserstein_distance": 0.1}, "categorical": {"jensen_shannon_distance": 0.1}
    }  # fmt: skip
    assert outputs["production_data"]["path"] == "azureml:flights-blue-model_outputs:1"
    assert report["signals_2"] == "${{parent.jobs.signals_2.outputs.result}}"
    assert report["monitor"]["target"] == {"endpoint": "flights", "deployment": "blue", "ml_task": "regression"}


@pytest.mark.parametrize(
    ("trigger", "size"),
    [
        ({"type": "cron", "expression": "0 3 * * *"}, "P7D"),
        ({"type": "recurrence", "frequency": "minute", "interval": 5}, "P1D"),
        ({"type": "recurrence", "frequency": "hour", "interval": 12}, "P1D"),
        ({"type": "recurrence", "frequency": "day", "interval": 3}, "P3D"),
        ({"type": "recurrence", "frequency": "week", "interval": 2}, "P14D"),
        ({"type": "recurrence", "frequency": "month", "interval": 1}, "P30D"),
    ],
)
def test_window_of_production_data_comes_from_the_trigger(target, tmp_path, trigger, size):
    kept, _ = prepared(target, {**monitor({"d": drift()}), "trigger": trigger}, tmp_path)
    window = kept["monitoring_signals"]["d"]["production_data"]["data_window"]
    assert window == {"lookback_window_size": size, "lookback_window_offset": "P0D"}


def test_reference_data_without_window_are_all_of_the_asset(target, tmp_path):
    inputs = steps(target, monitor({"d": drift(features=["a", "b"])}), tmp_path)["signals_1"]
    assert inputs["reference_data"] == {"type": "mltable", "path": "azureml:training:3"}
    assert "reference_window" not in inputs
    assert inputs["signals"][0] == {
        "name": "d", "type": "data_drift", "metric_thresholds": JENSEN, "features": ["a", "b"], "ml_task": "regression",
        "production_columns": {}, "reference_columns": {},
    }  # fmt: skip


def test_least_number_of_rows_is_a_property_of_the_signal(target, tmp_path):
    found = steps(target, monitor({"d": drift(properties={"minimum_rows": "500", "owner": "us"})}), tmp_path)
    assert found["signals_1"]["signals"][0]["minimum_rows"] == 500


def test_fixed_days_and_offsets_are_the_window(target, tmp_path):
    production = data("azureml:flights-blue-model_inputs:1", "uri_folder",
                      data_window={"lookback_window_size": "PT12H", "lookback_window_offset": "P1D"})  # fmt: skip
    reference = data("azureml:flights-blue-model_inputs@latest", "uri_folder",
                     data_window={"window_start": "2026-01-01", "window_end": "2026-02-01"})  # fmt: skip
    inputs = steps(target, monitor({"d": drift(production_data=production, reference_data=reference)}), tmp_path)[
        "signals_1"
    ]
    assert inputs["production_window"] == "2026-03-08T15:15:00Z/2026-03-09T03:15:00Z"
    assert inputs["reference_window"] == "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
    assert inputs["reference_data"]["path"] == "azureml:flights-blue-model_inputs:1"  # the version of today


def test_component_prepares_the_data_of_a_window_once_for_all_signals(target, tmp_path):
    production = data("azureml:flights-blue-model_inputs:1", "uri_folder", pre_processing_component="azureml:prepare:1")
    quality = {"type": "data_quality", "production_data": production, "reference_data": data(),
               "metric_thresholds": {"numerical": {"null_value_rate": 0.01}}}  # fmt: skip
    signals = {"d": drift(production_data=production), "q": quality}
    found = steps(target, monitor(signals), tmp_path)
    assert list(found) == ["prepare_1", "signals_1", "report"]
    assert found["prepare_1"]["data_window_start"] == "2026-03-08T03:15:00Z"
    assert found["signals_1"]["production_data"] == "${{parent.jobs.prepare_1.outputs.preprocessed_input_data}}"
    assert "production_window" not in found["signals_1"]
    assert len(found["signals_1"]["signals"]) == 2


def test_attribution_reads_inputs_and_outputs_and_performance_the_ground_truth(target, tmp_path):
    signals = {
        "fad": {"type": "feature_attribution_drift",
                "reference_data": data(data_column_names={"target_column": "late"})},
        "perf": {"type": "model_performance", "metric_thresholds": {"regression": {"mae": 10}},
                 "production_data": data("azureml:flights-blue-model_outputs:1", "uri_folder", data_column_names={
                     "prediction": "minutes", "correlation_id": "correlationid"}),
                 "reference_data": data(data_column_names={"target": "arr_delay", "correlation_id": "id"})},
    }  # fmt: skip
    found = steps(target, monitor(signals), tmp_path)
    attribution, performance = found["signals_1"], found["signals_2"]
    assert attribution["production_data"]["path"].endswith("model_inputs:1")
    assert attribution["model_outputs"]["path"].endswith("model_outputs:1")
    assert attribution["signals"][0]["reference_columns"] == {"target_column": "late"}
    assert attribution["signals"][0]["metric_thresholds"] == {"normalized_discounted_cumulative_gain": 0.9}
    assert performance["signals"][0]["production_columns"]["prediction"] == "minutes"
    assert performance["signals"][0]["reference_columns"]["target"] == "arr_delay"


def test_custom_signal_is_a_step_of_its_own_and_one_that_reads_its_table(target, tmp_path):
    signal = {"type": "custom", "component_id": "azureml:late:1", "inputs": {"rows": data()["input_data"]},
              "metric_thresholds": [{"metric_name": "late", "threshold": 0.5}]}  # fmt: skip
    found = steps(target, monitor({"own": signal}), tmp_path)
    assert found["custom_1"] == {"rows": {"type": "mltable", "path": "azureml:training:3"}, "late_threshold": 0.5}
    assert found["signals_1"]["production_data"] == "${{parent.jobs.custom_1.outputs.signal_metrics}}"
    assert found["signals_1"]["signals"] == [
        {"name": "own", "type": "custom", "metric_thresholds": signal["metric_thresholds"]}
    ]


def test_local_data_are_uploaded_when_the_monitor_is_made(target, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.csv").write_text("x\n1\n")
    kept, _ = prepared(target, monitor({"d": drift(reference_data=data("rows", "uri_folder"))}), tmp_path)
    path = kept["monitoring_signals"]["d"]["reference_data"]["input_data"]["path"]
    assert (target.resolve.path(path) / "a.csv").read_text() == "x\n1\n"


def test_warnings_say_what_azure_does_otherwise(target, tmp_path):
    many = {"numerical": {"jensen_shannon_distance": 0.1, "population_stability_index": 0.2},
            "categorical": {"pearsons_chi_squared_test": 0}}  # fmt: skip
    fixed = data(pre_processing_component="azureml:prepare:1")
    table = data()
    signals = {"a": drift(metric_thresholds=many, reference_data=fixed), "b": drift(production_data=table),
               "c": {"type": "data_drift", "reference_data": data()}}  # fmt: skip
    kept, told = prepared(target, monitor(signals), tmp_path)
    text = "\n".join(told)
    assert "sends jensen_shannon_distance alone; watched here, too: population_stability_index" in text
    assert "categorical.pearsons_chi_squared_test: Azure's client takes a threshold of 0 for none" in text
    assert "pre_processing_component: Azure's client drops it" in text
    assert "every run sees all of it" in text
    assert "signals.c.metric_thresholds: Azure's service chooses" in text
    assert len(told) == 5
    assert "pre_processing_component" not in kept["monitoring_signals"]["a"]["reference_data"]


@pytest.mark.parametrize(
    ("doc", "error", "message"),
    [
        (monitor(deployment="azureml:flights:red"), NotFound, "red"),
        (monitor(deployment="flights"), WorkspaceError, "not azureml:ENDPOINT:DEPLOYMENT"),
        (monitor(deployment="azureml:flights:green"), WorkspaceError, "monitoring_signals: are missing"),
        (monitor({"d": {"type": "prediction_drift", "reference_data": data()}}, "azureml:flights:green"),
         WorkspaceError, r"signals\.d\.production_data: is missing.*model_outputs"),
        (monitor({"d": {"type": "model_performance", "reference_data": data()}}), WorkspaceError, "production_data"),
        (monitor({"d": {"type": "feature_attribution_drift"}}), WorkspaceError, "reference_data: is missing"),
        (monitor({"d": drift(properties={"minimum_rows": "few"})}), WorkspaceError, "properties.minimum_rows: 'few'"),
        (monitor({"../d": drift()}), WorkspaceError, "make its name"),
        (monitor({"g": {"type": "generation_safety_quality"}}), Unsupported, "generation_safety_quality"),
        (monitor(compute={"runtime_version": "3.3"}), WorkspaceError, r"compute\.runtime_version: '3\.3'"),
        (monitor({"d": drift(reference_data=data("azureml:training:9"))}), NotFound, "reference_data.*training:9"),
        (monitor({"d": drift(reference_data=data("nowhere", "uri_folder"))}), WorkspaceError, "does not exist"),
        (monitor({"d": drift(production_data=data(data_window={"window_start": "2026-01-01"}))}), WorkspaceError,
         "lookback_window_size and lookback_window_offset only"),
        (monitor({"d": drift(production_data=data(data_window={"lookback_window_size": "P1M"}))}), WorkspaceError,
         "'P1M' is not a duration"),
        (monitor({"d": drift(reference_data=data(data_window={"window_start": "x", "window_end": "y"}))}),
         WorkspaceError, "'x' is not a day"),
        (monitor({"d": drift(production_data=data(pre_processing_component="azureml:absent:1"))}), NotFound, "absent"),
        (monitor({"c": {"type": "custom", "component_id": "azureml:late:1"}}), WorkspaceError, "metric_thresholds"),
        (monitor({"c": {"type": "custom", "component_id": "azureml:late:1",
                        "connection": {"secret_config": {"a": "b"}}}}), Unsupported, "secret_config"),
        (monitor({"c": {"type": "custom", "component_id": "azureml:late:1",
                        "input_data": {"rows": data(data_window={"lookback_window_size": "P1D"})}}}), Unsupported,
         r"input_data\.rows\.data_window"),
    ],
)  # fmt: skip
def test_wrong_monitor_is_refused_by_field(target, tmp_path, doc, error, message):
    with pytest.raises(error, match=rf"(?s)^create_monitor\..*{message}"):
        prepared(target, doc, tmp_path)


def test_more_pairs_of_datasets_than_a_report_takes_are_refused(target, tmp_path):
    windows = [{"lookback_window_size": f"P{days}D"} for days in range(1, 10)]
    inputs = "azureml:flights-blue-model_inputs:1"
    signals = {f"d{n}": drift(production_data=data(inputs, "uri_folder", data_window=window))
               for n, window in enumerate(windows)}  # fmt: skip
    with pytest.raises(Unsupported, match="9 pairs of datasets"):
        Schedules(target, lambda: NOW).create(monitor(signals), tmp_path)


def test_json_of_a_signal_holds_nothing_that_a_shell_or_a_job_takes_apart(target, tmp_path):
    features = ["it's", "${{inputs.x}}", "$(touch x)", "é", '"']
    doc = monitor({"d": drift(features=features)})
    kept = {**doc, "create_monitor": prepared(target, doc, tmp_path)[0]}
    job = MonitorJob(target, kept, NOW, "watch-1").document()
    text = job["jobs"]["signals_1"]["inputs"]["signals"]
    assert "'" not in text
    assert "${{" not in text
    assert json.loads(text)[0]["features"] == features


def test_triggered_monitor_runs_its_steps_and_sees_earlier_reports(target, tmp_path):
    clock = [NOW]
    schedules = Schedules(target, lambda: clock[0])
    signals = {"d": drift(features=["it's"], alert_enabled=True), "p": {"type": "prediction_drift"}}
    schedules.create(monitor(signals, alert_notification={"emails": ["a@b.c"]}), tmp_path)
    seen = []
    for minute in (15, 16):
        clock[0] = NOW.replace(minute=minute)
        triggered = schedules.trigger("watch")
        job = ended(target, triggered["job_name"])
        assert triggered["schedule_action_type"] == "CreateMonitor"
        assert job["status"] == "Completed", job
        seen.append(json.loads((target.resolve.job_output(job["name"], "report") / "results.json").read_text()))
    assert [results["earlier"] for results in seen] == [[], ["watch-20260310T031500Z"]]
    assert seen[0]["signals"]["d"]["signal"]["features"] == ["it's"]
    production, reference, *window = seen[0]["signals"]["d"]["arguments"]
    assert production.endswith("modelDataCollector/flights/blue/model_inputs")
    assert reference.endswith("training")
    assert window == ["--window", "2026-03-08T03:15:00Z/2026-03-10T03:15:00Z"]
    assert seen[0]["monitor"]["signals"] == {
        "d": {"type": "data_drift", "alert_enabled": True}, "p": {"type": "prediction_drift", "alert_enabled": False}
    }  # fmt: skip
    assert seen[0]["monitor"]["alert_notification"] == {"emails": ["a@b.c"]}


def test_signals_that_crash_leave_the_others_their_report(target, tmp_path):
    custom = {"type": "custom", "component_id": "azureml:broken:1", "inputs": {"rows": data()["input_data"]},
              "metric_thresholds": [{"metric_name": "late", "threshold": 0.5}]}  # fmt: skip
    signals = {"d": drift(features=["crash"]), "own": custom, "p": {"type": "prediction_drift"}}
    schedules = Schedules(target, lambda: NOW.replace(hour=4))
    schedules.create({**monitor(signals), "name": "crashing"}, tmp_path)
    job = ended(target, schedules.trigger("crashing")["job_name"])
    assert job["status"] == "Failed"
    assert "signals_2: " in job["error"]["message"]
    results = json.loads((target.resolve.job_output(job["name"], "report") / "results.json").read_text())
    assert list(results["signals"]) == ["p"]
    assert list(results["monitor"]["signals"]) == ["d", "own", "p"], "so that the report can tell which are missing"


def test_missing_components_are_told_when_the_monitor_is_made(target, tmp_path, monkeypatch):
    monkeypatch.setattr(monitor_components, "PLACES", ())
    monitor_components._spec.cache_clear()
    with pytest.raises(WorkspaceError, match=r"monitor_signals.*is not installed.*make setup"):
        Schedules(target, lambda: NOW).create(monitor(), tmp_path)
