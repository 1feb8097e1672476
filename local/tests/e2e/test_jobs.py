"""A person submits jobs with the real az, follows them and looks at what came of them."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SHOWN = {"creation_context", "display_name", "experiment_name", "id", "inputs", "name", "outputs", "properties",
         "resourceGroup", "services", "status", "tags", "type"}  # fmt: skip


def document(printed: str) -> Any:
    """The JSON at the end of what `job create --stream` prints."""
    return json.loads(printed[printed.index("\n{") :])


def steps(project: Any, job: str) -> dict[str, Any]:
    """Display name -> child of a job."""
    return {row["display_name"]: row for row in project.json(f"job list --parent-job-name {job}")}


def read(folder: Path) -> dict[str, str]:
    """Path below a folder -> content."""
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_pipeline_prints_its_stream_and_then_its_json(project: Any, kinds: str) -> None:
    stream = kinds[: kinds.index("\n{")]
    assert stream.startswith("RunId: kinds\n") and "\nWeb View: http://127.0.0.1:" in stream
    for step in ("from_file", "registered", "latest", "inline", "nested", "nested.read", "tune", "count"):
        assert f"{step}: completed in" in stream
    assert "all kinds: output final is azureml:words:1" in stream
    assert stream.rstrip().endswith("Status: Completed")
    job = document(kinds)
    assert job == project.json("job show --name kinds")
    assert job.keys() >= SHOWN | {"jobs", "settings"}
    assert (job["status"], job["type"], job["display_name"], job["experiment_name"]) == (
        "Completed", "pipeline", "all kinds", "kinds")  # fmt: skip
    assert job["inputs"]["word"] == "hello"
    assert job["inputs"]["days"]["path"].startswith("azureml://datastores/workspaceblobstore/paths/LocalUpload/")
    assert job["outputs"]["final"]["asset"] == "azureml:words:1"
    assert job["jobs"]["registered"]["component"].endswith("/components/read/versions/1")
    assert job["services"]["Studio"]["endpoint"].startswith("http://127.0.0.1:")


def test_a_job_records_the_commit_and_that_the_tree_was_dirty(project: Any, kinds: str) -> None:
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project.folder, text=True).strip()
    facts = {key: value for key, value in document(kinds)["properties"].items() if "git" in key}
    assert facts == {
        "mlflow.source.git.repoURL": "https://example.org/team/flights.git",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.commit": commit,
        "azureml.git.dirty": "True",
    }


def test_the_steps_are_its_children(project: Any, kinds: str) -> None:
    children = steps(project, "kinds")
    assert {name: child["type"] for name, child in children.items()} == {
        "from_file": "command", "registered": "command", "latest": "command", "inline": "command",
        "nested": "pipeline", "tune": "sweep", "count": "parallel"}  # fmt: skip
    assert {child["status"] for child in children.values()} == {"Completed"}
    assert steps(project, children["nested"]["name"]).keys() == {"nested.write", "nested.read"}
    project(f"job download --name {children['count']['name']} --output-name rows --download-path counted")
    (rows,) = read(project.folder / "counted").values()
    assert rows.splitlines() == ["1.csv 1", "2.csv 2", "3.csv 3"]
    project(f"job download --name {children['tune']['name']} --all --download-path tuned")
    assert read(project.folder / "tuned")["named-outputs/best/rate.txt"] == "0.2\n"


def test_outputs_are_downloaded_as_azure_lays_them_out(project: Any, kinds: str) -> None:
    assert project("job download --name kinds --all --download-path all").stdout == ""
    files = read(project.folder / "all")
    assert files["named-outputs/final/word.txt"] == "hello!\nread again\nread\n"
    assert files["named-outputs/model/MLmodel"] == "flavors {}\n"
    assert "artifacts/user_logs/std_log.txt" in files
    project("job download --name kinds --output-name final --download-path one")
    assert read(project.folder / "one").keys() == {"named-outputs/final/word.txt"}


def test_an_unchanged_run_is_reused_and_a_changed_one_makes_the_next_version(project: Any, kinds: str) -> None:
    again = project("job create --file kinds.yml --name again --stream").stdout
    for step in ("from_file", "registered", "latest", "inline", "nested.write", "nested.read", "tune", "count"):
        assert f"{step}: reused, nothing it depends on has changed since" in again
    assert document(again)["outputs"]["final"]["asset"] == "azureml:words:1"
    changed = project("job create --file kinds.yml --name changed --set inputs.word=bye --stream").stdout
    assert "tune: reused" in changed
    assert "from_file: reused" not in changed
    assert document(changed)["outputs"]["final"]["asset"] == "azureml:words:2"
    assert [row["version"] for row in project.json("data list --name words")] == ["2", "1"]
    assert [row["version"] for row in project.json("model list --name greeter")] == ["2", "1"]


def test_a_command_job_takes_name_and_fields_from_the_line(project: Any) -> None:
    flags = "--name said --set inputs.word=bye tags.season=summer --save-as said.yml --stream"
    printed = project(f"job create --file command.yml {flags}").stdout
    assert "\nbye 3 1 vanilla count.py log_model.py logs outputs places.py score.py write.py\n" in printed
    job = document(printed)
    assert job.keys() >= SHOWN | {"command", "compute", "environment", "environment_variables", "code"}
    assert job["inputs"] == {"word": "bye", "times": "3", "loud": "1"}
    assert (job["name"], job["display_name"], job["compute"]) == ("said", "say", "azureml:cpu-cluster")
    assert (job["environment"], job["tags"]) == ("azureml:plain:1", {"team": "flights", "season": "summer"})
    assert "name: said\n" in (project.folder / "said.yml").read_text()
    project("job download --name said --download-path said")
    assert read(project.folder / "said")["artifacts/outputs/note.txt"] == "kept\n"


def test_a_sweep_job_stands_alone(project: Any) -> None:
    job = document(project("job create --file sweep.yml --name swept --stream").stdout)
    assert job["properties"]["score"] == "0.0"
    assert len(project.json("job list --parent-job-name swept")) == 2
    project("job download --name swept --output-name best --download-path swept")
    assert read(project.folder / "swept") == {"named-outputs/best/rate.txt": "0.2\n"}
    project("job download --name swept --download-path whole")
    best = project.workspace.jobs.get(job["properties"]["best_child_run_id"])
    assert best["inputs"]["rate"] == "0.2"
    assert "artifacts/user_logs/std_log.txt" in read(project.folder / "whole"), "the log of the best trial"


def test_a_job_is_validated_without_being_run(project: Any) -> None:
    before = project.workspace.jobs.list(max_results=None)
    assert project.json("job validate --file kinds.yml") == {"result": "Succeeded"}
    assert project.workspace.jobs.list(max_results=None) == before


def test_jobs_are_listed_archived_and_restored(project: Any, kinds: str) -> None:
    header, _, *rows = project("job list --output table").stdout.splitlines()
    assert [column.strip() for column in header.split("  ") if column.strip()] == [
        "Name", "Status", "Experiment", "Compute target", "Job type", "Created on"]  # fmt: skip
    assert any(row.split()[:3] == ["kinds", "Completed", "kinds"] for row in rows)
    newest = project("job list --max-results 1 --query [].name --output tsv")
    assert newest.stdout.split() == [rows[0].split()[0]]
    assert "top 1 results" in newest.stderr

    def listed(flags: str = "") -> list[str]:
        return project(f"job list {flags} --query [].name --output tsv").stdout.split()

    everything = listed()
    assert project("job archive --name kinds").stdout == ""
    assert listed() == [name for name in everything if name != "kinds"]
    assert listed("--archived-only") == ["kinds"]
    assert listed("--include-archived") == everything
    assert listed("--archived-only --max-results 1") == ["kinds"]
    assert listed("--include-archived --max-results 2") == everything[:2]
    assert listed("--parent-job-name kinds") != [], "the steps of an archived job can still be listed"
    assert project("job restore --name kinds").stdout == ""
    assert listed() == everything


def test_of_many_jobs_as_many_are_listed_as_asked_for(project: Any, kinds: str) -> None:
    children = [row["display_name"] for row in project.json("job list --parent-job-name kinds --all-results")]
    assert sorted(children) == ["count", "from_file", "inline", "latest", "nested", "registered", "tune"]
    first = project("job list --parent-job-name kinds --max-results 3 --query [].display_name --output tsv")
    assert first.stdout.split() == children[:3]
    assert "top 3 results" in first.stderr
    # More jobs than the 50 that are listed by default; they need not have run.
    with project.workspace.catalog.transaction() as catalog:
        for number in range(51):
            doc = {"name": f"many{number}", "type": "command", "properties": {}, "creation_context": {}}
            catalog.insert("jobs", name=doc["name"], parent="many", root="many", status="Completed",
                           created_at="", doc=doc, plan={})  # fmt: skip
        catalog.insert("jobs", name="many", root="many", status="Completed", created_at="", archived=1,
                       doc={"name": "many", "type": "pipeline", "properties": {}}, plan={})  # fmt: skip
    few = project("job list --parent-job-name many --query 'length(@)'")
    assert (few.stdout.strip(), "top 50 results" in few.stderr) == ("50", True)
    every = project("job list --parent-job-name many --all-results --query 'length(@)'")
    assert (every.stdout.strip(), every.stderr) == ("51", "")
    missing = project("job list --parent-job-name absent", code=3)
    assert "Job 'absent' was not found" in missing.stderr


def test_web_opens_the_page_of_the_job(project: Any, kinds: str) -> None:
    """The browser is a script that notes what it is told to open."""
    browser = project.write("browser", '#!/bin/sh\necho "$@" >> opened.txt\n')
    browser.chmod(0o755)
    page = project.json("job show --name kinds --query services.Studio.endpoint")
    assert "/#/experiments/" in page
    for line in ("show --name kinds", "update --name kinds --set description=seen"):
        project(f"job {line} --web --output none", BROWSER=f"{browser} %s")
    assert (project.folder / "opened.txt").read_text().split() == [page, page]
    project("job create --file command.yml --name shown --web --output none", BROWSER=f"{browser} %s")
    (opened,) = (project.folder / "opened.txt").read_text().split()[2:]
    assert opened.startswith(page.partition("/#/")[0])


def test_force_string_keeps_what_looks_like_json_as_text(project: Any, kinds: str) -> None:
    line = "job update --name kinds --set display_name='{\"a\": 1}' --query display_name"
    assert "display_name: {'a': 1} is not a text" in project(line, code=1).stderr
    assert project.json(f"{line} --force-string") == '{"a": 1}'
    project("job update --name kinds --set display_name='all kinds' --output none")


def test_what_may_change_of_a_job_is_changed_by_update(project: Any, kinds: str) -> None:
    line = "job update --name kinds --set tags.checked=1 display_name=seen --query '[tags,display_name]'"
    assert project.json(line) == [{"team": "flights", "checked": "1"}, "seen"]
    refused = project("job update --name kinds --set status=Failed", code=1)
    assert "status of a job can't be changed; only description, tags, display_name, properties" in refused.stderr


@pytest.mark.parametrize("line", ["job create --file slow.yml --name slow{} --stream", "job stream --name slow{}"])
def test_a_canceled_job_is_no_error(project: Any, line: str) -> None:
    """As on Azure: who follows a job has to ask for its status."""
    name = "slow0" if "create" in line else "slow1"
    if "create" not in line:
        project(f"job create --file slow.yml --name {name} --output none")
    following = project.start(line.format(name[-1]))
    end = time.monotonic() + 60
    while project.workspace.catalog.row("SELECT * FROM jobs WHERE name = ? AND status = 'Running'", name) is None:
        assert time.monotonic() < end, "the job does not start"
        time.sleep(0.1)
    canceled = project(f"job cancel --name {name}")
    assert (canceled.stdout, canceled.stderr) == ("", "")
    out, err = following.communicate(timeout=60)
    assert following.returncode == 0, err
    assert "Status: Canceled" in out
    assert project(f"job show --name {name} --query status --output tsv").stdout == "Canceled\n"
