"""What may stand for a step that is asked for again, and what may not."""

import pytest
from job_documents import children, command, log_of, node

PLACE = "azureml://datastores/workspaceblobstore/paths"
WRITE = command("echo ${{inputs.n}} > ${{outputs.o}}/n", {"n": {"type": "string"}}, {"o": {"type": "uri_folder"}})

pytestmark = pytest.mark.slow


def writer(number, **output):
    return {"type": "pipeline", "jobs": {"write": node(WRITE, inputs={"n": number}, outputs={"o": output})}}


def written(ws, job):
    step = children(ws, job["name"])["write"]
    return (ws.resolve.path(step["outputs"]["o"]["path"]) / "n").read_text().strip()


def test_step_whose_place_a_later_one_has_overwritten_runs_again(ws, submit):
    for number in ("1", "2", "1"):
        job = submit(writer(number, path=f"{PLACE}/overwritten", type="uri_folder"))
        assert written(ws, job) == number, log_of(ws, job["name"])
    again = submit(writer("1", path=f"{PLACE}/overwritten", type="uri_folder"))
    assert "azureml.reusedrunid" in children(ws, again["name"])["write"]["properties"]


@pytest.mark.parametrize("change", ["removed", "changed", "added"])
def test_step_whose_output_is_not_as_it_left_it_runs_again(ws, submit, change):
    doc = writer(change, type="uri_folder")
    first = children(ws, submit(doc)["name"])["write"]
    assert "azureml.reusedrunid" in children(ws, submit(doc)["name"])["write"]["properties"]
    folder = ws.resolve.path(first["outputs"]["o"]["path"])
    if change == "removed":
        (folder / "n").unlink()
    elif change == "changed":
        (folder / "n").write_text("x" * len((folder / "n").read_text()))
    else:
        (folder / "more").touch()
    again = submit(doc)
    assert "azureml.reusedrunid" not in children(ws, again["name"])["write"]["properties"]
    assert written(ws, again) == change
    assert "azureml.reusedrunid" in children(ws, submit(doc)["name"])["write"]["properties"]


def test_step_with_a_file_for_an_output_is_reused_while_the_file_is_there(ws, submit):
    write = command("echo file > ${{outputs.o}}", outputs={"o": {"type": "uri_file"}})
    doc = {"type": "pipeline", "jobs": {"write": node(write)}}
    first = children(ws, submit(doc)["name"])["write"]
    assert "azureml.reusedrunid" in children(ws, submit(doc)["name"])["write"]["properties"]
    ws.resolve.path(first["outputs"]["o"]["path"]).write_text("another")
    assert "azureml.reusedrunid" not in children(ws, submit(doc)["name"])["write"]["properties"]


def test_step_below_whose_place_another_has_written_runs_again(ws, submit):
    for number, place in (("1", "around"), ("2", "around/below"), ("3", "beside")):
        submit(writer(number, path=f"{PLACE}/{place}", type="uri_folder"))
    for number, place, reused in (("3", "beside", True), ("1", "around", False), ("2", "around/below", False)):
        job = submit(writer(number, path=f"{PLACE}/{place}", type="uri_folder"))
        assert ("azureml.reusedrunid" in children(ws, job["name"])["write"]["properties"]) is reused


@pytest.mark.parametrize("kind", ["uri_folder", "custom_model"])
def test_named_output_at_a_place_of_its_own_becomes_a_version_each_time_it_is_written(ws, submit, kind):
    fields = {"path": f"{PLACE}/named-{kind}", "type": kind, "name": f"named-{kind}"}
    assets = []
    for number in ("1", "2", "2"):
        job = submit(writer(number, **fields))
        assert job["status"] == "Completed", log_of(ws, job["name"])
        assets.append(children(ws, job["name"])["write"]["outputs"]["o"]["asset"])
    assert [asset.rpartition(":")[2] for asset in assets] == ["1", "2", "2"]
    if kind == "custom_model":
        model = ws.models.get(fields["name"], "2")
        assert (ws.resolve.path(model["path"]) / "n").read_text() == "2\n"


def test_sweep_with_more_trials_runs_again(ws, submit):
    trial = command(
        'python -c "import json, os, urllib.request as u; u.urlopen(u.Request('
        "os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/runs/log-metric', json.dumps({'run_id': "
        "os.environ['MLFLOW_RUN_ID'], 'key': 'm', 'value': ${{inputs.a}}, 'timestamp': 1}).encode(), "
        "{'Content-Type': 'application/json'}))\"",
        {"a": {"type": "number"}},
    )
    sweep = {
        "type": "sweep",
        "trial": trial,
        "search_space": {"a": {"type": "choice", "values": [1, 2]}},
        "sampling_algorithm": "grid",
        "objective": {"goal": "maximize", "primary_metric": "m"},
    }
    for total in (1, 2):
        job = submit({"type": "pipeline", "jobs": {"s": {**sweep, "limits": {"max_total_trials": total}}}})
        assert children(ws, job["name"])["s"]["properties"].get("trials") == str(total), log_of(ws, job["name"])
