"""What goes wrong with jobs, and what the person who drives az is told about it."""

import os
import re
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CYCLE = "jobs.registered.inputs.d=${{parent.jobs.latest.outputs.o}}"
DANGLING = "jobs.registered.inputs.d=${{parent.jobs.from_file.outputs.absent}}"
OUTER = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json
type: pipeline
inputs: {word: {type: string}}
jobs:
  inner: {type: pipeline, component: ./misspelt.yml, inputs: {word: "${{parent.inputs.word}}"}}
"""
# --file and --set, exit code, what stderr has to say. A reference to an asset that is missing ends with 3, like a 404
# of the service; a compute or a label that is missing is refused by Azure's own client and ends with 1.
REFUSED = {
    "misspelt type": ("command.yml", "type=commando", 1, "type: Value 'commando' is not one of command, pipeline,"),
    "wrong option": ("sweep.yml", "objective.goal=up", 1, "objective.goal: Value 'up' is not one of minimize, max"),
    "unknown field": ("kinds.yml", "colour=red", 1, "colour: Unknown field."),
    "wrong literal": ("kinds.yml", "inputs.loud=perhaps", 1, "jobs.from_file.inputs.loud: 'perhaps' is not of type"),
    "missing code": ("command.yml", "code=absent", 1, "code: Can't find directory or file"),
    "missing data": ("kinds.yml", "inputs.days.path=data/absent", 1, "/data/absent does not exist"),
    "missing component file": ("kinds.yml", "jobs.from_file.component=absent.yml", 1,
                               "jobs.from_file.component: No such file or directory: absent.yml"),
    "unknown input": ("kinds.yml", "jobs.from_file.inputs.wrod=x", 1,
                      "jobs.from_file.inputs.wrod: there is no such input; the component has: word, loud."),
    "unknown input inside a pipeline component": (
        "kinds.yml", "jobs.nested.component=components/outer.yml", 1,
        "jobs.nested.component: components/outer.yml: jobs.inner.component: ./misspelt.yml: "
        "jobs.write.inputs.lout: there is no such input; the component has: word, loud."),
    "unknown component": ("kinds.yml", "jobs.registered.component=azureml:absent:1", 3,
                          "jobs.registered.component: Component 'absent:1' was not found"),
    "unknown data": ("kinds.yml", "inputs.days.path=azureml:absent:1", 3, "inputs.days: Data 'absent:1' was not found"),
    "unknown latest data": ("kinds.yml", "inputs.days.path=azureml:absent@latest", 1, "Data 'absent' was not found"),
    "unknown latest model": ("kinds.yml", "inputs.days.path=azureml:absent@latest inputs.days.type=mlflow_model", 1,
                             "inputs.days: Model 'absent' was not found"),
    "unknown environment": ("command.yml", "environment=azureml:absent:1", 3,
                            "environment: Environment 'absent:1' was not found"),
    "unknown compute": ("command.yml", "compute=azureml:absent", 1,
                        "compute: there is no compute 'absent'; there are: serverless, local, cpu-cluster."),
    "unknown expression": ("command.yml", "command='echo ${{inputs.x}}'", 1,
                           "command: ${{inputs.x}} is not declared; declared: inputs.word, inputs.times, inputs.loud."),
    "dangling binding": ("kinds.yml", f"'{DANGLING}'", 1,
                         "jobs.registered.inputs.d: job 'from_file' has no output 'absent'; there are: o."),
    "cycle": ("kinds.yml", f"'{CYCLE}'", 1, "jobs: they wait for each other in a circle: registered -> latest"),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(project: Any) -> dict[str, Future[Any]]:
    """What az says to each of REFUSED; as many lines at once as there are cores, since each takes seconds."""
    nested = (project.folder / "components/nested.yml").read_text()
    project.write("components/misspelt.yml", nested.replace("loud: true", "lout: true"))
    project.write("components/outer.yml", OUTER)
    before = project.workspace.jobs.list(max_results=None)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = {
            name: pool.submit(project, f"job create --file {file} --set {fields}", code=code)
            for name, (file, fields, code, _) in REFUSED.items()
        }
    assert project.workspace.jobs.list(max_results=None) == before, "nothing may have been submitted"
    return said


@pytest.mark.parametrize("name", REFUSED)
def test_a_job_that_can_not_work_is_refused_before_it_runs(refused: Any, name: str) -> None:
    done, (file, _, _, message) = refused[name].result(), REFUSED[name]
    assert done.stdout == ""
    assert f"ERROR: {file}: " in done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("job create --file command.yml --colour red", 2, "unrecognized arguments: --colour red"),
        ("job create --file absent.yml", 1, "No such file or directory: absent.yml"),
        ("job show --name absent", 3, "Job 'absent' was not found in workspace 'w'. List them: az ml job list"),
        ("job stream --name absent", 3, "Job 'absent' was not found"),
        ("job list --workspace-name absent", 3, "az ml workspace create --name absent --resource-group g"),
    ],
)
def test_a_wrong_line_has_azures_exit_code(project: Any, line: str, code: int, message: str) -> None:
    done = project(line, code=code)
    assert message in done.stderr
    assert done.stdout == ""


def test_a_pipeline_component_with_an_input_that_its_step_does_not_have_is_refused(refused: Any, project: Any) -> None:
    done = project("component create --file components/misspelt.yml", code=1)
    assert "components/misspelt.yml: jobs.write.inputs.lout: there is no such input" in done.stderr


def test_a_failed_step_shows_the_end_of_its_log(project: Any) -> None:
    done = project("job create --file failing.yml --name failing --stream", code=1)
    assert "bad | line 3\n" in done.stdout
    assert "bad | the reason\n" in done.stdout
    assert "after: canceled, it was never started" in done.stdout
    assert "\n{" not in done.stdout, "no JSON"
    assert "ERROR: Job failing failed: bad: the command ended with exit code 7" in done.stderr
    assert "az ml job list --parent-job-name failing" in done.stderr
    assert "Status: Failed" in project("job stream --name failing", code=1).stdout
    query = "--query '[].[display_name,status]' --output tsv"
    assert project(f"job list --parent-job-name failing {query}").stdout.split("\n") == [
        "good\tCompleted", "bad\tFailed", "after\tCanceled", ""]  # fmt: skip


def test_an_environment_that_can_not_be_built_says_what_the_resolver_says(project: Any) -> None:
    done = project("job create --file unbuildable.yml --stream", code=1)
    assert "could not be built" in done.stderr
    assert "you require pip==24.0 and pip==24.1" in " ".join(done.stderr.split())


def test_two_jobs_run_at_once(project: Any) -> None:
    lines = [
        "job create --file meet.yml --stream",
        "job create --file meet.yml --stream --set inputs.mine=b inputs.other=a",
    ]
    for process in [project.start(line) for line in lines]:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err


def test_a_killed_runner_leaves_a_failed_job_and_a_workspace_that_works(project: Any) -> None:
    project("job create --file slow.yml --name killed --output none")
    (runner,) = [pid for pid, command in processes() if command[-3:] == ["run", str(project.workspace.path), "killed"]]
    os.kill(runner, signal.SIGKILL)
    job = project.json("job show --name killed")
    assert job["status"] == "Failed"
    assert job["error"]["message"].startswith("The runner of this job was ended from outside")
    assert "Submit the job again" in job["error"]["message"]
    assert not [command for _, command in processes() if command == ["sleep", "120"]]
    project("job create --file places.yml --name after_kill --stream")


def test_jobs_stay_in_the_workspace_and_servers_on_loopback(project: Any) -> None:
    root = Path(project.environment["AZUREML_LOCAL_ROOT"])
    before = outside(project)
    out = project("job create --file places.yml --stream").stdout
    folders = [Path(folder) for folder in re.findall(r"^wrote to (.*)$", out, re.MULTILINE)]
    assert len(folders) == 4
    assert all(folder.is_relative_to(root / "g" / "w") for folder in folders)
    assert outside(project) == before
    address = project.workspace.tracking.running().removeprefix("http://")
    assert address in listening()
    ours = {pid for pid, command in processes() if str(root) in " ".join(command)}
    ours |= {pid for pid, _ in processes() if str(root) in str(working_folder(pid))}
    assert {place.partition(":")[0] for pid in ours for place in listening(pid)} == {"127.0.0.1"}


def outside(project: Any) -> set[Path]:
    """Files beside the workspace: specs, az's own configuration, other workspaces."""
    place = project.folder.parent
    return {p for p in place.rglob("*") if not p.is_relative_to(project.workspace.path) and "config" not in p.parts}


def processes() -> list[tuple[int, list[str]]]:
    """(pid, command line) of the processes of this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(entry.name), (entry / "cmdline").read_text().rstrip("\0").split("\0")))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return found


def working_folder(pid: int) -> Path | None:
    """Of a process, None if it has ended."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, PermissionError):
        return None


def listening(pid: int | None = None) -> set[str]:
    """ADDRESS:PORT of listening TCP sockets, of all processes or of one."""
    mine = {p.readlink().name for p in Path(f"/proc/{pid}/fd").glob("*")} if pid else None
    places = set()
    for table in ("tcp", "tcp6"):
        for row in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and (mine is None or f"socket:[{fields[9]}]" in mine):
                address, port = fields[1].split(":")
                number = ".".join(str(byte) for byte in reversed(bytes.fromhex(address)))
                places.add(f"{number}:{int(port, 16)}")
    return places


def test_reader_of_a_stream_may_leave_early(project: Any) -> None:
    project("job create --file failing.yml --name left --stream --output none", code=1)
    stream = project.start("job stream --name left")
    stream.stdout.close()
    assert stream.stderr.read() == ""
    assert stream.wait(60) == 0
