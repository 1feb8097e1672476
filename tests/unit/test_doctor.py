"""`make doctor`: each thing that can be missing in Azure is named, with the command that gets it."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import doctor
from scripts.az import is_local
from tests.fake_az import FakeAz

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
WORKSPACE = "/providers/Microsoft.MachineLearningServices/workspaces/mlw-flights-dev"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-flights-dev{WORKSPACE}"
PERMISSIONS = f"rest --method get --url {SCOPE}/providers/Microsoft.Authorization/permissions?api-version="
SCIENTIST = {  # what the role AzureML Data Scientist allows
    "actions": [
        "Microsoft.MachineLearningServices/workspaces/*/read",
        "Microsoft.MachineLearningServices/workspaces/*/action",
        "Microsoft.MachineLearningServices/workspaces/*/delete",
        "Microsoft.MachineLearningServices/workspaces/*/write",
    ],
    "notActions": ["Microsoft.MachineLearningServices/workspaces/computes/*/write"],
}
READER = {"actions": ["*/read"], "notActions": []}
REFUSED = (
    "(AuthorizationFailed) The client 'ci' with object id 'abc' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/{action}' over scope '{scope}' or the scope is invalid. If access was recently "
    "granted, please refresh your credentials.\nCode: AuthorizationFailed"
)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository whose config has no placeholder left; the test runs in it, with Azure as its workspace."""
    shutil.copytree(ROOT / "config", tmp_path / "repository/config")
    for path in (tmp_path / "repository/config").glob("*.yml"):
        text = path.read_text().replace("00000000-0000-0000-0000-000000000000", SUBSCRIPTION)
        path.write_text(text.replace("example.com", "flights.invalid"))
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.delenv("AZUREML_LOCAL_ROOT", raising=False)
    assert not is_local()
    return tmp_path / "repository"


@pytest.fixture
def az(repository, tmp_path, monkeypatch) -> FakeAz:
    """An `az` for which everything is there."""
    fake = FakeAz(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    fake.says("version", {"azure-cli": "2.91.0", "extensions": {"ml": "2.40.0", "azure-devops": "1.0.2"}})
    fake.says("account list", [{"id": SUBSCRIPTION, "name": "flights", "user": {"name": "ci", "type": "user"}}])
    fake.says("group show --name rg-flights-dev", {"name": "rg-flights-dev"})
    fake.says("ml workspace show --name mlw-flights-dev", {"name": "mlw-flights-dev"})
    fake.says("ml model list --registry-name mlr-flights", [])
    fake.says("ml compute show --name cpu-cluster", {"name": "cpu-cluster"})
    fake.says("ml datastore show --name workspaceblobstore", {"name": "workspaceblobstore"})
    fake.says("rest", {"value": [READER, SCIENTIST]})
    return fake


def look(capsys, *arguments: str) -> tuple[int, dict[str, dict[str, str]], str]:
    """Exit code, checks by name, standard error."""
    code = doctor.main(doctor.parse_args(["--env", "dev", "--format", "json", *arguments]))
    told = capsys.readouterr()
    return code, {check["name"]: check for check in json.loads(told.out)}, told.err


def test_where_all_is_there_nothing_is_left_to_do(az, capsys):
    code, checks, error = look(capsys)
    assert (code, error) == (0, "")
    assert {check["state"] for check in checks.values()} == {"ok"}
    assert not any(check["todo"] for check in checks.values())
    assert any(line.startswith(PERMISSIONS) for line in az.asked)


def test_azure_knows_the_lines_that_are_asked(az, capsys):
    look(capsys)
    reference = json.loads((ROOT / "local/tests/contract/az_ml_reference.json").read_text())
    for line in (line for line in az.asked if line.startswith("ml ")):
        command, _, rest = line.partition(" --")
        known = {flag.split()[0] for flags in reference[command].values() for flag in flags} | {"--output"}
        assert {f"--{flag.split()[0]}" for flag in rest.split(" --")} <= known


@pytest.mark.parametrize(("guide", "pipeline"), [("azure-devops.md", "azure-devops"), ("github.md", "github")])
def test_the_guides_name_checks_that_there_are(az, repository, capsys, monkeypatch, guide, pipeline):
    (repository / ".github/workflows").mkdir(parents=True)
    names = "vars.AZURE_CLIENT_ID vars.AZURE_TENANT_ID vars.AZURE_SUBSCRIPTION_ID"
    (repository / ".github/workflows/ci.yml").write_text(f"# {names}\npermissions: {{id-token: write}}\n")
    monkeypatch.setenv("SYSTEM_COLLECTIONURI", "https://dev.azure.com/air/")
    monkeypatch.setenv("SYSTEM_TEAMPROJECT", "flights")
    _, checks, _ = look(capsys, "--pipeline", pipeline)
    named = set(checks_of((ROOT / "docs" / guide).read_text(encoding="utf-8")))
    assert {"roles", "registry", "environment"} <= named <= checks.keys()


def checks_of(guide: str) -> Iterator[str]:
    """Names in the last column of a guide's tables of steps."""
    steps = False
    for line in guide.splitlines():
        steps = line == "| do | check |" or (steps and line.startswith("|"))
        if steps:
            yield from re.findall(r"`([^`]+)`", line.rsplit("|", 2)[1])


def test_the_table_names_what_was_found_and_what_to_do(az, capsys):
    az.fails("ml compute show", 3, "(UserError) not found")
    assert doctor.main(doctor.parse_args(["--env", "dev"])) == 1
    told = capsys.readouterr()
    assert "missing  compute" in told.out
    assert "  compute: make infra ENV=dev" in told.out
    assert told.err == "ENV=dev is not ready: compute; what to do is above\n"


BAD: dict[str, tuple[str, int, str, str, str, str]] = {
    # line, exit code, what az says: then the check, a part of why, a part of what to do
    "no login": ("account list", 0, "", "login", "nobody", "az login"),
    "workspace not found": (
        *("ml workspace show", 3, "(ResourceNotFound) The Resource was not found."),
        *("workspace", "mlw-flights-dev is not in rg-flights-dev", "make infra ENV=dev"),
    ),
    "may not read the workspace": (
        *(
            "ml workspace show",
            1,
            REFUSED.format(action="workspaces/read", scope=SCOPE),
            "workspace",
            "403: ci may not",
        ),
        f"--role 'AzureML Data Scientist' --assignee abc --scope {SCOPE}",
    ),
    "may not read the registry": (
        *("ml model list", 1, REFUSED.format(action="registries/assets/read", scope="/r"), "registry", "403: ci may"),
        "--role 'AzureML Registry User' --assignee abc --scope /r",
    ),
    "a 403 without details": ("ml model list", 1, "Operation returned 403 Forbidden", "registry", "403", "an owner"),
    "login has expired": (
        *("ml workspace show", 1, "AADSTS700082: The refresh token has expired due to inactivity."),
        *("workspace", "AADSTS700082", "az login"),
    ),
    "no datastore": ("ml datastore show", 3, "not found", "datastore", "workspaceblobstore", "make infra ENV=dev"),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_missing_is_named_with_what_gets_it(az, capsys, bad):
    line, code, said, check, why, todo = BAD[bad]
    if code:
        az.fails(line, code, said)
    else:
        az.says(line, [])
    exit_code, checks, error = look(capsys)
    assert exit_code == 1
    assert check in error
    assert checks[check]["state"] == "missing"
    assert why in checks[check]["why"]
    assert todo in checks[check]["todo"]
    assert [name for name, one in checks.items() if one["state"] == "missing"] == [check], "one cause, told once"


def test_without_a_workspace_nothing_in_it_is_asked_for_twice(az, capsys):
    for line in ("ml workspace show", "ml compute show", "ml datastore show", "rest"):
        az.fails(line, 3, "not found")
    _, checks, error = look(capsys)
    assert error == "ENV=dev is not ready: workspace; what to do is above\n"
    assert {checks[name]["state"] for name in ("compute", "datastore", "roles")} == {"unknown"}


def test_without_its_group_only_the_group_is_missing(az, capsys):
    for line in ("group show", "ml workspace show", "ml compute show", "ml datastore show", "rest"):
        az.fails(line, 3, "(ResourceGroupNotFound) Resource group 'rg-flights-dev' could not be found.")
    code, checks, error = look(capsys)
    assert (code, error) == (1, "ENV=dev is not ready: resource group; what to do is above\n")
    assert checks["resource group"]["todo"] == "az group create --name rg-flights-dev --location westeurope"


def test_who_has_a_role_on_the_workspace_alone_need_not_see_its_group(az, capsys):
    az.fails("group show", 1, REFUSED.format(action="resourceGroups/read", scope="/g"))
    code, checks, _ = look(capsys)
    assert (code, checks["resource group"]["state"]) == (0, "unknown")


def test_a_login_to_another_subscription_is_told_with_both(az, capsys):
    az.says("account list", [{"id": "other-id", "name": "other", "user": {"name": "me"}}])
    code, checks, _ = look(capsys)
    assert code == 1
    assert checks["subscription"]["why"] == f"the login does not see {SUBSCRIPTION}, but other (other-id)"
    assert not any(line.startswith("ml ") for line in az.asked), "nothing is asked in another subscription"


@pytest.mark.parametrize(
    ("versions", "check", "todo"),
    [
        ({"azure-cli": "2.79.1", "extensions": {"ml": "2.40.0"}}, "az", "az upgrade"),
        ({"azure-cli": "2.91.0", "extensions": {}}, "ml extension", "az extension add --name ml"),
        ({"azure-cli": "2.91.0", "extensions": {"ml": "2.9.1"}}, "ml extension", "az extension update --name ml"),
    ],
)
def test_tools_have_to_be_there_and_new_enough(az, capsys, versions, check, todo):
    az.says("version", versions)
    code, checks, _ = look(capsys)
    assert (code, checks[check]["state"], checks[check]["todo"]) == (1, "missing", todo)


def test_without_az_the_way_to_one_is_told(az, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, checks, _ = look(capsys)
    assert code == 1
    assert checks["az"]["why"] == "az: not found on PATH"
    assert "install" in checks["az"]["todo"]


def test_what_could_not_be_asked_is_unknown_and_fails(az, capsys):
    """A line that failed for a reason of its own proves nothing, so the stage does not go on."""
    az.fails("ml datastore show", 1, "Failed to resolve 'management.azure.com'\x1b[2J")
    code, checks, error = look(capsys)
    assert code == 1
    assert checks["datastore"]["state"] == "unknown"
    assert checks["datastore"]["why"] == "Failed to resolve 'management.azure.com'[2J", "nothing steers the terminal"
    assert error == "ENV=dev is not ready: datastore; what to do is above\n"


@pytest.mark.parametrize(
    ("permissions", "lacks"),
    [
        ([READER], "jobs/write"),
        ([{"actions": ["*"], "notActions": ["*/onlineEndpoints/write"]}], "onlineEndpoints/write"),
        ([], "schedules/write"),
    ],
)
def test_who_may_only_read_lacks_a_role(az, capsys, permissions, lacks):
    az.says("rest", {"value": permissions})
    code, checks, _ = look(capsys)
    assert code == 1
    assert f"workspaces/{lacks}" in checks["roles"]["why"]
    assert f"--role 'AzureML Data Scientist' --assignee ci --scope {SCOPE}" in checks["roles"]["todo"]


def test_what_one_role_forbids_another_may_allow(az, capsys):
    az.says("rest", {"value": [{"actions": ["*"], "notActions": ["*/write"]}, SCIENTIST]})
    assert look(capsys)[0] == 0


def test_a_variable_that_its_group_does_not_give_is_named(az, capsys, monkeypatch):
    monkeypatch.setenv("RELEASE_TO", "$(releaseTo)")
    code, checks, _ = look(capsys)
    assert code == 1
    assert checks["variables"]["why"] == "no value for releaseTo (as RELEASE_TO)"
    assert checks["variables"]["todo"] == "Pipelines > Library > flights-dev: add releaseTo"


def test_placeholders_of_the_config_are_named(az, capsys, repository):
    shutil.copy(ROOT / "config/dev.yml", repository / "config/dev.yml")
    code, checks, _ = look(capsys)
    assert code == 1
    assert checks["config"]["why"] == "still as it came: subscription: 00000000-0000-0000-0000-000000000000"


def test_an_environment_without_config_is_refused(repository, capsys):
    assert doctor.main(doctor.parse_args(["--env", "stage"])) == 1
    assert "there is no environment 'stage'; there are: dev, local, prod, test" in capsys.readouterr().err
