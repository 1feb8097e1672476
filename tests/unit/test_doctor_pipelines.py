"""`make doctor PIPELINE=…` and `make branch-policy`: what Azure DevOps and GitHub have to hold for the pipelines."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import branch_policy
from scripts.az import AzError
from scripts.doctor import pipeline_of
from scripts.doctoring.check import Check
from scripts.doctoring.github import github
from scripts.doctoring.machine import disk, machine, make_check, pin, python
from scripts.doctoring.policy import BUILD
from scripts.doctoring.project import project_of
from scripts.specs.config import load_config
from tests.fake_az import FakeAz

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
WHERE = "--org https://dev.azure.com/air/ --project 'New York' --detect false"
ASKED = WHERE.replace("'", "")
CONNECTION = {
    "name": "azure-dev",
    "type": "azurerm",
    "isReady": True,
    "authorization": {"scheme": "WorkloadIdentityFederation"},
    "data": {"subscriptionId": SUBSCRIPTION},
}
POLICY: dict[str, Any] = {
    "id": 31,
    "isBlocking": True,
    "isEnabled": True,
    "type": {"id": BUILD},
    "settings": {
        "buildDefinitionId": 7,
        "queueOnSourceUpdateOnly": True,
        "manualQueueOnly": False,
        "displayName": "Validate",
        "validDuration": 720.0,
        "scope": [{"repositoryId": "r-1", "refName": "refs/heads/main", "matchKind": "Exact"}],
    },
}
APPROVERS = {"id": 30, "type": {"id": "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"}, "settings": {"scope": [{}]}}


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "config", folder / "config")
    subprocess.run(["git", "init", "-q", folder], check=True)
    remote(folder, "https://me@dev.azure.com/air/New%20York/_git/flights")
    monkeypatch.chdir(folder)
    for name in ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT"):
        monkeypatch.delenv(name, raising=False)
    return folder


def remote(folder: Path, address: str) -> None:
    subprocess.run(["git", "-C", folder, "remote", "remove", "origin"], check=False, capture_output=True)
    subprocess.run(["git", "-C", folder, "remote", "add", "origin", address], check=True)


@pytest.fixture
def az(repository, tmp_path, monkeypatch) -> FakeAz:
    """An `az` for which the pipeline has everything."""
    fake = FakeAz(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    fake.says("version", {"azure-cli": "2.91.0", "extensions": {"azure-devops": "1.0.2"}})
    fake.says("pipelines show --name flights", {"id": 7})
    variables = {"serviceConnection-dev": {"value": "azure-dev", "isSecret": None}}
    fake.says("pipelines variable-group list", [{"id": 3, "name": "flights-dev", "variables": variables}])
    fake.says("devops service-endpoint list", [CONNECTION])
    fake.says("devops invoke", {"count": 1, "value": [{"id": 5, "name": "flights-dev"}]})
    fake.says("repos policy list", [APPROVERS, POLICY])
    fake.says("repos show --repository flights", {"id": "r-1"})
    return fake


def look(repository: Path) -> dict[str, tuple[str, str, str]]:
    """Name of each check -> state, why, what to do."""
    config = {**load_config(repository, "dev"), "subscription": SUBSCRIPTION}
    return {one.name: (one.state, one.why, one.todo) for one in pipeline_of(repository, os.environ, config)}


def test_a_pipeline_that_has_everything_is_ok(az, repository):
    assert {state for state, _, _ in look(repository).values()} == {"ok"}
    assert all(ASKED in line for line in az.asked if line != "version --output json" and "invoke" not in line)
    [environments] = [line for line in az.asked if "invoke" in line]
    assert "--area distributedtask --resource environments --route-parameters project=New York" in environments


@pytest.mark.parametrize(
    ("line", "answer", "check", "why", "todo"),
    [
        (
            "version",
            {"azure-cli": "2.91.0", "extensions": {}},
            "azure-devops extension",
            "no extension",
            "az extension",
        ),
        ("pipelines variable-group list", [], "variable group", "there is no variable group flights-dev", "create"),
        (
            "pipelines variable-group list",
            [{"id": 3, "name": "flights-dev", "variables": {"serviceconnection-dev": {"value": "$(connection)"}}}],
            *("variable group", "flights-dev has no value for serviceConnection-dev", "variable create --group-id 3"),
        ),
        ("devops service-endpoint list", [], "service connection", "no service connection azure-dev", "federation"),
        (
            "devops service-endpoint list",
            [{**CONNECTION, "authorization": {"scheme": "ServicePrincipal"}}],
            *("service connection", "does not fit", "its scheme is ServicePrincipal: convert it"),
        ),
        (
            "devops service-endpoint list",
            [{**CONNECTION, "data": {"subscriptionId": "another"}}],
            *("service connection", "does not fit", f"it is for another, and config/ says {SUBSCRIPTION}"),
        ),
        ("devops invoke", {"value": [{"name": "other"}]}, "environment", "no environment flights-dev", "Approvals"),
        ("repos policy list", [APPROVERS], "branch policy", "nothing builds pull requests", "make branch-policy"),
        (
            "repos policy list",
            [{**POLICY, "isEnabled": False}],
            "branch policy",
            "nothing builds",
            "make branch-policy",
        ),
    ],
)
def test_what_the_pipeline_lacks_is_named_with_what_gets_it(az, repository, line, answer, check, why, todo):
    az.says(line, answer)
    state, found, needed = look(repository)[check]
    assert state == "missing"
    assert why in found
    assert todo in needed


def test_without_the_pipeline_its_policy_is_not_judged(az, repository):
    az.fails("pipelines show", 1, 'There were no build definitions matching name "flights" in project "New York".')
    checks = look(repository)
    assert checks["pipeline"][:2] == ("missing", "there is no pipeline flights")
    assert checks["branch policy"][0] == "unknown"


@pytest.mark.parametrize(
    "address",
    [
        "https://dev.azure.com/air/New%20York/_git/flights",
        "git@ssh.dev.azure.com:v3/air/New%20York/flights",
        "https://air.visualstudio.com/New%20York/_git/flights",
    ],
)
def test_the_project_is_the_one_of_the_remote(repository, address):
    remote(repository, address)
    project = project_of(repository, {})
    assert project.organization in ("https://dev.azure.com/air/", "https://air.visualstudio.com/")
    assert (project.project, project.repository) == ("New York", "flights")


def test_on_an_agent_the_project_is_the_one_of_the_run(repository):
    """Where the code is on GitHub, the remote says nothing about the project."""
    remote(repository, "https://github.com/air/flights.git")
    agent = {"SYSTEM_COLLECTIONURI": "https://dev.azure.com/air/", "SYSTEM_TEAMPROJECT": "New York"}
    assert " ".join(project_of(repository, agent).flags) == ASKED
    assert project_of(repository, agent).repository == ""


def test_a_remote_that_is_no_project_is_told_without_its_password(repository):
    remote(repository, "https://me:secret@git.example.com/flights")
    with pytest.raises(AzError, match=r"is https://git.example.com/flights, which is no address of Azure Repos"):
        project_of(repository, {})
    assert look(repository)["project"][0] == "missing"


def policy_lines(az: FakeAz) -> list[str]:
    return [line for line in az.asked if line.startswith("repos policy build")]


def run_branch_policy() -> int:
    return branch_policy.main(branch_policy.parse_args([]))


def test_a_policy_that_is_as_it_has_to_be_is_left_alone(az, capsys):
    assert run_branch_policy() == 0
    assert policy_lines(az) == []
    assert capsys.readouterr().out.endswith("policy 31 of main is as it has to be\n")


def test_a_missing_policy_is_created_with_a_line_that_is_printed(az, capsys):
    az.says("repos policy list", [APPROVERS])
    az.says("repos policy build create", {})
    assert run_branch_policy() == 0
    settings = "--blocking true --enabled true --manual-queue-only false --queue-on-source-update-only true"
    line = (
        "repos policy build create --branch main --repository-id r-1 --build-definition-id 7 "
        f"{settings} --display-name Validate --valid-duration 720"
    )
    assert policy_lines(az) == [f"{line} {ASKED} --output none"]
    assert f"az {line} {WHERE}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"isBlocking": False}, "--blocking"),
        ({"settings": {**POLICY["settings"], "validDuration": 0.0}}, "--valid-duration"),
    ],
)
def test_a_policy_that_differs_is_updated(az, capsys, change, flag):
    az.says("repos policy list", [{**POLICY, **change}])
    az.says("repos policy build update", {})
    assert run_branch_policy() == 0
    [line] = policy_lines(az)
    assert line.startswith("repos policy build update --id 31 --branch main ")
    assert f"policy 31 differs: {flag}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        {"buildDefinitionId": 8},
        {"scope": [{"repositoryId": "r-2", "refName": "refs/heads/main"}]},
        {"scope": [{"repositoryId": "r-1", "refName": "refs/heads/release"}]},
    ],
)
def test_policies_of_other_pipelines_repositories_and_branches_are_not_touched(az, change):
    az.says("repos policy list", [{**POLICY, "settings": {**POLICY["settings"], **change}}])
    az.says("repos policy build create", {})
    assert run_branch_policy() == 0
    assert policy_lines(az)[0].startswith("repos policy build create ")


def test_who_may_not_set_policies_is_told_what_az_said(az, capsys):
    az.says("repos policy list", [])
    az.fails("repos policy build create", 1, "TF401027: You need the Git 'EditPolicies' permission")
    assert run_branch_policy() == 1
    assert "TF401027" in capsys.readouterr().err


def test_outside_of_azure_repos_there_is_no_policy_to_make(az, repository, capsys, monkeypatch):
    remote(repository, "https://github.com/air/flights")
    monkeypatch.setenv("SYSTEM_COLLECTIONURI", "https://dev.azure.com/air/")
    monkeypatch.setenv("SYSTEM_TEAMPROJECT", "New York")
    assert run_branch_policy() == 1
    assert "no address of Azure Repos" in capsys.readouterr().err
    assert look(repository)["branch policy"][0] == "ok"


WORKFLOW = """
on: push
jobs:
  train:
    environment: flights-dev
    permissions: {id-token: write}
    steps:
      - run: make train
        env: {CLIENT: "${{ vars.AZURE_CLIENT_ID }}", TOKEN: "${{ secrets.GITHUB_TOKEN }}"}
"""


def on_github(repository: Path, text: str) -> dict[str, Check]:
    (repository / ".github/workflows").mkdir(parents=True)
    (repository / ".github/workflows/ci.yml").write_text(text)
    return {one.name: one for one in github(repository, load_config(repository, "test"))}


def test_what_github_has_to_hold_is_listed_without_asking_it(repository):
    remote(repository, "git@github.com:air/flights.git")
    checks = on_github(repository, WORKFLOW)
    assert set(checks) == {"workflows", "variable AZURE_CLIENT_ID", "environment", "federated login"}
    assert all(one.passed for one in checks.values())
    assert checks["variable AZURE_CLIENT_ID"].todo == "gh variable set AZURE_CLIENT_ID --env flights-test"
    assert checks["federated login"].todo.endswith("subject repo:air/flights:environment:flights-test")


def test_a_workflow_that_may_not_ask_for_a_token_cannot_log_in(repository):
    checks = on_github(repository, WORKFLOW.replace("id-token: write", "contents: read"))
    assert (checks["federated login"].state, checks["federated login"].passed) == ("missing", False)


def test_without_workflows_there_is_nothing_that_github_could_run(repository):
    [check] = github(repository, load_config(repository, "dev"))
    assert (check.state, check.passed) == ("missing", False)


def test_this_machine_is_told_what_it_lacks(tmp_path, monkeypatch):
    """No az, no extension, no workspace, no browser: each is one check, and nothing raises."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    checks = {one.name: one for one in machine(ROOT, load_config(ROOT, "local"), tmp_path / "root", "4.3")}
    assert {name for name, one in checks.items() if not one.passed} == {"az", "ml extension", "workspace"}
    assert checks["az"].todo == checks["workspace"].todo == "make setup"
    assert (checks["chromium"].state, checks["chromium"].passed) == ("missing", True), "only tests of pages need it"


def test_versions_and_room_have_limits(tmp_path):
    assert python((3, 12), "3.12.1").state == "missing"
    assert [make_check(version).state for version in ("", "3.81", "4.3")] == ["missing", "missing", "ok"]
    assert disk(tmp_path / "not/there/yet", 1e9).why.endswith("environments and runs take 1e+09")
    assert disk(tmp_path, 0).state == "ok"
    assert pin(ROOT).count(".") == 2


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_the_pipelines_have_the_names_that_are_checked(env):
    """What doctor asks for is what azure-pipelines.yml and .github/ use."""
    names = load_config(ROOT, env)["ci"]
    pipeline = "".join(
        path.read_text() for path in (ROOT / "azure-pipelines.yml", *sorted((ROOT / "ci").glob("*.yml")))
    )
    workflows = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    assert f"- group: {names['variable_group']} " in pipeline
    assert "$(serviceConnection-${{ parameters.env }})" in pipeline
    for text, parameter in ((pipeline, "parameters.to"), (workflows, "inputs.to")):
        used = set(re.findall(r"environment: (flights-.*)", text))
        assert names["environment"].replace(env, f"${{{{ {parameter} }}}}") in used or names["environment"] in used
    assert f"branches: [{names['branch']}]" in workflows


def test_the_workflows_of_this_repository_are_listed():
    checks = {one.name: one for one in github(ROOT, load_config(ROOT, "prod"))}
    assert checks["variable AZURE_SUBSCRIPTION_ID"].todo == "gh variable set AZURE_SUBSCRIPTION_ID --env flights-prod"
    assert checks["federated login"].passed
