"""azure-pipelines.yml, walked with a stand-in for make that only notes what it was asked and says what it is told to.

What the real make does in such a run: tests/e2e/test_pipeline.py.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.ci.azure import MAIN, PULL_REQUEST, read_azure
from scripts.ci.check import own_findings
from scripts.ci.github import read_github
from tests.specs_repository import replace
from tests.walk import FAILED, SKIPPED, SUCCEEDED, Walk

ROOT = Path(__file__).parents[2]
CONNECTIONS = {f"serviceConnection-{env}": f"azure-{env}" for env in ("dev", "test", "prod")}
MAKE = """#!/bin/sh
echo "$*" >> "$ASKED"
mkdir -p build/jobs build/releases
case "$*" in
  *"registered "*) echo "$REGISTERED" ;;
  "demo") mkdir -p build/local ;;
  "test") echo "<testsuites/>" > build/tests.xml ;;
  "render ENV=dev") mkdir -p build/dev && echo rendered > build/dev/spec.yml ;;
  "env "*|*" env "*) echo "export AZURE_DEFAULTS_GROUP=rg AZURE_DEFAULTS_WORKSPACE=ws" ;;
  "train WAIT=0 "*) echo brave_plum > build/jobs/dev-train ;;
  *TO=test*) test -f build/dev/spec.yml && echo release > build/releases/test.yml ;;
  *TO=prod*) echo release > build/releases/prod.yml ;;
esac
case "$*" in "$FAILS"*) exit 2 ;; esac
"""


@dataclass
class Run:
    """What came of a walk."""

    statuses: dict[str, str]
    asked: list[str]
    walk: Walk


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for name in ("ci", ".github"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("azure-pipelines.yml", "Makefile"):
        shutil.copy(ROOT / name, root / name)
    return root


def walked(
    root: Path,
    variables: Mapping[str, str] = MAIN,
    parameters: Mapping[str, Any] | None = None,
    fails: str = "nothing",
    registered: str = "3",
    cancelled_in: str = "",
) -> Run:
    """Walks the pipeline of `root`; `fails` is the start of the line that make ends badly on."""
    folder = root.parent
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin/make").write_text(MAKE)
    (folder / "bin/make").chmod(0o755)
    asked = folder / "asked"
    asked.write_text("")
    environ = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "ASKED": str(asked),
        "FAILS": fails,
        "REGISTERED": registered,
    }
    predefined = {**variables, **CONNECTIONS, "Build.BuildId": "7", "Agent.OS": "Linux"}
    waited: list[str] = []
    pipeline = read_azure(root, variables, parameters or {})
    walk = Walk(
        pipeline,
        lambda path: path.mkdir(parents=True),
        folder / "run",
        predefined,
        environ,
        waited.append,
        cancelled_in,
    )
    statuses = walk.run()
    assert waited == (["brave_plum"] if (parameters or {}).get("waitOnServer") else [])
    return Run(statuses, asked.read_text().splitlines(), walk)


def test_from_a_merge_to_production(repository: Path) -> None:
    run = walked(repository)
    assert set(run.statuses.values()) == {SUCCEEDED}
    assert run.asked == [
        "lint",
        "check FORMAT=junit OUTPUT=build/check.xml",
        "test",
        "render ENV=dev",
        "render ENV=test",
        "render ENV=prod",
        "demo",
        "doctor ENV=dev",
        "register-data ENV=dev",
        "train JOB= ENV=dev",
        "-s registered ENV=dev",
        "deploy MODEL_VERSION=3 ENV=dev",
        "invoke ENV=dev",
        "monitor ENV=dev",
        "doctor ENV=test",
        "promote FROM=dev TO=test MODEL_VERSION=3 ENV=test",
        "deploy ENV=test",
        "smoke ENV=test",
        "monitor ENV=test",
        "doctor ENV=prod",
        "promote FROM=test TO=prod MODEL_VERSION=3 ENV=prod",
        "deploy ENV=prod",
        "smoke ENV=prod",
        "monitor ENV=prod",
    ]


def test_production_gets_the_release_of_test(repository: Path) -> None:
    run = walked(repository)
    assert (run.walk.folder / "prod.releasejob/build/releases/test.yml").is_file()
    assert (run.walk.folder / "artifacts/release-prod/prod.yml").is_file()


def test_a_pull_request_is_validated_without_a_login(repository: Path) -> None:
    run = walked(repository, PULL_REQUEST)
    assert run.statuses == {"Validate.Checks": SUCCEEDED, "Validate.LocalLoop": SUCCEEDED}
    assert "-s diff BASE=origin/main FORMAT=markdown" in run.asked
    steps = [step for job in run.walk.pipeline.jobs for step in job.steps]
    assert not [step for step in steps if "azureSubscription" in (step.written.get("inputs") or {})]


def test_a_training_job_that_fails_stops_the_deploy_job_and_all_after_it(repository: Path) -> None:
    run = walked(repository, fails="train")
    assert run.statuses["DEVTEST.TrainingJob"] == FAILED
    after = ("DEVTEST.DeployJob", "DEVTEST.InvokeJob", "DEVTEST.MonitorJob", "TEST.ReleaseJob", "PROD.ReleaseJob")
    assert {run.statuses[job] for job in after} == {SKIPPED}
    assert not [line for line in run.asked if line.startswith(("deploy", "promote", "-s registered"))]


@pytest.mark.parametrize("fails", ["lint", "check", "test", "render", "demo"])
def test_what_is_not_valid_goes_nowhere(repository: Path, fails: str) -> None:
    run = walked(repository, fails=fails)
    assert {status for job, status in run.statuses.items() if not job.startswith("Validate")} == {SKIPPED}
    assert not [line for line in run.asked if "ENV=dev" in line and not line.startswith("render")]


def test_without_results_of_tests_validation_fails(repository: Path) -> None:
    replace(repository, "azure-pipelines.yml", "testResultsFiles: build/*.xml", "testResultsFiles: reports/*.xml")
    assert walked(repository).statuses["Validate.Checks"] == FAILED


def test_a_model_that_the_gate_refused_is_promoted_nowhere(repository: Path) -> None:
    run = walked(repository, registered="")
    assert run.statuses["DEVTEST.MonitorJob"] == SUCCEEDED
    assert (run.statuses["TEST.ReleaseJob"], run.statuses["PROD.ReleaseJob"]) == (SKIPPED, SKIPPED)


def test_the_weekly_run_promotes_nothing(repository: Path) -> None:
    run = walked(repository, {**MAIN, "Build.Reason": "Schedule"})
    assert run.statuses["DEVTEST.MonitorJob"] == SUCCEEDED
    assert (run.statuses["TEST.ReleaseJob"], run.statuses["PROD.ReleaseJob"]) == (SKIPPED, SKIPPED)


@pytest.mark.parametrize("fails", ["promote FROM=dev", "deploy ENV=test", "smoke ENV=test"])
def test_what_test_does_not_take_production_does_not_get(repository: Path, fails: str) -> None:
    run = walked(repository, fails=fails)
    assert (run.statuses["TEST.ReleaseJob"], run.statuses["PROD.ReleaseJob"]) == (FAILED, SKIPPED)
    assert "promote FROM=test TO=prod MODEL_VERSION=3 ENV=prod" not in run.asked


def test_a_server_waits_for_training_without_an_agent(repository: Path) -> None:
    run = walked(repository, parameters={"waitOnServer": True})
    assert {job for job, status in run.statuses.items() if status != SUCCEEDED} == {"DEVTEST.CancelJob"}
    lines = [line for line in run.asked if "train" in line or "register" in line]
    assert lines == [
        "register-data ENV=dev",
        "train WAIT=0 ENV=dev",
        "train JOB=brave_plum ENV=dev",
        "-s registered ENV=dev",
    ]


def test_who_cancels_the_run_cancels_the_training_job(repository: Path) -> None:
    run = walked(repository, cancelled_in="make train")
    assert run.asked[-2:] == ["train JOB= ENV=dev", "cancel ENV=dev"]
    assert run.statuses["DEVTEST.DeployJob"] == SKIPPED


def test_so_it_is_while_a_server_waits_for_it(repository: Path) -> None:
    run = walked(repository, parameters={"waitOnServer": True}, cancelled_in="AzureMLJobWaitTask")
    assert run.asked[-1] == "cancel JOB=brave_plum ENV=dev"
    assert run.statuses["DEVTEST.CancelJob"] == SUCCEEDED
    assert run.statuses["DEVTEST.TrainingJob"] == SKIPPED


SPOILT = {
    "dependsOn removed": ("azure-pipelines.yml", "            dependsOn: TrainingJob\n", "", "AML611"),
    "condition always": (
        "azure-pipelines.yml",
        "dependsOn: TrainingJob\n            condition: succeeded()",
        "dependsOn: TrainingJob\n            condition: always()",
        "AML612",
    ),
    "continueOnError": (
        "ci/make.yml",
        "    condition: ${{ parameters.condition }}\n",
        "    condition: ${{ parameters.condition }}\n    continueOnError: true\n",
        "AML613",
    ),
}


@pytest.mark.parametrize("change", SPOILT)
def test_a_spoilt_pipeline_deploys_although_training_failed_and_the_check_finds_it(
    repository: Path, change: str
) -> None:
    path, old, new, code = SPOILT[change]
    before = {str(finding) for finding in own_findings(repository)}
    replace(repository, path, old, new)
    run = walked(repository, fails="train")
    assert run.statuses["DEVTEST.DeployJob"] == SUCCEEDED
    assert code in {finding.code for finding in own_findings(repository) if str(finding) not in before}


def test_github_runs_the_same_targets_in_the_same_order() -> None:
    """But for diff, which a pull request alone has in Azure Pipelines, and a condition keeps for it in GitHub."""
    azure = [make for job in read_azure(ROOT, MAIN, {}).jobs for make in job.makes]
    github = [make for job in read_github(ROOT).jobs for make in job.makes if make.target != "diff"]

    def plain(makes: list) -> list[tuple[str, str, str]]:
        return [
            (make.target, make.env, "".join(make.values.get(name, "") for name in ("FROM", "TO"))) for make in makes
        ]

    assert plain(github) == plain(azure)


def test_github_waits_as_azure_does() -> None:
    azure, github = read_azure(ROOT, MAIN, {}), read_github(ROOT)
    names = dict(zip([job.id for job in github.jobs], [job.id for job in azure.jobs], strict=True))
    for job, twin in zip(github.jobs, azure.jobs, strict=True):
        assert {names[other] for other in github.before(job)} == azure.before(twin)
