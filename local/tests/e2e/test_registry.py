"""A person makes a registry, shares what a workspace has, and uses it from another workspace, with the real az."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

FULL = "azureml://registries/shared"
REGISTRY = """
name: shared
location: eastus
tags: {team: flights}
replication_locations:
  - location: eastus
"""
ENVIRONMENT = "name: plain\nversion: '1'\nimage: python\nconda_file: {dependencies: [python=3.11]}\n"
COMPONENT = """
name: copy
version: "1"
type: command
inputs:
  rows: {type: uri_file}
outputs:
  copied: {type: uri_folder}
code: ./code
environment: azureml:plain:1
command: bash copy.sh ${{inputs.rows}} ${{outputs.copied}}
"""
PIPELINE = f"""
type: pipeline
experiment_name: shared
outputs:
  copied: {{type: uri_folder}}
jobs:
  copy:
    type: command
    component: {FULL}/components/copy/labels/latest
    inputs:
      rows: {{type: uri_file, path: {FULL}/data/all-rows/versions/7}}
    outputs:
      copied: ${{{{parent.outputs.copied}}}}
"""


@pytest.fixture(scope="module")
def shared(az: Any) -> Any:
    """The registry `shared` as `az ml registry create` prints it; the environment `plain` of the workspace is in it."""
    az.write("registry.yml", REGISTRY)
    az.write("environment.yml", ENVIRONMENT)
    made = az.json("registry create --file registry.yml --set tags.stage=trial --display-name Shared")
    az("environment create --file environment.yml --output none")
    names = "--registry-name shared --share-with-name plain --share-with-version 1"
    assert (
        az.json(f"environment share --name plain --version 1 {names}")["id"] == f"{FULL}/environments/plain/versions/1"
    )
    return made


def test_a_registry_is_shown_listed_and_changed(az: Any, shared: Any) -> None:
    assert shared["id"].endswith("/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/shared")
    assert (shared["tags"], shared["display_name"]) == ({"team": "flights", "stage": "trial"}, "Shared")
    assert az.json("registry show --name shared") == shared
    assert [row["name"] for row in az.json("registry list --max-results 1")] == ["shared"]
    changed = az.json("registry update --name shared --set description=ours --remove tags.stage")
    assert (changed["description"], changed["tags"]) == ("ours", {"team": "flights"})
    assert az.json("registry update --file registry.yml --tags a=b")["tags"] == {"a": "b"}
    assert "location: of a registry, only" in az("registry update -n shared --set location=x", code=1).stderr


def test_data_is_shared_by_exact_name_and_version(az: Any, shared: Any) -> None:
    az.write("rows.csv", "a,b\n1,2\n")
    az("data create --name rows --version 1 --type uri_file --path rows.csv --output none")
    target = "--registry-name shared --share-with-name all-rows --share-with-version 7"
    made = az.json(f"data share --name rows --version 1 {target}")
    assert (made["id"], made["version"]) == (f"{FULL}/data/all-rows/versions/7", "7")
    assert az.json(f"data share --name rows --version 1 {target}") == made
    assert az.json("data show --name all-rows --label latest --registry-name shared") == made
    az.write("rows.csv", "a,b\n3,4\n")
    az("data create --name rows --version 2 --type uri_file --path rows.csv --output none")
    assert "all-rows:7 exists with other content" in az(f"data share --name rows --version 2 {target}", code=1).stderr


def test_a_component_goes_in_with_an_environment_of_the_registry_alone(az: Any, shared: Any) -> None:
    az.write("code/copy.sh", "cp $1 $2/rows.csv\n")
    az.write("component.yml", COMPONENT)
    line = "component create --file component.yml --registry-name shared"
    told = az(line, code=1).stderr
    assert "component.yml: environment: azureml:plain:1 names an asset of a workspace" in told
    assert "az ml environment share --registry-name shared" in told
    made = az.json(f"{line} --set environment={FULL}/environments/plain/versions/1")
    assert (made["id"], made["environment"]) == (
        f"{FULL}/components/copy/versions/1",
        f"{FULL}/environments/plain/versions/1",
    )
    assert made["code"].startswith(f"{FULL}/codes/")
    assert az.json("component show --name copy --registry-name shared --workspace-name absent") == made, "registry wins"


def test_models_of_a_registry(az: Any, shared: Any) -> None:
    az.write("net/weights.txt", "1 2 3\n")
    made = az.json("model create --name net --version 2 --path net --registry-name shared --tags a=b")
    assert (made["id"], made["tags"]) == (f"{FULL}/models/net/versions/2", {"a": "b"})
    line = "model update --name net --version 2 --registry-name shared --set tags.gate=passed description=new"
    assert az.json(line)["tags"] == {"a": "b", "gate": "passed"}
    assert az("model download --name net --version 2 --registry-name shared --download-path got").stdout == ""
    assert (az.folder / "got/net/net/weights.txt").read_text() == "1 2 3\n"
    assert az("model archive --name net --label latest --registry-name shared").stdout == ""
    assert az.json("model list --name net --registry-name shared") == []
    az("model restore --name net --version 2 --registry-name shared")
    assert [row["version"] for row in az.json("model list --name net --registry-name shared")] == ["2"]
    assert az("model show --name net --version 9 --registry-name shared", code=3).stdout == ""


def test_another_workspace_runs_what_the_registry_has(az: Any, shared: Any) -> None:
    az("workspace create --name other --output none")
    az.write("pipeline.yml", PIPELINE)
    flags = {"AZURE_DEFAULTS_WORKSPACE": "other"}
    az("job create --file pipeline.yml --name used --stream", **flags)
    az("job download --name used --output-name copied --download-path used", **flags)
    assert (az.folder / "used/named-outputs/copied/rows.csv").read_text() == "a,b\n1,2\n"
    az("workspace delete --name other --yes")


def test_a_registry_is_deleted(az: Any) -> None:
    az.write("brief.yml", REGISTRY.replace("shared", "brief"))
    az("registry create --file brief.yml --output none")
    assert az("registry delete --name brief").stdout == ""
    assert "az ml registry create" in az("registry show --name brief", code=3).stderr
    assert "location: Missing data" in az("registry create --name brief", code=1).stderr
