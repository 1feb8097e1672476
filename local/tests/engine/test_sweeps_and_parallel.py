"""Sweeps and parallel jobs as steps of pipelines, with the real runner."""

import time

import pytest
from job_documents import children, command, log_of, node
from ml_workspace import Unsupported, WorkspaceError

pytestmark = pytest.mark.slow
FOLDER = {"o": {"type": "uri_folder"}}
# A trial logs its metric over MLflow's REST, so that the environment needs no package.
REPORT = """python - <<'E'
import json, os, time, urllib.request
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "score", "value": float("${{inputs.x}}"),
        "timestamp": int(time.time() * 1000), "step": 0}
urllib.request.urlopen(urllib.request.Request(
    os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric", json.dumps(body).encode(),
    {"Content-Type": "application/json"}))
E
"""


def sweep(text, **fields):
    trial = command(
        f"{text}\n{REPORT}echo ${{{{inputs.x}}}} $AZUREML_SWEEP_x > ${{{{outputs.o}}}}/f",
        {"x": {"type": "number"}}, FOLDER, resources={"instance_count": 1, "shm_size": "2g"},
    )  # fmt: skip
    return {
        "type": "sweep",
        "trial": trial,
        "search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}},
        "sampling_algorithm": {"type": "random", "seed": 1},
        "objective": {"goal": "maximize", "primary_metric": "score"},
        "limits": {"max_total_trials": 3, "max_concurrent_trials": 2},
        **fields,
    }


def test_the_best_trials_output_is_the_pipelines(ws, submit):
    step = sweep("true", sampling_algorithm={"type": "random", "rule": "sobol", "seed": 5})
    doc = {
        "type": "pipeline",
        "outputs": {"best": {"type": "uri_folder"}},
        "jobs": {"tune": {**step, "outputs": {"o": "${{parent.outputs.best}}"}}},
    }
    job = submit(doc)
    assert job["status"] == "Completed", log_of(ws, job["name"])
    tune = children(ws, job["name"])["tune"]
    trials = ws.jobs.list(parent=tune["name"], max_results=None)
    value, variable = (ws.resolve.path(f"azureml://jobs/{job['name']}/outputs/best") / "f").read_text().split()
    assert value == variable == max((trial["inputs"]["x"] for trial in trials), key=float)
    assert tune["properties"]["score"] == repr(float(value))


def test_twenty_trials_overlap(ws, submit):
    limits = {"max_total_trials": 20, "max_concurrent_trials": 2}
    started = time.monotonic()
    job = submit({"type": "pipeline", "jobs": {"tune": sweep("sleep 0.5", limits=limits)}})
    taken = time.monotonic() - started
    assert job["status"] == "Completed", log_of(ws, job["name"])
    tune = children(ws, job["name"])["tune"]
    trials = ws.jobs.list(parent=tune["name"], max_results=None)
    assert len(trials) == 20
    assert taken < 0.75 * sum(float(trial["properties"]["azureml.duration"]) for trial in trials)


def test_a_trial_that_takes_too_long_is_ended_and_the_others_count(ws, submit):
    slow_above_half = 'python -c "import time; time.sleep(30 if ${{inputs.x}} > 0.5 else 0)"'
    job = submit(sweep(slow_above_half, limits={"max_total_trials": 3, "trial_timeout": 2},
                       outputs={"o": {"type": "uri_folder"}}))  # fmt: skip
    assert job["status"] == "Completed", log_of(ws, job["name"])
    states = {trial["inputs"]["x"]: trial["status"] for trial in ws.jobs.list(parent=job["name"])}
    assert {float(x) > 0.5: status for x, status in states.items()} == {True: "Failed", False: "Completed"}
    assert float(job["properties"]["score"]) <= 0.5


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"search_space": {"x": {"type": "choice", "values": [{"a": 1}]}}}, Unsupported, "conditional hyperparameters"),
        ({"search_space": {"x": {"type": "gamma"}}}, WorkspaceError, r"search_space\.x: type 'gamma'"),
        (
            {"sampling_algorithm": "bayesian", "early_termination": {"type": "bandit", "slack_amount": 1}},
            WorkspaceError,
            "early_termination can't be combined with bayesian",
        ),
        ({"limits": {"max_total_trials": 0}}, WorkspaceError, r"limits\.max_total_trials must be from 1"),
        ({"resources": {"instance_count": 2}}, Unsupported, r"resources\.instance_count: 2 nodes"),
    ],
)
def test_a_sweep_that_can_not_run_is_refused_with_its_place(ws, submit, changes, error, message):
    with pytest.raises(error, match=rf"^jobs\.tune\..*{message}"):
        submit({"type": "pipeline", "jobs": {"tune": sweep("true", **changes)}})


ENTRY = """
import argparse, os, pathlib
def init():
    global place
    place = argparse.ArgumentParser().parse_known_args()[0]
def run(mini_batch):
    if any("bad" in path for path in mini_batch):
        raise ValueError("a bad file")
    mark = pathlib.Path(os.environ["MARK"])
    if not mark.exists():  # the first attempt fails
        mark.touch()
        raise OSError("try again")
    return [f"{os.path.basename(path)} {len(mini_batch)}" for path in mini_batch]
"""


@pytest.fixture
def parallel(tmp_path):
    """Makes a parallel step over the files of tmp_path/data."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "entry.py").write_text(ENTRY)
    (tmp_path / "data").mkdir()
    for number in range(5):
        (tmp_path / "data" / f"{number}.txt").write_text("x")

    def make(**changes):
        component = {
            "type": "parallel",
            "inputs": {"data": {"type": "uri_folder"}},
            "outputs": {"rows": {"type": "uri_file"}},
            "input_data": "${{inputs.data}}",
            "mini_batch_size": "2",
            "max_concurrency_per_instance": 1,
            "resources": {"instance_count": 1},
            "retry_settings": {"max_retries": 1, "timeout": 10},
            "environment_variables": {"MARK": str(tmp_path / "mark")},
            "task": {
                "type": "run_function", "code": str(tmp_path / "code"), "entry_script": "entry.py",
                "append_row_to": "${{outputs.rows}}", "environment": "azureml:plain:1",
            },
            **changes,
        }  # fmt: skip
        data = {"type": "uri_folder", "path": "data"}
        return {"type": "pipeline", "jobs": {"count": node(component, inputs={"data": data})}}

    return make


def test_a_parallel_step_tries_again_and_joins_its_rows(ws, submit, parallel):
    job = submit(parallel(resources={"instance_count": 2}))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    step = children(ws, job["name"])["count"]
    rows = ws.resolve.path(step["outputs"]["rows"]["path"]).read_text().splitlines()
    assert rows == ["0.txt 2", "1.txt 2", "2.txt 2", "3.txt 2", "4.txt 1"]
    assert step["properties"].items() >= {"mini_batches": "3", "failed_mini_batches": "0", "items": "5"}.items()


def test_a_failed_mini_batch_counts_against_the_threshold(ws, submit, parallel, tmp_path):
    (tmp_path / "data" / "3-bad.txt").write_text("x")
    failed = submit(parallel(mini_batch_error_threshold=0))
    assert failed["status"] == "Failed"
    assert "mini_batch_error_threshold allows 0" in failed["error"]["message"]
    borne = submit(parallel(mini_batch_error_threshold=1))
    assert borne["status"] == "Completed", log_of(ws, borne["name"])
    assert children(ws, borne["name"])["count"]["properties"]["failed_mini_batches"] == "1"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"resources": {"instance_count": "two"}}, WorkspaceError, r"resources\.instance_count must be an integer"),
        ({"input_data": "${{inputs.other}}"}, WorkspaceError,
         r"input_data: there is no input 'other'; there are: data"),
        (
            {"task": {"type": "run_function", "entry_script": "entry.py", "append_row_to": "${{outputs.other}}",
                      "environment": "azureml:plain:1"}},
            WorkspaceError,
            r"task\.append_row_to: there is no output 'other'; there are: rows",
        ),
        (
            {"task": {"type": "run_function", "entry_script": "entry.py", "program_arguments": "--x ${{inputs.x}}",
                      "environment": "azureml:plain:1"}},
            WorkspaceError,
            r"task\.program_arguments: \$\{\{inputs\.x\}\} is not declared",
        ),
        ({"mini_batch_size": "10kb"}, WorkspaceError, "mini_batch_size '10kb'"),
        ({"partition_keys": ["x"]}, Unsupported, r"partition_keys: inputs\.data is a folder"),
    ],
)  # fmt: skip
def test_a_parallel_step_that_can_not_run_is_refused_with_its_place(submit, parallel, changes, error, message):
    with pytest.raises(error, match=rf"^jobs\.count\..*{message}"):
        submit(parallel(**changes))
