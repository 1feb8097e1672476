"""What decides which steps of a pipeline run, and for how long."""

import pytest
from job_documents import children, command, log_of, node

pytestmark = pytest.mark.slow
FOLDER = {"o": {"type": "uri_folder"}}
FAIL = node(command("exit 3", outputs=FOLDER))
TAKE = command("echo [$[[${{inputs.d}}]]]", {"d": {"type": "uri_folder", "optional": True}})
NEED = command("true", {"d": {"type": "uri_folder"}})
FROM_BAD = {"d": "${{parent.jobs.bad.outputs.o}}"}


def statuses(ws, job):
    return {name: step["status"] for name, step in children(ws, job["name"]).items()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"continue_on_step_failure": True},
         {"bad": "Failed", "needs": "Canceled", "does_without": "Completed", "beside": "Completed"}),
        ({"continue_on_step_failure": True, "continue_run_on_failed_optional_input": False},
         {"bad": "Failed", "needs": "Canceled", "does_without": "Canceled", "beside": "Completed"}),
    ],
    ids=["with optional inputs", "without"],
)  # fmt: skip
def test_steps_go_on_after_a_failure_if_told_so(ws, submit, settings, expected):
    doc = {
        "type": "pipeline",
        "settings": settings,
        "jobs": {
            "bad": FAIL,
            "needs": node(NEED, inputs=FROM_BAD),
            "does_without": node(TAKE, inputs=FROM_BAD),
            "beside": node(command("sleep 1")),
        },
    }
    job = submit(doc)
    assert job["status"] == "Failed"
    assert "bad: the command ended with exit code 3" in job["error"]["message"]
    assert statuses(ws, job) == expected


def test_a_step_that_is_not_deterministic_runs_each_time(ws, submit):
    doc = {
        "type": "pipeline",
        "jobs": {
            "same": node(command("echo same > ${{outputs.o}}/f", outputs=FOLDER)),
            "other": node(command("echo other > ${{outputs.o}}/f", outputs=FOLDER, is_deterministic=False)),
        },
    }
    submit(doc)
    steps = children(ws, submit(doc)["name"])
    assert {name for name, step in steps.items() if "azureml.reusedrunid" in step["properties"]} == {"same"}


def test_a_node_overrides_what_its_component_says(ws, submit):
    component = command(
        "echo $A $B; sleep 20", environment_variables={"A": "component", "B": "component"}, limits={"timeout": 60}
    )
    doc = {
        "type": "pipeline",
        "jobs": {
            "a": node(component, environment_variables={"A": "node"}, limits={"timeout": 1},
                      resources={"instance_type": "any", "shm_size": "1g"}, identity={"type": "managed"}),
        },
    }  # fmt: skip
    job = submit(doc)
    step = children(ws, job["name"])["a"]
    assert "time limit of 1 s" in step["error"]["message"], log_of(ws, job["name"])
    log = ws.path / "jobs" / step["name"] / "artifacts" / "user_logs" / "std_log.txt"
    assert log.read_text().startswith("node component\n")


def test_default_compute_and_its_override_are_noted(ws, submit):
    ws.assets.create("compute", {"name": "big", "type": "amlcompute", "size": "x"})
    doc = {
        "type": "pipeline",
        "settings": {"default_compute": "azureml:big"},
        "jobs": {"a": node(command("true")), "b": node(command("true"), compute="azureml:cpu-cluster")},
    }
    steps = children(ws, submit(doc)["name"])
    assert {name: step["compute"] for name, step in steps.items()} == {"a": "azureml:big", "b": "azureml:cpu-cluster"}
