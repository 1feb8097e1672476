"""Job specs with all that Azure's schemas offer for inputs, outputs, control, sweeps: through the real az."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PIPELINE = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
experiment_name: features
inputs:
  cluster: cpu-cluster
  days: {type: uri_folder, path: data/days, mode: ro_mount}
outputs:
  tuned:
settings:
  default_datastore: azureml:workspaceblobstore
  default_compute: azureml:cpu-cluster
  continue_on_step_failure: true
  continue_run_on_failed_optional_input: true
jobs:
  modes:
    type: command
    compute: ${{parent.inputs.cluster}}
    component: features/modes.yml
    inputs:
      days: ${{parent.inputs.days}}
      uri: {path: "${{parent.inputs.days}}", mode: direct}
      colour: blue
    outputs:
      placed:
        mode: upload
        path: azureml://datastores/${{default_datastore}}/paths/placed/${{name}}/${{output_name}}
      registered: {name: features_registered, version: "3"}
    environment_variables: {FLAVOUR: node}
    limits: {timeout: 60}
    resources: {instance_count: 1, shm_size: 1g}
    distribution: {type: pytorch, process_count_per_instance: 1}
    identity: {type: user_identity}
  tune:
    type: sweep
    trial: features/trial.yml
    inputs: {days: "${{parent.jobs.modes.outputs.placed}}"}
    outputs: {o: "${{parent.outputs.tuned}}"}
    sampling_algorithm: bayesian
    search_space:
      rate: {type: uniform, min_value: 0, max_value: 1}
      depth: {type: quniform, min_value: 2, max_value: 8, q: 2}
      kind: {type: choice, values: [a, b]}
    objective: {goal: minimize, primary_metric: score}
    limits: {max_total_trials: 3, max_concurrent_trials: 2, trial_timeout: 60, timeout: 300}
  bad:
    type: command
    command: exit 4
    environment: azureml:plain:1
    outputs: {o: {type: uri_folder}}
  does_without:
    type: command
    component: features/optional.yml
    inputs: {d: "${{parent.jobs.bad.outputs.o}}"}
"""
MODES = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: modes
type: command
inputs:
  days: {type: uri_folder}
  uri: {type: uri_folder}
  whole: {type: integer, default: 3, min: 1, max: 9}
  share: {type: number, default: 0.5}
  loud: {type: boolean, default: true}
  colour: {type: string, enum: [red, blue], default: red}
  absent: {type: string, optional: true}
outputs:
  placed: {type: uri_folder}
  registered: {type: uri_folder}
environment: azureml:plain:1
environment_variables: {FLAVOUR: component, OWN: component}
command: >-
  ls ${{inputs.days}} && echo uri ${{inputs.uri}} &&
  echo ${{inputs.whole}} ${{inputs.share}} ${{inputs.loud}} ${{inputs.colour}}
  $[[--absent ${{inputs.absent}}]] $FLAVOUR $OWN &&
  echo rank $RANK of $WORLD_SIZE && echo hi > ${{outputs.placed}}/f && echo hi > ${{outputs.registered}}/f
"""
TRIAL = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: trial
type: command
inputs:
  days: {type: uri_folder}
  rate: {type: number}
  depth: {type: integer}
  kind: {type: string}
outputs:
  o: {type: uri_folder}
code: ../src
environment: azureml:plain:1
command: python score.py ${{inputs.rate}} ${{outputs.o}} ${{inputs.depth}} && echo ${{inputs.kind}} $AZUREML_SWEEP_rate
"""
OPTIONAL = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: optional
type: command
inputs:
  d: {type: uri_folder, optional: true}
environment: azureml:plain:1
command: echo [$[[${{inputs.d}}]]]
"""


@pytest.fixture(scope="module")
def features(project: Any) -> Any:
    """The job, when it has ended; one step of it fails."""
    for name, text in {"modes": MODES, "trial": TRIAL, "optional": OPTIONAL}.items():
        project.write(f"features/{name}.yml", text)
    project.write("features.yml", PIPELINE)
    project("job create --file features.yml --name features --stream", code=1)
    return {row["display_name"]: row for row in project.json("job list --parent-job-name features")}


def log(project: Any, step: Any) -> list[str]:
    folder = project.workspace.path / "jobs" / step["name"] / "artifacts"
    return (folder / "user_logs" / "std_log.txt").read_text().splitlines()


def test_a_step_gets_its_values_modes_variables_and_places(project: Any, features: Any) -> None:
    step = features["modes"]
    assert step["status"] == "Completed"
    *_, uri, values, rank = log(project, step)
    assert uri.startswith("uri azureml://subscriptions/")
    assert values == "3 0.5 True blue node component"
    assert rank == "rank 0 of 1"
    assert step["compute"].removeprefix("azureml:") == "cpu-cluster"
    assert step["outputs"]["placed"]["path"] == (
        f"azureml://datastores/workspaceblobstore/paths/placed/{step['name']}/placed"
    )
    assert step["outputs"]["registered"]["asset"] == "azureml:features_registered:3"
    assert project.json("data show --name features_registered --version 3 --query version") == "3"
    again = project("job validate --file features.yml")
    assert "jobs.modes.outputs.registered: features_registered:3 exists" in again.stderr


def test_a_bayesian_sweep_runs_with_the_extensions_own_library(project: Any, features: Any) -> None:
    tune = features["tune"]
    assert tune["status"] == "Completed"
    trials = project.json(f"job list --parent-job-name {tune['name']}")
    assert len(trials) == 3
    assert {trial["inputs"]["depth"] for trial in trials} <= {"2", "4", "6", "8"}
    assert {log(project, trial)[-1] for trial in trials} == {
        f"{trial['inputs']['kind']} {trial['inputs']['rate']}" for trial in trials
    }


def test_the_pipeline_goes_on_after_a_failed_step_as_it_was_told(project: Any, features: Any) -> None:
    assert features["bad"]["status"] == "Failed"
    assert features["does_without"]["status"] == "Completed"
    assert log(project, features["does_without"]) == ["[]"]
    shown = project.json("job show --name features --query '[status,settings]'")
    assert shown == ["Failed", {
        "default_datastore": "azureml:workspaceblobstore", "default_compute": "azureml:cpu-cluster",
        "continue_on_step_failure": True, "continue_run_on_failed_optional_input": True,
    }]  # fmt: skip


# --set, exit code, what stderr has to say.
REFUSED = {
    "name": ("name='not a name'", 1, "name: 'not a name' is not a job name"),
    "datastore": ("settings.default_datastore=azureml:absent", 3, "settings.default_datastore: Datastore 'absent'"),
    "compute of an input": ("inputs.cluster=absent", 1, "jobs.modes.compute: there is no compute 'absent'"),
    "range": ("jobs.modes.inputs.whole=10", 1, "jobs.modes.inputs.whole: 10 is above max 9"),
    "enum": ("jobs.modes.inputs.colour=green", 1, "jobs.modes.inputs.colour: 'green' is not one of red, blue"),
    "unknown input": ("jobs.modes.inputs.more=1", 1, "jobs.modes.inputs.more: there is no such input; the"),
    "output's version": ("jobs.modes.outputs.registered.version='a b'", 1, "jobs.modes.outputs.registered.version"),
    "output's path": ("jobs.modes.outputs.placed.path=here", 1, "jobs.modes.outputs.placed.path: here is not an"),
    "processes": ("jobs.modes.distribution.process_count_per_instance=4", 1,
                  "jobs.modes.distribution.process_count_per_instance: 4 can't run"),
    "nodes": ("jobs.modes.resources.instance_count=2", 1, "jobs.modes.resources.instance_count: 2 nodes need"),
    "space": ("jobs.tune.search_space.rate.type=loguniform", 1,
              "jobs.tune.search_space.rate is loguniform, and bayesian sampling takes only choice"),
}  # fmt: skip


def test_validate_and_create_refuse_the_same_with_file_and_field(project: Any, features: Any) -> None:
    before = project.workspace.jobs.list(max_results=None)

    def said(verb: str, case: str) -> str:
        fields, code, _ = REFUSED[case]
        return str(project(f"job {verb} --file features.yml --set {fields}", code=code).stderr)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        created = dict(zip(REFUSED, pool.map(lambda case: said("create", case), REFUSED), strict=True))
        validated = dict(zip(REFUSED, pool.map(lambda case: said("validate", case), REFUSED), strict=True))
    for case, (_, _, message) in REFUSED.items():
        assert f"ERROR: features.yml: {message}" in created[case]
        assert validated[case] == created[case]
    assert project.workspace.jobs.list(max_results=None) == before
