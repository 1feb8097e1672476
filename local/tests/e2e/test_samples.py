"""Specs written as Microsoft's public samples are: what they use of environments, code and compute works as it is."""

import subprocess
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PIPELINE = """
type: pipeline
settings: {default_compute: "azureml:cpu-cluster", default_datastore: "azureml:workspaceblobstore"}
inputs: {word: hello}
jobs:
  image:
    command: python -c 'print("image", "${{inputs.word}}")' && echo kept > outputs/kept.txt
    environment: {image: "library/python:latest"}
    inputs: {word: "${{parent.inputs.word}}"}
    outputs: {artifacts: }
  curated:
    type: command
    command: cat ${{inputs.kept}}/outputs/kept.txt && python -c 'import sklearn; print("sklearn", sklearn.__version__)'
    environment: azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu@latest
    inputs: {kept: "${{parent.jobs.image.outputs.artifacts}}"}
    resources: {instance_type: Standard_DS3_v2, instance_count: 1}
    identity: {type: user_identity}
  included: {type: command, component: "file:./parts/component.yml", compute: "azureml:serverless"}
  nested: {type: pipeline, component: ./parts/nested.yml}
"""
COMPONENT = """
name: included
type: command
code: ../src
additional_includes: [../common]
environment: {build: {path: ../context}}
command: python main.py; ls -A . common
"""
NESTED = """
type: pipeline
jobs:
  deep: {type: command, command: echo deep, environment: "azureml://registries/azureml/environments/sklearn-1.5/versions/3"}
"""
SERVED = """
command: echo served
code: src/main.py
environment: {image: python}
services: {my_jupyter_lab: {type: jupyter_lab}}
"""
FILES = {
    "parts/component.yml": COMPONENT,
    "parts/nested.yml": NESTED,
    "served.yml": SERVED,
    "src/main.py": "import six\nfrom common.helper import WORD\nprint(WORD, six.__version__)\n",
    "src/.amlignore": "*.log\nscratch/\n",
    "src/run.log": "left out",
    "src/scratch/big": "left out",
    "common/helper.py": "WORD = 'from the include'\n",
    "common/.gitignore": "secret\n",
    "common/secret": "left out",
    "context/Dockerfile": "FROM python:3.11\nCOPY requirements.txt .\n"
                          "RUN pip install -r requirements.txt && rm requirements.txt\n",
    "context/requirements.txt": "# tools\nsix==1.17.0\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def stream(az: Any) -> str:
    """What the pipeline prints while it runs."""
    for name, text in {**FILES, "pipeline.yml": PIPELINE}.items():
        az.write(name, text)
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main"], cwd=az.folder, check=True)
    return str(az("job create --file pipeline.yml --name sample --stream").stdout)


def logs(az: Any, step: str, parent: str = "sample") -> list[str]:
    """Lines of the log of a step."""
    children = {row["display_name"]: row["name"] for row in az.json(f"job list --parent-job-name {parent}")}
    az(f"job download --name {children[step]} --download-path got-{step}")
    log = az.folder / f"got-{step}/artifacts/user_logs/std_log.txt"
    return str(log.read_text()).splitlines()


def test_all_steps_complete_and_their_stream_tells_what_environments_are(az: Any, stream: str) -> None:
    for step in ("image", "curated", "included", "nested", "nested.deep"):
        assert f"{step}: completed in" in stream
    assert "image: Image library/python:latest is not run: the job gets a plain Python 3.11 with pip" in stream
    assert "curated: Curated environment sklearn-1.0-ubuntu20.04-py38-cpu (latest): here stands for it" in stream
    assert "included: Dockerfile is not built: the job gets Python 3.11 with what it installs with pip" in stream
    assert "nested.deep: Curated environment sklearn-1.5 (3): here stands for it" in stream


def test_the_output_artifacts_is_what_the_step_before_kept(az: Any, stream: str) -> None:
    lines = logs(az, "curated")
    assert "kept" in lines
    assert any(line.startswith("sklearn 1.5.") for line in lines)


def test_code_has_its_includes_and_not_what_is_ignored(az: Any, stream: str) -> None:
    lines = logs(az, "included")
    assert "from the include 1.17.0" in lines
    assert {"main.py", "common", "outputs", "logs", "helper.py"} <= set(lines)
    assert not {"run.log", "scratch", "secret"} & set(lines)


def test_a_job_with_services_and_a_file_as_its_code_runs(az: Any, stream: str) -> None:
    job = az.json("job create --file served.yml --set command='ls *.py' --query '[name,properties]'")
    assert az(f"job stream --name {job[0]}").stdout.splitlines()[-1].strip().endswith("Completed")
    assert "mlflow.source.git.branch" in job[1] or "azureml.git.dirty" in job[1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("environment.image=rocker/tidyverse:4.0", "environment: image rocker/tidyverse:4.0 is not of Python"),
        ("resources.instance_type=Standard_NC6s_v3", "resources.instance_type: Standard_NC6s_v3 has GPUs"),
        ("environment=azureml:AzureML-pytorch-1.9-ubuntu18.04-py37-cuda11-gpu@latest", "is made for GPUs"),
    ],
)
def test_what_needs_more_than_this_machine_is_refused_by_name(az: Any, stream: str, fields: str, message: str) -> None:
    assert message in az(f"job validate --file served.yml --set {fields}", code=1).stderr


def test_a_prompt_flow_in_a_pipeline_is_refused_by_name(az: Any) -> None:
    schema = "https://azuremlschemas.azureedge.net/promptflow/latest/Flow.schema.json"
    az.write("flow/flow.dag.yaml", f"$schema: {schema}\ninputs: {{url: {{type: string}}}}\nnodes: []\n")
    step = "{type: parallel, component: flow/flow.dag.yaml, inputs: {url: x}}"
    az.write("flow.yml", f"type: pipeline\njobs: {{ask: {step}}}")
    message = "jobs.ask.component.type: the local workspace can't run promptflow_parallel jobs; it runs command, "
    assert message in az("job validate --file flow.yml", code=1).stderr
