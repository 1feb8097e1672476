"""A person registers and reads assets with the real az: what is printed, and which exit code says what."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
ID += "/providers/Microsoft.MachineLearningServices/workspaces/w"
COMPONENT = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: scale
version: "1"
type: command
inputs:
  rows: {type: uri_file}
  rate: {type: number, default: 0.1}
outputs:
  scaled: {type: uri_folder}
code: ./src
environment: azureml:science:1
command: python scale.py ${{inputs.rows}} ${{inputs.rate}} ${{outputs.scaled}}
"""
ENVIRONMENT = """
$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: science
version: "1"
image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04
conda_file: conda.yml
tags: {team: flights}
"""


def test_a_data_asset_is_uploaded_and_read_back(az: Any) -> None:
    az.write("rows.csv", "a,b\n1,2\n")
    az.write("data.yml", "name: rows\nversion: '1'\ntype: uri_file\npath: rows.csv\n")
    created = az.json("data create --file data.yml --set tags.season=summer description=late")
    assert created["id"] == f"{ID}/data/rows/versions/1"
    assert created["resourceGroup"] == "g"
    assert (created["name"], created["version"], created["type"]) == ("rows", "1", "uri_file")
    assert (created["tags"], created["description"]) == ({"season": "summer"}, "late")
    assert created["path"].startswith("azureml://datastores/workspaceblobstore/paths/LocalUpload/")
    assert "created_at" in created["creation_context"]
    assert az.json("data show --name rows --version 1") == created
    assert az.json("data show --name rows --label latest") == created


def test_flags_alone_make_a_data_asset_with_the_next_version(az: Any) -> None:
    az.write("more.csv", "a,b\n3,4\n")
    line = "data create --name rows --path more.csv --type uri_file --query version --output tsv"
    assert az(line).stdout == "2\n"
    assert [row["version"] for row in az.json("data list --name rows")] == ["2", "1"]
    assert [row["version"] for row in az.json("data list --name rows --max-results 1")] == ["2"]


def test_a_version_is_immutable(az: Any) -> None:
    az("data create --file data.yml --output none")
    az.write("rows.csv", "a,b\n9,9\n")
    refused = az("data create --file data.yml", code=1)
    assert "rows:1 exists with other content" in refused.stderr
    assert refused.stdout == ""
    assert az("data update -n rows -v 1 --set path=elsewhere", code=1).stderr.startswith("ERROR: data rows: path")


def test_what_may_change_is_changed_by_update(az: Any) -> None:
    updated = az.json("data update -n rows -v 2 --set tags.checked=yes description=new")
    assert (updated["tags"], updated["description"]) == ({"checked": "yes"}, "new")
    assert az.json("data update -n rows -v 2 --remove tags.checked")["tags"] == {}


def test_an_archived_version_is_hidden_until_it_is_restored(az: Any) -> None:
    assert az("data archive --name rows --version 2").stdout == ""
    assert [row["version"] for row in az.json("data list --name rows")] == ["1"]
    assert len(az.json("data list --name rows --include-archived")) == 2
    assert [row["version"] for row in az.json("data list --name rows --archived-only")] == ["2"]
    az("data restore --name rows --version 2")
    assert len(az.json("data list --name rows")) == 2


def test_listing_without_a_name_gives_one_row_a_name(az: Any) -> None:
    assert [row["name"] for row in az.json("data list")] == ["rows"]
    header, _, row = az("data list --output table").stdout.splitlines()
    assert header.split()[-2:] == ["Name", "ResourceGroup"]
    assert "rows" in row


def test_an_environment_shows_its_conda_dependencies(az: Any) -> None:
    az.write("conda.yml", "dependencies: [python=3.11, pip, {pip: [numpy==1.26.4]}]\n")
    az.write("environment.yml", ENVIRONMENT)
    created = az.json("environment create --file environment.yml")
    assert created["id"] == f"azureml:{ID}/environments/science/versions/1"
    assert created["conda_file"]["dependencies"] == ["python=3.11", "pip", {"pip": ["numpy==1.26.4"]}]
    assert created["tags"] == {"team": "flights"}
    by_flags = az.json("environment create --name science --image python --conda-file conda.yml --tags a=b c=d")
    assert (by_flags["version"], by_flags["tags"]) == ("2", {"a": "b", "c": "d"})


def test_a_build_context_is_kept_if_its_dockerfile_only_installs_with_pip(az: Any) -> None:
    az.write("context/Dockerfile", "FROM python:3.11\nRUN pip install six\n")
    az.write("built.yml", "name: built\nbuild: {path: ./context}\n")
    store = "azureml://datastores/workspaceblobstore/paths/LocalUpload/"
    assert az.json("environment create --file built.yml --query build.path").startswith(store)
    assert az.json("environment create --name flags --build-context context --query build.path").startswith(store)
    az.write("context/Dockerfile", "FROM python:3.11\nRUN apt-get install -y git\n")
    refused = az("environment create --file built.yml --version 2", code=1).stderr
    assert "ERROR: built.yml: build: Dockerfile: RUN apt-get install -y git: the local workspace runs no" in refused


def test_a_component_keeps_its_code_and_its_declarations(az: Any) -> None:
    code = az.write("src/scale.py", "print('scale')\n")
    az.write("component.yml", COMPONENT)
    created = az.json("component create --file component.yml")
    assert created["id"] == f"azureml:{ID}/components/scale/versions/1"
    assert created["code"].startswith(f"azureml:{ID}/codes/")
    assert created["inputs"]["rate"] == {"type": "number", "default": "0.1"}
    assert created["is_deterministic"] is True
    assert az.json("component show --name scale") == created, "without version or label: the latest"
    assert az.json("component create --file component.yml") == created, "the same content again: the same version"
    code.write_text("print('other')\n", encoding="utf-8")
    assert "exists with other content" in az("component create --file component.yml", code=1).stderr
    renamed = az.json("component create --file component.yml --version 2 --set display_name=Scale")
    assert (renamed["version"], renamed["display_name"]) == ("2", "Scale")


def test_compute_is_created_scaled_and_deleted(az: Any) -> None:
    assert az.json("compute list --query [].name") == ["cpu-cluster"]
    created = az.json("compute create --name big --type amlcompute --size STANDARD_DS3_V2 --max-instances 4")
    assert (created["id"], created["max_instances"]) == (f"{ID}/computes/big", 4)
    assert az("compute update -n big --max-instances 8 --query max_instances -o tsv").stdout == "8\n"
    assert "--vnet-name" in az("compute create --name net --type amlcompute --vnet-name v", code=1).stderr
    flags = "--location westus --identity-type SystemAssigned"
    placed = az.json(f"compute create --name placed --type amlcompute {flags}")
    assert (placed["location"], placed["identity"]) == ("westus", {"type": "system_assigned"})
    assert [node["node_state"] for node in az.json("compute list-nodes --name big")] == ["idle"]
    assert [size["name"] for size in az.json("compute list-sizes")] == ["local"]
    assert "Use --yes" in az("compute delete --name big", code=1).stderr
    assert az("compute delete --name big --yes").stdout == ""
    assert az("compute show --name big", code=3).stdout == ""


def test_a_datastore_keeps_no_secret(az: Any) -> None:
    az.write("store.yml", "name: landing\ntype: azure_blob\naccount_name: a\ncontainer_name: c\n"
             "credentials: {account_key: c2VjcmV0}\n")  # fmt: skip
    assert "c2VjcmV0" not in az("datastore create --file store.yml").stdout
    assert "c2VjcmV0" not in az("datastore show --name landing").stdout
    assert az("datastore list --query [].name --output tsv").stdout.split() == [
        "landing", "workspaceartifactstore", "workspaceblobstore"]  # fmt: skip
    updated = az.json("datastore update --name landing --set description=here tags.a=b")
    assert (updated["description"], updated["tags"]) == ("here", {"a": "b"})
    filed = az.json("datastore update --file store.yml --set description=again --remove tags.a")
    assert (filed["name"], filed["description"], filed["tags"]) == ("landing", "again", {})
    az.write("landed.csv", "a\n1\n")
    line = "data create --name landed --path landed.csv --type uri_file --datastore landing --query path --output tsv"
    assert az(line).stdout.startswith("azureml://datastores/landing/paths/LocalUpload/")
    az.write("landed.yml", "{name: landed, path: landed.csv, type: uri_file, datastore: 'azureml:landing'}")
    assert az.json("data create --file landed.yml")["path"].startswith(
        "azureml://datastores/landing/paths/LocalUpload/"
    )
    assert az("datastore delete --name landing").stdout == ""
    az("datastore show --name landing", code=3)


def test_a_workspace_is_described_and_deleted_with_its_folder(az: Any) -> None:
    created = az.json("workspace create --name second --resource-group g2 --description first")
    folder = Path(created["storage_account"]).parent
    assert folder.is_dir()
    updated = az.json("workspace update --name second -g g2 --description changed --set tags.a=b")
    assert (updated["description"], updated["tags"]) == ("changed", {"a": "b"})
    assert [row["name"] for row in az.json("workspace list --resource-group g2")] == ["second"]
    assert "location" in az("workspace update --name second -g g2 --set location=moon", code=1).stderr
    az.write("second.yml", "name: second\ndisplay_name: Second\n")
    assert az.json("workspace update --name second -g g2 --file second.yml")["display_name"] == "Second"
    assert [*az.json("workspace diagnose --name second -g g2").values()] == [[]] * 9
    assert az("workspace delete --name second -g g2 --yes").stdout == ""
    assert not folder.exists()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("data show --name rows --version 1 --colour red", 2, "unrecognized arguments: --colour red"),
        ("data show --name rows --version 99", 3, "rows:99"),
        ("data show --name absent --label latest", 1, "absent"),
        ("serverless-endpoint create --file x --anything", 1, "az ml serverless-endpoint create"),
        ("nonsense list", 2, "nonsense"),
    ],
)
def test_what_goes_wrong_is_told_and_has_azures_exit_code(az: Any, line: str, code: int, message: str) -> None:
    done = az(line, code=code)
    assert message in done.stderr
    assert done.stdout == ""


def test_help_says_what_is_supported(az: Any) -> None:
    groups = az("--help").stdout
    assert "Environments: what a job's Python has installed." in groups
    assert "online-endpoint" in groups
    assert "Not supported by the local workspace yet" in az("data --help").stdout
    assert "--skip-validation" in az("data create --help").stdout


def test_a_broken_spec_names_the_field_and_what_is_allowed(az: Any) -> None:
    az.write("broken.yml", "name: broken\ntype: uri_thing\npath: rows.csv\n")
    told = az("data create --file broken.yml", code=1).stderr
    assert "broken.yml: type: " in told
    assert "Must be one of: uri_file, uri_folder, mltable." in told
    assert "experimental" not in told


@pytest.mark.parametrize(
    ("unset", "code", "message"),
    [
        ("AZURE_DEFAULTS_WORKSPACE", 1, "[--workspace-name/-w, --registry-name]"),
        ("AZURE_DEFAULTS_GROUP", 1, "--resource-group/-g"),
        ("AZUREML_LOCAL_ROOT", 1, 'eval "$(make -s env)"'),
    ],
)
def test_a_missing_default_is_told(az: Any, unset: str, code: int, message: str) -> None:
    assert message in az("data list", code=code, **{unset: ""}).stderr
