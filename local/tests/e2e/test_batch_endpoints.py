"""A person scores folders with a batch endpoint, with the real az: a model with a script, and a pipeline component."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

MODEL = """
$schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json
name: weigh
endpoint_name: scores
type: model
model: {path: weight.txt, type: custom_model}
code_configuration: {code: code, scoring_script: score.py}
environment: {image: python, conda_file: {dependencies: [python=3.11]}}
compute: azureml:cpu-cluster
settings:
  mini_batch_size: 10
  max_concurrency_per_instance: 2
  error_threshold: 1
  output_action: append_row
  output_file_name: weights.csv
"""
SCRIPT = """
import os, pathlib
def init():
    global weight
    (file,) = pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    weight = int(file.read_text())
def run(mini_batch):
    rows = []
    for path in map(pathlib.Path, mini_batch):
        try:
            rows.append(f"{path.name} {weight * int(path.read_text())}")
        except ValueError as error:  # no row: the file counts as an error
            print(f"{path.name}: {error}")
    return rows
"""
PIPELINE = """
name: listing
endpoint_name: scores
type: pipeline
component: pipeline.yml
settings: {default_compute: cpu-cluster}
"""
COMPONENT = """
type: pipeline
name: listing
version: "1"
inputs: {rows: {type: uri_folder}, times: {type: integer, default: 1}}
outputs: {names: {type: uri_folder}}
jobs:
  list:
    type: command
    component: step.yml
    inputs: {rows: "${{parent.inputs.rows}}", times: "${{parent.inputs.times}}"}
    outputs: {names: "${{parent.outputs.names}}"}
"""
STEP = """
type: command
name: list
version: "1"
inputs: {rows: {type: uri_folder}, times: {type: integer}}
outputs: {names: {type: uri_folder}}
environment: {image: python, conda_file: {dependencies: [python=3.11]}}
command: echo ${{inputs.times}} $(ls ${{inputs.rows}} | wc -l) > ${{outputs.names}}/counted
"""
FILES = 100


@pytest.fixture(scope="module")
def scores(az: Any) -> Any:
    """The endpoint `scores` with the deployments `weigh` (a script, the default) and `listing` (a pipeline)."""
    texts = {"model.yml": MODEL, "code/score.py": SCRIPT, "weight.txt": "3", "pipe.yml": PIPELINE,
             "pipeline.yml": COMPONENT, "step.yml": STEP}  # fmt: skip
    for name, text in texts.items():
        az.write(name, text)
    for number in range(FILES):
        az.write(f"data/{number}.txt", "corrupt" if number == 17 else str(number))
    (az.folder / "empty").mkdir()
    az("batch-endpoint create --name scores --set description=nightly --output none")
    az("batch-deployment create --file model.yml --set-default --output none")
    az("batch-deployment create --file pipe.yml --output none")
    return az


def test_documents_have_what_azure_prints(scores: Any) -> None:
    endpoint = scores.json("batch-endpoint show --name scores")
    assert endpoint["id"].startswith("/subscriptions/")
    assert (endpoint["auth_mode"], endpoint["provisioning_state"]) == ("aad_token", "Succeeded")
    assert (endpoint["defaults"], endpoint["description"]) == ({"deployment_name": "weigh"}, "nightly")
    weigh, listing = scores.json("batch-deployment list --endpoint-name scores")
    assert (weigh["type"], weigh["mini_batch_size"], weigh["output_file_name"]) == ("model", 10, "weights.csv")
    assert weigh["model"].startswith("azureml:/subscriptions/")
    assert (listing["type"], listing["settings"]) == ("pipeline", {"default_compute": "cpu-cluster"})
    assert [row["name"] for row in scores.json("batch-endpoint list")] == ["scores"]


def test_one_corrupt_file_of_a_hundred_is_let_pass_up_to_the_threshold(scores: Any) -> None:
    job = scores.json("batch-endpoint invoke --name scores --input data --job-name weighed --experiment-name nights")
    assert (job["name"], job["properties"]["properties"]["azureml.deploymentname"]) == ("weighed", "weigh")
    scores("job stream --name weighed")
    scores("job download --name weighed --output-name score --download-path got")
    lines = (scores.folder / "got/named-outputs/score/weights.csv").read_text().splitlines()
    assert "99.txt 297" in "\n".join(lines)
    assert not any("17.txt" in line for line in lines)
    scores("batch-endpoint invoke --name scores --input data --job-name strict --set error_threshold=0 --output none")
    assert "error_threshold" in scores("job stream --name strict", code=1).stderr
    assert scores.json("job show --name strict")["status"] == "Failed"


def test_a_pipeline_component_is_a_deployment_too(scores: Any) -> None:
    job = scores("batch-endpoint invoke --name scores --deployment-name listing --set inputs.rows.type=uri_folder "
                 "inputs.rows.path=data inputs.times=2 --query name --output tsv").stdout.strip()  # fmt: skip
    scores(f"job stream --name {job}")
    scores(f"job download --name {job} --output-name names --download-path counted")
    assert (scores.folder / "counted/named-outputs/names/counted").read_text().split() == ["2", str(FILES)]
    jobs = scores.json("batch-endpoint list-jobs --name scores")
    assert [row["name"] for row in jobs] == [job, "strict", "weighed"], "newest first"
    own = scores.json("batch-deployment list-jobs --name listing --endpoint-name scores")
    assert [row["name"] for row in own] == [job]


def test_the_default_and_a_deployment_change(scores: Any) -> None:
    changed = scores.json("batch-deployment update -n weigh -e scores --set mini_batch_size=5 retry_settings.timeout=9")
    assert (changed["mini_batch_size"], changed["retry_settings"]["timeout"]) == (5, 9)
    line = "batch-endpoint update --name scores --defaults deployment_name=listing"
    assert scores.json(line)["defaults"] == {"deployment_name": "listing"}
    told = scores("batch-endpoint update --name scores --set defaults.deployment_name=gone", code=1).stderr
    assert "it has: weigh, listing" in told
    scores("batch-endpoint update --name scores --set defaults.deployment_name=weigh --output none")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("batch-endpoint invoke --name scores --input empty", 1, "nothing to score in"),
        ("batch-endpoint invoke --name scores --input gone", 1, "inputs.UriFolder: "),
        ("batch-endpoint invoke --name scores", 1, "none is given (--input)"),
        ("batch-endpoint invoke --name scores --input data -d gone", 1, "has no deployment 'gone'; it has: weigh"),
        ("batch-endpoint invoke --name gone --input data", 3, "Batch endpoint 'gone' was not found"),
        ("batch-endpoint show --name gone", 3, "az ml batch-endpoint list"),
        ("batch-deployment show --name gone --endpoint-name scores", 3, "Its deployments: weigh, listing"),
        ("batch-deployment create --file model.yml --endpoint-name gone", 3, "Batch endpoint 'gone' was not found"),
        ("batch-deployment create --file model.yml --set model=azureml:gone:1", 3, "model.yml: "),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(scores: Any, line: str, code: int, message: str) -> None:
    told = scores(line, code=code)
    assert message in told.stderr
    assert told.stdout == ""


def test_jobs_outlive_endpoints(scores: Any) -> None:
    scores("batch-deployment delete --name weigh --endpoint-name scores --yes")
    assert "defaults" not in {key for key, value in scores.json("batch-endpoint show --name scores").items() if value}
    assert scores("batch-endpoint delete --name scores --yes").stdout == ""
    scores("batch-endpoint show --name scores", code=3)
    assert scores.json("job show --name weighed")["status"] == "Completed"
