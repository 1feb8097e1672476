"""Jobs from submit to final state: real runner, real processes, real MLflow server."""

import os
import re
import signal
import threading
import time

import pytest
from job_documents import children, command, ended, log_of, node
from ml_workspace import Conflict, NotFound, WorkspaceError
from ml_workspace.processes import identity

FOLDER = {"o": {"type": "uri_folder"}}
WRITE = command("echo ${{inputs.word}} > ${{outputs.o}}/word", {"word": {"type": "string"}}, FOLDER)
READ = command(
    "cat ${{inputs.d}}/word > ${{outputs.o}}/word; echo read >> ${{outputs.o}}/word",
    {"d": {"type": "uri_folder"}},
    FOLDER,
)

pytestmark = pytest.mark.slow


def streamed(ws, name):
    """What following a job shows."""
    shown: list[str] = []
    ws.jobs.stream(name, shown.append)
    return "".join(shown)


def events(stream):
    """The lines of a stream that tell of jobs, without time and duration."""
    return re.findall(r"^\[[\d:]+\] (.*?: (?:running|completed|failed|canceled))", stream, re.MULTILINE)


def chain(word, **fields):
    return {
        "type": "pipeline",
        "outputs": {"final": {"type": "uri_folder"}},
        "jobs": {
            "write": node(WRITE, inputs={"word": word}),
            "read": node(
                READ, inputs={"d": "${{parent.jobs.write.outputs.o}}"}, outputs={"o": "${{parent.outputs.final}}"}
            ),
        },
        **fields,
    }


def test_command_job_gets_its_code_inputs_and_variables(ws, submit, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text(
        "import os, sys; print(sys.argv[1:], os.environ['AZUREML_RUN_ID'], os.getcwd())"
    )
    component = command(
        "python a.py ${{inputs.n}} $[[--x ${{inputs.x}}]] && echo 1 > outputs/f",
        {"n": {"type": "integer"}, "x": {"type": "string", "optional": True}},
        code=str(tmp_path / "code"),
    )
    job = submit(node(component, inputs={"n": 7}))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    shown: list[str] = []
    assert ws.jobs.stream(job["name"], shown.append) == "Completed"
    assert f"['7'] {job['name']} {ws.path}/jobs/{job['name']}/work" in "".join(shown)
    artifacts = ws.tracking.artifacts(job["properties"]["mlflow.run_id"])
    assert (artifacts / "outputs" / "f").read_text() == "1\n"
    assert not (ws.path / "jobs" / job["name"] / "work").exists()


def test_pipeline_passes_data_on_and_binds_its_outputs(ws, submit):
    job = submit(chain("hello"))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    place = ws.resolve.path(f"azureml://jobs/{job['name']}/outputs/final")
    assert (place / "word").read_text() == "hello\nread\n"
    steps = children(ws, job["name"])
    assert steps["read"]["inputs"]["d"]["path"] == steps["write"]["outputs"]["o"]["path"]


def test_unchanged_steps_are_reused_and_changed_ones_run(ws, submit):
    first = submit(chain("once"))
    again = submit(chain("once"))
    steps, before = children(ws, again["name"]), children(ws, first["name"])
    for name in ("write", "read"):
        assert steps[name]["properties"]["azureml.reusedrunid"] == before[name]["name"]
        assert steps[name]["outputs"] == before[name]["outputs"]
    assert "reused" in log_of(ws, again["name"])
    other = children(ws, submit(chain("twice"))["name"])
    assert "azureml.reusedrunid" not in other["write"]["properties"]
    forced = children(ws, submit(chain("once", settings={"force_rerun": True}))["name"])
    assert "azureml.reusedrunid" not in forced["write"]["properties"]


def test_step_with_other_data_at_the_same_path_runs_again(ws, submit):
    landing = ws.path / "datastores" / "workspaceblobstore" / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    uri = {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/landing"}
    doc = {"type": "pipeline", "jobs": {"read": node(READ, inputs={"d": uri})}}
    for text, reused in (("1", False), ("1", True), ("2", False)):
        (landing / "word").write_text(text)
        step = children(ws, submit(doc)["name"])["read"]
        assert ("azureml.reusedrunid" in step["properties"]) is reused


def test_named_output_becomes_the_next_version_of_an_asset(ws, submit):
    def doc(word):
        job = chain(word)
        job["outputs"]["final"]["name"] = "words"
        return job

    # The last two are reused, and what they come to is again the newest version: `latest` is what the last job made.
    for word, version in (("v1", "1"), ("v2", "2"), ("v2", "2"), ("v1", "3"), ("v1", "3")):
        job = submit(doc(word))
        assert job["status"] == "Completed", log_of(ws, job["name"])
        asset = ws.assets.get("data", "words", label="latest")
        assert asset["version"] == version
        assert (ws.resolve.path(asset["path"]) / "word").read_text() == f"{word}\nread\n"


def test_failed_step_shows_its_log_and_cancels_what_waits_for_it(ws, submit):
    broken = command("echo working; echo the reason >&2; exit 3", {"d": {"type": "uri_folder"}}, FOLDER)
    doc = chain("fail-later")
    doc["jobs"]["broken"] = node(broken, inputs={"d": "${{parent.jobs.write.outputs.o}}"})
    doc["jobs"]["after"] = node(READ, inputs={"d": "${{parent.jobs.broken.outputs.o}}"})
    job = submit(doc)
    assert job["status"] == "Failed"
    assert "broken: the command ended with exit code 3" in job["error"]["message"]
    assert "broken | the reason" in log_of(ws, job["name"])
    steps = children(ws, job["name"])
    assert steps["write"]["status"] == "Completed"
    assert steps["after"]["status"] == "Canceled"
    # Once it is mended, what had completed is not done again.
    doc["jobs"]["broken"] = node(
        command("touch ${{outputs.o}}/word", {"d": {"type": "uri_folder"}}, FOLDER),
        inputs={"d": "${{parent.jobs.write.outputs.o}}"},
    )
    mended = submit(doc)
    assert mended["status"] == "Completed", log_of(ws, mended["name"])
    assert children(ws, mended["name"])["write"]["properties"]["azureml.reusedrunid"] == steps["write"]["name"]


def test_failure_cancels_a_job_that_runs_beside_it(ws, submit):
    doc = {"type": "pipeline", "jobs": {"long": node(command("sleep 60")), "broken": node(command("sleep 1; exit 1"))}}
    started = time.monotonic()
    job = submit(doc)
    assert time.monotonic() - started < 30
    assert {n: s["status"] for n, s in children(ws, job["name"]).items()} == {"long": "Canceled", "broken": "Failed"}


def test_independent_steps_overlap(ws, submit, tmp_path):
    # Each waits for the other's mark, so they complete only if they run at the same time.
    def meet(mine, other):
        loop = f"for i in $(seq 100); do [ -e {tmp_path}/{other} ] && exit 0; sleep 0.1; done"
        return f"touch {tmp_path}/{mine}; {loop}; exit 1"

    job = submit({"type": "pipeline", "jobs": {"a": node(command(meet("a", "b"))), "b": node(command(meet("b", "a")))}})
    assert job["status"] == "Completed"


def test_nested_pipeline(ws, submit):
    inner = {
        "type": "pipeline",
        "inputs": {"w": {"type": "string"}},
        "outputs": {"r": {"type": "uri_folder"}},
        "jobs": {"write": node(WRITE, inputs={"word": "${{parent.inputs.w}}"}, outputs={"o": "${{parent.outputs.r}}"})},
    }
    doc = {
        "type": "pipeline",
        "outputs": {"final": {"type": "uri_folder"}},
        "jobs": {
            "inner": node(inner, inputs={"w": "deep"}),
            "read": node(
                READ, inputs={"d": "${{parent.jobs.inner.outputs.r}}"}, outputs={"o": "${{parent.outputs.final}}"}
            ),
        },
    }
    job = submit(doc)
    assert job["status"] == "Completed", log_of(ws, job["name"])
    place = ws.resolve.path(f"azureml://jobs/{job['name']}/outputs/final")
    assert (place / "word").read_text() == "deep\nread\n"
    nested = children(ws, job["name"])["inner"]["name"]
    assert set(children(ws, nested)) == {"write"}
    # Followed by its own name it shows what happens in it; the job around it shows that too, and what it is itself.
    own, whole = streamed(ws, nested), streamed(ws, job["name"])
    assert events(own) == ["inner.write: running", "inner.write: completed"]
    assert own.startswith(f"RunId: {nested}\nWeb View: http://")
    assert [event for event in events(whole) if "inner" in event] == [*events(own), "inner: completed"]


def test_nested_pipeline_that_fails_shows_in_its_own_stream_why(ws, submit):
    inner = {
        "type": "pipeline",
        "jobs": {
            "broken": node(command("echo the reason; exit 3", outputs=FOLDER)),
            "after": node(READ, inputs={"d": "${{parent.jobs.broken.outputs.o}}"}),
        },
    }
    job = submit({"type": "pipeline", "jobs": {"inner": node(inner), "beside": node(command("echo beside"))}})
    own = streamed(ws, children(ws, job["name"])["inner"]["name"])
    assert "inner.broken | the reason\n" in own
    assert "inner.after: canceled, it was never started\n" in own
    assert own.endswith("Status: Failed\nError: broken: the command ended with exit code 3\n")
    assert "beside" not in own


def test_stream_of_a_job_that_does_not_exist_writes_nothing(ws):
    shown: list[str] = []
    with pytest.raises(NotFound, match="'absent' was not found"):
        ws.jobs.stream("absent", shown.append)
    assert shown == []


def test_runs_are_nested_and_named_in_mlflow(ws, submit):
    job = submit(chain("tracked", tags={"why": "test"}))
    root = ws.tracking.run(job["properties"]["mlflow.run_id"])
    step = ws.tracking.run(children(ws, job["name"])["read"]["properties"]["mlflow.run_id"])
    tags = {tag["key"]: tag["value"] for tag in step["data"]["tags"]}
    assert step["info"]["run_name"] == "read"
    assert tags["mlflow.parentRunId"] == root["info"]["run_id"]
    assert root["info"]["status"] == step["info"]["status"] == "FINISHED"
    assert {"key": "why", "value": "test"} in root["data"]["tags"]


def test_cancel_ends_the_processes(ws, submit, tmp_path):
    marker = tmp_path / "pid"
    job = submit(
        {"type": "pipeline", "jobs": {"long": node(command(f"echo $$ > {marker}; sleep 60; true"))}}, wait=False
    )
    while not marker.exists() or not marker.read_text():
        time.sleep(0.05)
    ws.jobs.cancel(job["name"])
    assert ended(ws, job["name"], 20)["status"] == "Canceled"
    assert children(ws, job["name"])["long"]["status"] == "Canceled"
    assert identity(int(marker.read_text())) is None


def test_killed_runner_leaves_a_failed_job_and_a_sound_workspace(ws, submit, tmp_path):
    marker = tmp_path / "pid"
    doc = chain("survives")
    doc["jobs"]["long"] = node(
        command(f"echo $$ $PPID > {marker}; sleep 60; true", {"d": {"type": "uri_folder"}}),
        inputs={"d": "${{parent.jobs.write.outputs.o}}"},
    )
    job = submit(doc, wait=False)
    while not marker.exists() or not marker.read_text():
        time.sleep(0.05)
    step, runner = map(int, marker.read_text().split())
    os.kill(runner, signal.SIGKILL)
    job = ended(ws, job["name"])
    assert job["status"] == "Failed"
    assert "ended from outside" in job["error"]["message"]
    assert identity(step) is None
    assert children(ws, job["name"])["long"]["status"] == "Failed"
    again = submit(chain("survives"))
    assert again["status"] == "Completed", log_of(ws, again["name"])
    assert "azureml.reusedrunid" in children(ws, again["name"])["write"]["properties"]
    assert ws.tracking.run(job["properties"]["mlflow.run_id"])["info"]["status"] == "FAILED"


def test_many_submits_at_once_are_all_kept(ws, submit):
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(submit(node(command("true")), wait=False)["name"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 8
    assert {ended(ws, name)["status"] for name in names} == {"Completed"}


def test_timeout_ends_a_step(ws, submit):
    job = submit(node(command("sleep 60", limits={"timeout": 1})))
    assert job["status"] == "Failed"
    assert "time limit of 1 s" in job["error"]["message"]


def test_command_that_is_too_long_for_an_argument_runs(ws, submit):
    """Linux takes 128 KiB for one argument of a process."""
    long = "\n".join([f"echo line {number} > /dev/null" for number in range(6000)] + ["echo the end is $((1 + 1))"])
    assert len(long) > 150_000
    job = submit(node(command(long)))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert "the end is 2\n" in streamed(ws, job["name"])


@pytest.mark.parametrize("field", ["inputs.text", "environment_variables.TEXT"])
def test_value_that_is_too_long_for_a_variable_is_refused_by_its_name(ws, submit, field):
    place, name = field.split(".")
    component = command("true", {"text": {"type": "string"}})
    doc = node(component, inputs={"text": "short"})
    doc[place] = {name: "x" * 150_000}
    with pytest.raises(WorkspaceError, match=rf"^{field}: a value of 150,000 bytes"):
        submit(doc)
    with pytest.raises(WorkspaceError, match=rf"^jobs.a.{field}: a value of 150,000 bytes"):
        submit({"type": "pipeline", "jobs": {"a": doc}})


def test_values_that_are_too_long_together_fail_the_job_with_the_reason(ws, submit):
    many = {f"x{number}": "x" * 120_000 for number in range(30)}
    job = submit(node(command("true", {name: {"type": "string"} for name in many}), inputs=many))
    assert "the command could not be started: Argument list too long" in job["error"]["message"]


def test_missing_output_fails_the_step_that_promised_it(ws, submit):
    job = submit(node(command("rmdir ${{outputs.o}}", outputs=FOLDER)))
    assert job["status"] == "Failed"
    assert "outputs.o" in job["error"]["message"]


def test_environment_that_cannot_be_built_fails_with_the_resolvers_message(ws, submit):
    environment = {
        "name": "broken",
        "version": "1",
        "conda_file": {"dependencies": ["python=3.11", "pip", {"pip": ["no-such-package-anywhere-4711"]}]},
    }
    job = submit(node({**command("true"), "environment": environment}))
    assert job["status"] == "Failed"
    assert "no-such-package-anywhere-4711" in job["error"]["message"]


def test_job_name_is_taken_only_once(ws, submit):
    submit(node(command("true")), name="my-job")
    with pytest.raises(Conflict, match="exists already"):
        submit(node(command("true")), name="my-job")


def test_bad_name_is_refused(ws, submit):
    with pytest.raises(WorkspaceError, match="job name"):
        submit(node(command("true")), name="../../outside")


def test_nothing_of_the_submitting_shell_reaches_a_job(ws, submit, monkeypatch):
    monkeypatch.setenv("MY_SECRET", "hush")
    job = submit(node(command("env; echo $HOME")))
    lines: list[str] = []
    ws.jobs.stream(job["name"], lines.append)
    assert "hush" not in "".join(lines)
    assert str(ws.path / "home") in "".join(lines)


def test_download_lays_out_outputs_and_artifacts(ws, submit, tmp_path):
    job = submit(chain("download"))
    ws.jobs.download(job["name"], tmp_path / "got", all_outputs=True)
    assert (tmp_path / "got" / "named-outputs" / "final" / "word").read_text() == "download\nread\n"
    assert (tmp_path / "got" / "artifacts" / "user_logs" / "std_log.txt").exists()
