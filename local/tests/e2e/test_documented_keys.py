"""The JSON that a recorded list of commands prints has the keys that Azure's has: measured with the real extension."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

JOB = """creation_context display_name experiment_name id inputs name outputs properties resourceGroup services status
         tags type"""
VERSION = "creation_context id name path properties resourceGroup tags type version"
# Line -> keys; what is printed beside these only when it is given (settings, code, …) is not in the specs below.
DOCUMENTED = {
    "data create --name rows --version 1 --type uri_file --path rows.csv --description d": f"{VERSION} description",
    "data show --name rows --version 1": f"{VERSION} description",
    "model create --name m --path rows.csv": VERSION,
    "component create --file component.yml": "command creation_context environment id inputs is_deterministic name "
    "resourceGroup type version",
    "job validate --file pipeline.yml": "result",
    "job show --name one": f"{JOB} command compute environment environment_variables",
    "job show --name two": f"{JOB} jobs",
}
ENVIRONMENT = "name: plain\nversion: '1'\nimage: python\nconda_file: {dependencies: [python=3.11]}\n"
COMPONENT = (
    "name: c\nversion: '1'\ntype: command\nenvironment: azureml:plain:1\ninputs: {alpha: {type: number, default: 1}}\n"
)
COMPONENT += "command: echo ${{inputs.alpha}}\n"
COMMAND = """
type: command
command: echo ${{inputs.alpha}}
environment: azureml:plain:1
environment_variables: {A: b}
compute: azureml:cpu-cluster
experiment_name: keys
inputs: {alpha: 1}
"""
PIPELINE = """
type: pipeline
experiment_name: keys
inputs: {alpha: 1}
jobs:
  only: {type: command, component: ./component.yml, inputs: {alpha: "${{parent.inputs.alpha}}"}}
"""


@pytest.fixture(scope="module")
def written(az: Any) -> Any:
    """az with the specs, and the finished jobs `one` (a command) and `two` (a pipeline)."""
    az.write("rows.csv", "a\n1\n")
    az.write("environment.yml", ENVIRONMENT)
    az.write("component.yml", COMPONENT)
    az.write("command.yml", COMMAND)
    az.write("pipeline.yml", PIPELINE)
    az("environment create --file environment.yml --output none")
    az("job create --file command.yml --name one --stream --output none")
    az("job create --file pipeline.yml --name two --stream --output none")
    return az


@pytest.mark.parametrize("line", DOCUMENTED)
def test_the_keys_are_the_documented_ones(written: Any, line: str) -> None:
    assert set(written.json(line)) == set(DOCUMENTED[line].split())


def test_what_documents_say_is_said_in_the_documented_form(written: Any) -> None:
    job = written.json("job show --name one")
    assert (job["inputs"], job["compute"], job["environment"]) == (
        {"alpha": "1"}, "azureml:cpu-cluster", "azureml:plain:1")  # fmt: skip
    assert job["creation_context"].keys() == {"created_at", "created_by", "created_by_type"}
    assert job["services"].keys() == {"Studio", "Tracking"}
    assert written.json("component show --name c")["inputs"] == {"alpha": {"type": "number", "default": "1.0"}}


def test_the_table_of_jobs_has_the_documented_columns(written: Any) -> None:
    header, _, *rows = written("job list --output table").stdout.splitlines()
    columns = ("Name", "Status", "Experiment", "Compute target", "Job type", "Created on")
    assert " ".join(header.split()) == " ".join(columns)
    assert len(rows) == 2


@pytest.mark.parametrize(
    "line",
    [
        "job cancel --name one",
        "job archive --name one",
        "data archive --name rows",
        "job stream --name two --output none",
    ],
)
def test_what_prints_no_json_on_azure_prints_none(written: Any, line: str) -> None:
    assert "{" not in written(line).stdout
