"""What a submitted job is checked for before any step runs, and what becomes of its references."""

import pytest
from ml_workspace import NotFound, Unsupported, Workspace, WorkspaceError
from ml_workspace.planner import Planner


@pytest.fixture
def ws(tmp_path):
    workspace = Workspace.create(tmp_path / "root", "rg", "ws")
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("print(1)\n")
    workspace.assets.create(
        "environment", {"name": "env", "version": "1", "conda_file": {"dependencies": ["python=3.11"]}}
    )
    workspace.assets.create(
        "component",
        {
            "name": "step", "version": "1", "type": "command", "code": str(code), "command": "python a.py",
            "environment": "azureml:env:1",
            "inputs": {
                "n": {"type": "integer", "default": "3", "min": 1, "max": 9},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "data": {"type": "uri_folder", "optional": True},
                "file": {"type": "uri_file", "optional": True},
            },
            "outputs": {"o": {"type": "uri_folder"}},
        },
    )  # fmt: skip
    return workspace


def pipeline(inputs=None, outputs=None, **jobs):
    nodes = {name: {"type": "command", "component": "azureml:step:1", **node} for name, node in jobs.items()}
    return {"type": "pipeline", "inputs": inputs or {}, "outputs": outputs or {}, "jobs": nodes}


def planned(ws, doc, tmp_path):
    return Planner(ws, tmp_path).plan(doc)


def test_component_code_and_environment_are_resolved(ws, tmp_path):
    node = planned(ws, pipeline(a={"inputs": {"n": 4}}), tmp_path).jobs["a"]
    assert node.inputs == {"n": {"literal": "4"}, "mode": {"literal": "a"}}
    assert "/codes/" in node.spec["code"]
    assert node.environment["name"] == "env"
    assert node.component.endswith("/components/step/versions/1")


def test_steps_and_pipeline_are_bound_to_each_other(ws, tmp_path):
    doc = pipeline(
        {"k": 5}, {"final": {"type": "uri_folder"}},
        a={"inputs": {"n": {"path": "${{parent.inputs.k}}"}}},
        b={"inputs": {"data": "${{parent.jobs.a.outputs.o}}"}, "outputs": {"o": "${{parent.outputs.final}}"}},
    )  # fmt: skip
    plan = planned(ws, doc, tmp_path)
    assert plan.jobs["a"].inputs["n"] == {"from": ["parent", "k"]}
    assert plan.jobs["b"].inputs["data"] == {"from": ["a", "o"]}
    assert plan.jobs["b"].outputs["o"]["parent"] == "final"


def test_latest_is_pinned_and_local_data_uploaded(ws, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.csv").write_text("1")
    ws.assets.create("data", {"name": "d", "type": "uri_folder", "path": str(tmp_path / "d")})
    plan = planned(ws, pipeline(a={"inputs": {"data": {"path": "azureml:d@latest", "type": "uri_folder"}}}), tmp_path)
    assert plan.jobs["a"].inputs["data"]["asset"] == "azureml:d:1"
    plan = planned(ws, pipeline(a={"inputs": {"data": {"path": "d", "type": "uri_folder"}}}), tmp_path)
    uri = plan.jobs["a"].inputs["data"]["uri"]
    assert (ws.resolve.path(uri) / "x.csv").read_text() == "1"


PARALLEL = {
    "type": "parallel",
    "component": {
        "type": "parallel",
        "inputs": {"files": {"type": "uri_folder"}},
        "input_data": "${{inputs.files}}",
        "task": {"type": "run_function", "entry_script": "a.py", "environment": "azureml:env:1"},
    },
    "inputs": {"files": "${{parent.inputs.files}}"},
}
FILES = {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/x"}


def test_settings_of_a_node_take_inputs_of_the_pipelines_around_it(ws, tmp_path):
    settings = {
        "retry_settings": {"max_retries": "${{parent.inputs.n}}", "timeout": "${{ parent.inputs.n }}0"},
        "error_threshold": "${{parent.inputs.n}}",
        "mini_batch_size": "${{parent.inputs.size}}kb",
        "environment_variables": {"A": "${{parent.inputs.n}}", "B": "${{parent.inputs.size}} of ${{parent.inputs.n}}"},
    }
    inner = {
        "type": "pipeline",
        "inputs": {"n": {"type": "integer"}, "size": {"type": "integer", "default": "2"}, "files": FILES},
        "jobs": {"a": {**PARALLEL, **settings, "mini_batch_size": "${{parent.inputs.size}}"}},
    }
    outer = pipeline(
        {"k": 4, "files": FILES, "seconds": "60"},
        b={"limits": {"timeout": "${{parent.inputs.seconds}}"}},
    )
    taken = {"n": "${{parent.inputs.k}}", "files": "${{parent.inputs.files}}"}
    outer["jobs"]["nested"] = {"type": "pipeline", "component": inner, "inputs": taken}
    plan = planned(ws, outer, tmp_path)
    assert plan.jobs["b"].spec["limits"] == {"timeout": 60}
    spec = plan.jobs["nested"].jobs["a"].spec
    assert spec["retry_settings"] == {"max_retries": 4, "timeout": "40"}
    assert (spec["error_threshold"], spec["mini_batch_size"]) == (4, 2)
    assert spec["environment_variables"] == {"A": "4", "B": "2 of 4"}
    assert type(plan).load(plan.document()) == plan


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retry_settings": {"max_retries": "${{parent.inputs.absent}}"}},
         "jobs.a.retry_settings.max_retries: ${{parent.inputs.absent}} is no input of the pipeline; there are: "
         "word, files."),
        ({"error_threshold": "${{parent.jobs.b.outputs.o}}"},
         "jobs.a.error_threshold: ${{parent.jobs.b.outputs.o}} is no input of the pipeline"),
        ({"mini_batch_size": "${{parent.inputs.files}}"},
         "jobs.a.mini_batch_size: the pipeline's input 'files' is data, and a setting needs a literal."),
        ({"max_concurrency_per_instance": "${{parent.inputs.word}}"},
         "jobs.a.max_concurrency_per_instance must be an integer from 1 on, not 'some'"),
        ({"retry_settings": {"timeout": 0}}, "jobs.a.retry_settings.timeout must be an integer from 1 on, not 0"),
        ({"mini_batch_size": "${{parent.inputs.word}}"}, "jobs.a.mini_batch_size 'some' is not a size"),
    ],
)  # fmt: skip
def test_a_setting_that_can_not_be_bound_is_refused_by_name(ws, tmp_path, settings, message):
    doc = {"type": "pipeline", "inputs": {"word": "some", "files": FILES}, "jobs": {"a": {**PARALLEL, **settings}}}
    with pytest.raises(WorkspaceError) as caught:
        planned(ws, doc, tmp_path)
    assert str(caught.value).startswith(message)


def test_a_time_limit_that_is_no_number_is_refused(ws, tmp_path):
    doc = pipeline({"word": "soon"}, a={"limits": {"timeout": "${{parent.inputs.word}}"}})
    with pytest.raises(WorkspaceError, match=r"^jobs\.a\.limits\.timeout: 'soon' is not a number of seconds above 0"):
        planned(ws, doc, tmp_path)


def test_plan_survives_the_catalog(ws, tmp_path):
    plan = planned(ws, pipeline(a={}), tmp_path)
    assert type(plan).load(plan.document()) == plan


@pytest.mark.parametrize(
    ("doc", "error", "message"),
    [
        ({"type": "spark"}, Unsupported, "type: the local workspace can't run spark jobs"),
        (pipeline(a={"component": "azureml:nope:1"}), NotFound, "Component 'nope:1' was not found"),
        (pipeline(a={"component": "azureml:step:9"}), NotFound, "Versions: 1"),
        (pipeline(a={"component": "azureml:step"}), WorkspaceError, r"jobs\.a\.component: 'azureml:step' is not"),
        (pipeline(a={"inputs": {"data": {"path": "azureml:d"}}}), WorkspaceError, "azureml:NAME:VERSION or azureml:"),
        (
            pipeline(a={"outputs": {"o": {"mode": "direct"}}}, b={"type": "spark"}),
            Unsupported,
            r"^jobs\.b\.type: the local workspace can't run spark jobs",
        ),
        (pipeline(a={"inputs": {"m": 1}}), WorkspaceError, r"jobs\.a\.inputs\.m: there is no such input"),
        (pipeline(a={"inputs": {"n": "x"}}), WorkspaceError, r"jobs\.a\.inputs\.n: 'x' is not of type integer"),
        (pipeline(a={"inputs": {"n": 2.5}}), WorkspaceError, "not of type integer"),
        (pipeline(a={"inputs": {"n": 10}}), WorkspaceError, "10 is above max 9"),
        (pipeline(a={"inputs": {"mode": "c"}}), WorkspaceError, "not one of a, b"),
        (pipeline({"k": 10}, a={"inputs": {"n": "${{parent.inputs.k}}"}}), WorkspaceError, "above max 9"),
        (pipeline(a={"inputs": {"n": "${{parent.inputs.z}}"}}), WorkspaceError, "the pipeline has no input 'z'"),
        (pipeline(a={"inputs": {"data": "${{parent.jobs.z.outputs.o}}"}}), WorkspaceError, "there is no job 'z'"),
        (pipeline(a={}, b={"inputs": {"data": "${{parent.jobs.a.outputs.z}}"}}), WorkspaceError, "has no output 'z'"),
        (pipeline(a={}, b={"inputs": {"file": "${{parent.jobs.a.outputs.o}}"}}), WorkspaceError, "takes uri_file"),
        (pipeline(a={"outputs": {"o": "${{parent.outputs.z}}"}}), WorkspaceError, "the pipeline has no output 'z'"),
        (pipeline(a={"outputs": {"z": {"type": "uri_folder"}}}), WorkspaceError, "there is no such output"),
        (
            pipeline(
                a={"inputs": {"data": "${{parent.jobs.b.outputs.o}}"}},
                b={"inputs": {"data": "${{parent.jobs.a.outputs.o}}"}},
            ),
            WorkspaceError,
            "in a circle: ",
        ),
        (pipeline(a={"inputs": {"data": {"path": "nothing"}}}), WorkspaceError, r"jobs\.a\.inputs\.data: .* exist"),
        (pipeline(a={"inputs": {"data": {"path": "azureml:nope:1"}}}), NotFound, "Data 'nope:1' was not found"),
        (pipeline(a={"inputs": {"data": {"path": "azureml://datastores/nope/paths/x"}}}), NotFound, "Datastore 'nope'"),
        (
            pipeline(a={"inputs": {"data": {"path": "azureml://datastores/workspaceblobstore/paths/../../../x"}}}),
            WorkspaceError,
            "leads out of datastore",
        ),
        (pipeline(a={"inputs": {"data": {"path": "s3://x/y"}}}), Unsupported, "this kind of URI"),
        (pipeline(a={"compute": "azureml:gpu"}), WorkspaceError, r"jobs\.a\.compute: .*'gpu'; there are: .*cpu-cl"),
        (pipeline(a={"resources": {"instance_count": 4}}), Unsupported, "4 nodes need a cluster"),
        (pipeline(), WorkspaceError, "jobs: a pipeline needs at least one job"),
    ],
)  # fmt: skip
def test_refused_before_anything_runs(ws, tmp_path, doc, error, message):
    with pytest.raises(error, match=message):
        planned(ws, doc, tmp_path)


def test_a_required_input_needs_a_value(ws, tmp_path):
    component = {
        "type": "command",
        "command": "true",
        "environment": "azureml:env:1",
        "inputs": {"x": {"type": "string"}},
    }
    with pytest.raises(WorkspaceError, match=r"jobs\.a\.inputs\.x: a value is required"):
        planned(ws, pipeline(a={"component": component}), tmp_path)


SPACE = {"sampling_algorithm": "random", "search_space": {"n": {"type": "choice", "values": [1, 2]}},
         "objective": {"goal": "minimize", "primary_metric": "m"}}  # fmt: skip


def test_sweep_in_a_pipeline_takes_the_inputs_of_its_trial(ws, tmp_path):
    sweep = {"type": "sweep", "trial": "azureml:step:1", "outputs": {"o": "${{parent.outputs.best}}"}, **SPACE}
    plan = planned(
        ws, {"type": "pipeline", "outputs": {"best": {"type": "uri_folder"}}, "jobs": {"tune": sweep}}, tmp_path
    )
    assert plan.jobs["tune"].outputs["o"]["parent"] == "best"
    assert "/codes/" in plan.jobs["tune"].spec["trial"]["code"]


def test_sweep_job_that_stands_alone_has_inputs_and_outputs_of_its_own(ws, tmp_path):
    trial = {"command": "echo ${{inputs.x}} ${{search_space.n}} > ${{outputs.o}}/f", "environment": "azureml:env:1"}
    doc = {"type": "sweep", "trial": trial, "inputs": {"x": 3}, "outputs": {"o": {"type": "uri_folder"}}, **SPACE}
    plan = planned(ws, doc, tmp_path)
    assert plan.inputs["x"] == {"literal": "3"}
    assert plan.spec["trial"]["inputs"] == {"x": {"type": "integer"}}
    assert plan.outputs["o"]["type"] == "uri_folder"
