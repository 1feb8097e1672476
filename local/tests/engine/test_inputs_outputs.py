"""What a script is given for the inputs of its job, and where its outputs go."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from job_documents import children, command, log_of, node
from ml_workspace import NotFound, Unsupported, WorkspaceError

pytestmark = pytest.mark.slow
FOLDER = {"o": {"type": "uri_folder"}}
BLOBS = "azureml://datastores/workspaceblobstore/paths"


def said(ws, job):
    """The log of a job, by lines."""
    return (ws.path / "jobs" / job["name"] / "artifacts" / "user_logs" / "std_log.txt").read_text().splitlines()


def completed(ws, job):
    assert job["status"] == "Completed", log_of(ws, job["name"])
    return job


def written(ws, job, output):
    """The file `f` of an output."""
    return (ws.resolve.path(f"azureml://jobs/{job['name']}/outputs/{output}") / "f").read_text()


def test_literals_defaults_and_optional_parts_of_a_command(ws, submit):
    component = command(
        "echo ${{inputs.i}} ${{inputs.n}} ${{inputs.b}} ${{inputs.s}} ${{inputs.c}} "
        "$[[given ${{inputs.given}}]] $[[--x ${{inputs.x}}]].",
        {
            "i": {"type": "integer", "min": 1, "max": 9, "default": "3"},
            "n": {"type": "number"},
            "b": {"type": "boolean", "default": False},
            "s": {"type": "string", "default": "a b"},
            "c": {"type": "string", "enum": ["red", "blue"]},
            "given": {"type": "string", "optional": True},
            "x": {"type": "string", "optional": True},
        },
    )
    job = completed(ws, submit(node(component, inputs={"n": 1.5, "c": "blue", "given": "yes"})))
    assert said(ws, job) == ["3 1.5 False a b blue given yes ."]


@pytest.mark.parametrize("kind", ["uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"])
def test_all_types_of_data_are_delivered_from_local_paths(ws, tmp_path, kind):
    """One plan is enough: what is delivered is the place, whatever the type."""
    from ml_workspace.planner import Planner

    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    path = "d/f" if kind == "uri_file" else "d"
    doc = node(command("cat ${{inputs.d}}", {"d": {"type": kind}}), inputs={"d": {"type": kind, "path": path}})
    bound = Planner(ws, tmp_path).plan(doc).inputs["d"]
    assert bound["type"] == kind
    assert ws.resolve.path(bound["uri"]).exists()


def test_a_script_gets_a_path_or_in_direct_mode_the_uri(ws, submit, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("text")
    data = {"type": "uri_folder", "path": "outside"}
    modes = ["ro_mount", "rw_mount", "download", "direct"]
    names = " ".join(f"${{{{inputs.{mode}}}}}" for mode in modes)
    component = command(
        f"for d in {names}; do echo $d; done; cat $AZURE_ML_INPUT_download/f; echo; echo $AZURE_ML_INPUT_direct",
        {mode: {"type": "uri_folder"} for mode in modes},
    )
    job = completed(ws, submit(node(component, inputs={mode: {**data, "mode": mode} for mode in modes})))
    mount, rw_mount, download, direct, content, variable = said(ws, job)
    assert mount == rw_mount == download
    assert mount.startswith(str(ws.path / "datastores"))
    assert content == "text"
    assert direct == variable
    assert direct.startswith(
        "azureml://subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/workspaces/ws/datastores/"
        "workspaceblobstore/paths/LocalUpload/"
    )
    assert ws.resolve.path(direct) == ws.resolve.path(job["inputs"]["direct"]["path"])


def test_the_mode_comes_from_the_step_else_its_component_else_the_pipelines_input(ws, submit, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    plain = command("echo ${{inputs.d}}", {"d": {"type": "uri_folder"}})
    own = command("echo ${{inputs.d}} ", {"d": {"type": "uri_folder", "mode": "ro_mount"}})
    doc = {
        "type": "pipeline",
        "inputs": {"d": {"type": "uri_folder", "path": "d", "mode": "direct"}},
        "jobs": {
            "outer": node(plain, inputs={"d": "${{parent.inputs.d}}"}),
            "component": node(own, inputs={"d": "${{parent.inputs.d}}"}),
            "step": node(plain, inputs={"d": {"path": "${{parent.inputs.d}}", "mode": "download"}}),
        },
    }
    steps = children(ws, completed(ws, submit(doc))["name"])
    starts = {name: said(ws, step)[0][:10] for name, step in steps.items()}
    assert starts == {"outer": "azureml://", "component": str(ws.path)[:10], "step": str(ws.path)[:10]}


def test_data_comes_from_datastores_jobs_and_their_parts(ws, submit):
    write = command("mkdir ${{outputs.o}}/deep; echo hi > ${{outputs.o}}/deep/f", outputs=FOLDER)
    source = completed(ws, submit(node(write)))
    read = command("cat ${{inputs.d}}/f", {"d": {"type": "uri_folder"}})
    for uri in (
        f"azureml://jobs/{source['name']}/outputs/o/paths/deep/",
        f"{source['outputs']['o']['path']}/deep",
        f"azureml:/{ws.id}/datastores/x".replace("/providers/Microsoft.MachineLearningServices", "").replace(
            "datastores/x", source["outputs"]["o"]["path"].removeprefix("azureml://") + "/deep"
        ),
    ):
        job = completed(ws, submit(node(read, inputs={"d": {"type": "uri_folder", "path": uri}})))
        assert said(ws, job) == ["hi"]
    with pytest.raises(NotFound, match=r"inputs\.d: Job '.*' has no output 'p'\. Its outputs: o"):
        submit(
            node(
                read, inputs={"d": {"type": "uri_folder", "path": f"azureml://jobs/{source['name']}/outputs/p/paths/"}}
            )
        )


def test_an_output_that_a_failed_pipeline_has_not_written_is_not_called_unknown(ws, submit):
    step = node(command("exit 1", outputs=FOLDER), outputs={"o": "${{parent.outputs.final}}"})
    lost = submit({"type": "pipeline", "outputs": {"final": {"type": "uri_folder"}}, "jobs": {"step": step}})
    read = command("cat ${{inputs.d}}/f", {"d": {"type": "uri_folder"}})
    uri = f"azureml://jobs/{lost['name']}/outputs/final/paths/"
    with pytest.raises(NotFound, match="has not written its output 'final'; it is Failed"):
        submit(node(read, inputs={"d": {"type": "uri_folder", "path": uri}}))


def test_a_file_is_fetched_over_http_when_the_job_runs(ws, submit):
    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path.startswith("/a%20b.csv")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(b"1,2\n" if found else b"")

        def log_message(self, *args):
            """Not on the screen."""

    site = HTTPServer(("127.0.0.1", 0), Site)
    Thread(target=site.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{site.server_port}"
    read = command('cat "${{inputs.d}}"; echo "${{inputs.d}}"', {"d": {"type": "uri_file"}})
    try:
        job = completed(ws, submit(node(read, inputs={"d": {"type": "uri_file", "path": f"{address}/a%20b.csv?x=1"}})))
        assert said(ws, job)[0] == "1,2"
        assert said(ws, job)[1].endswith("/a b.csv")
        lost = submit(node(read, inputs={"d": {"type": "uri_file", "path": f"{address}/other"}}))
        assert lost["status"] == "Failed"
        assert lost["error"]["message"].startswith(f"inputs.d: {address}/other can't be read: ")
        assert "404" in lost["error"]["message"]
    finally:
        site.shutdown()
        site.server_close()
    with pytest.raises(Unsupported, match=r"inputs\.d: .* can fetch a uri_file, not a uri_folder"):
        submit(
            node(
                command("ls ${{inputs.d}}", {"d": {"type": "uri_folder"}}),
                inputs={"d": {"type": "uri_folder", "path": "https://example.org/folder"}},
            )
        )


def test_outputs_go_where_their_paths_say_and_else_to_the_default_datastore(ws, submit):
    ws.assets.create("datastore", {"name": "results", "type": "azure_blob", "container_name": "results"})
    write = command(
        "for o in ${{outputs.chosen}} ${{outputs.other}}; do echo $0 > $o/f; done",
        outputs={"chosen": {"type": "uri_folder"}, "other": {"type": "uri_folder"}},
    )
    path = "azureml://datastores/${{default_datastore}}/paths/mine/${{name}}/${{output_name}}"
    doc = {
        "type": "pipeline",
        "settings": {"default_datastore": "azureml:results"},
        "jobs": {"write": node(write, outputs={"chosen": {"type": "uri_folder", "path": path, "mode": "upload"}})},
    }
    step = children(ws, completed(ws, submit(doc))["name"])["write"]
    places = {name: output["path"] for name, output in step["outputs"].items()}
    assert places == {
        "chosen": f"azureml://datastores/results/paths/mine/{step['name']}/chosen",
        "other": f"azureml://datastores/results/paths/azureml/{step['name']}/other",
    }
    assert (ws.path / "datastores" / "results" / "mine" / step["name"] / "chosen" / "f").is_file()


def test_an_output_is_registered_under_its_name_and_version(ws, submit):
    def doc(text, version):
        write = command(f"echo {text} > ${{{{outputs.o}}}}/f", outputs=FOLDER)
        named = {"o": {"type": "uri_folder", "name": "kept", "version": version}}
        return {"type": "pipeline", "jobs": {"write": node(write, outputs=named)}}

    job = completed(ws, submit(doc("one", "7")))
    step = children(ws, job["name"])["write"]
    assert step["outputs"]["o"]["asset"] == "azureml:kept:7"
    assert ws.assets.get("data", "kept", "7")["path"] == step["outputs"]["o"]["path"]
    completed(ws, submit(doc("one", "7")))  # reused: the same content
    other = submit(doc("two", "7"))
    assert other["status"] == "Failed"
    assert "Data kept:7 exists with other content, and versions are immutable" in other["error"]["message"]
    # Who submits it is warned. It is no error: the same step again, or with the same content, is no conflict.
    for number, warned in (("7", True), ("9", False)):
        warnings: list[str] = []
        ws.jobs.validate(doc("one", number), ws.path, warnings.append)
        expected = "jobs.write.outputs.o: kept:7 exists, and versions are immutable: the job fails at its end unless"
        assert [warning.startswith(expected) for warning in warnings] == [True] * warned
    completed(ws, submit(doc("two", "8")))


OPTIONAL = {"type": "string", "optional": True}


def pipeline_with_optional(step_input):
    """A pipeline component with an optional input that a step takes, as a step of a pipeline that does not give it."""
    step = command("echo [$[[${{inputs.x}}]]]", {"x": step_input})
    inner = {
        "type": "pipeline",
        "inputs": {"x": OPTIONAL},
        "outputs": {},
        "jobs": {"step": node(step, inputs={"x": "${{parent.inputs.x}}"})},
    }
    return {"type": "pipeline", "jobs": {"inner": node(inner)}}


def test_an_optional_input_that_is_not_given_reaches_only_steps_that_can_do_without(ws, submit):
    for declared, expected in ((OPTIONAL, "[]"), ({"type": "string", "default": "d"}, "[d]")):
        job = completed(ws, submit(pipeline_with_optional(declared)))
        inner = children(ws, job["name"])["inner"]
        assert said(ws, children(ws, inner["name"])["step"]) == [expected]
    with pytest.raises(
        WorkspaceError,
        match=r"jobs\.inner\.jobs\.step\.inputs\.x: a value is required, and the pipeline's optional input 'x' has",
    ):
        submit(pipeline_with_optional({"type": "string"}))


def test_a_script_finds_what_azure_gives_it(ws, submit, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "look.py").write_text(
        "import json, os\n"
        "os.makedirs('outputs', exist_ok=True); open('outputs/kept.txt', 'w').write('k')\n"
        "os.makedirs('logs', exist_ok=True); open('logs/own.log', 'w').write('l')\n"
        "print(json.dumps({'cwd': os.getcwd(), **os.environ}))\n"
        "raise SystemExit(1)\n"
    )
    component = command(
        "python look.py", {"n": {"type": "integer"}}, code=str(tmp_path / "code"),
        environment_variables={"MINE": "component", "OTHER": "component"},
    )  # fmt: skip
    doc = node(
        component,
        inputs={"n": 4},
        environment_variables={"MINE": "job"},
        compute="azureml:cpu-cluster",
        identity={"type": "user_identity"},
        resources={"instance_count": 1, "instance_type": "x", "shm_size": "2g"},
    )
    job = submit(doc)
    assert job["status"] == "Failed"
    found = json.loads(said(ws, job)[0])
    assert (found["MINE"], found["OTHER"]) == ("job", "component")
    assert found["cwd"] == found["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"]
    assert (found["AZUREML_RUN_ID"], found["AZUREML_ROOT_RUN_ID"]) == (job["name"], job["name"])
    assert (found["AZURE_ML_INPUT_n"], found["AZUREML_PARAMETER_n"], found["AZUREML_CR_NODE_RANK"]) == ("4", "4", "0")
    assert json.loads(found["AZUREML_CR_COMPUTE_CONTEXT"]) == {"cluster_name": "cpu-cluster"}
    artifacts = ws.path / "jobs" / job["name"] / "artifacts"
    assert (artifacts / "outputs" / "kept.txt").read_text() == "k", "kept even if the job fails"
    assert (artifacts / "logs" / "own.log").read_text() == "l"


@pytest.mark.parametrize(
    ("distribution", "variables"),
    [
        ({"type": "pytorch", "process_count_per_instance": 1}, {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}),
        ({"type": "mpi", "process_count_per_instance": 1}, {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"}),
        ({"type": "tensorflow", "worker_count": 1, "parameter_server_count": 0}, {}),
    ],
    ids=lambda value: value.get("type", ""),
)
def test_a_distributed_job_of_one_process_runs(ws, submit, distribution, variables):
    job = completed(ws, submit(node(command("env", distribution=distribution))))
    found = dict(line.split("=", 1) for line in said(ws, job) if "=" in line)
    assert found.items() >= variables.items()
    if distribution["type"] == "pytorch":
        assert found["MASTER_ADDR"] == "127.0.0.1"
        assert int(found["MASTER_PORT"]) > 1023
    if distribution["type"] == "tensorflow":
        config = json.loads(found["TF_CONFIG"])
        assert config["task"] == {"type": "worker", "index": 0}
        assert len(config["cluster"]["worker"]) == 1


def refused(component=None, **fields):
    return node(component or command("true", {"n": {"type": "integer", "max": 3}}, FOLDER), **fields)


@pytest.mark.parametrize(
    ("doc", "error", "message"),
    [
        (
            refused(command("true", distribution={"type": "pytorch", "process_count_per_instance": 2})),
            Unsupported,
            r"distribution\.process_count_per_instance: 2 can't run in the local workspace; use 1",
        ),
        (
            refused(command("true", distribution={"type": "tensorflow", "worker_count": 3})),
            Unsupported,
            r"distribution\.worker_count: 3",
        ),
        (refused(command("true", distribution={"type": "ray"})), Unsupported, r"distribution\.type: .* no ray"),
        (refused(inputs={"n": 4}), WorkspaceError, r"inputs\.n: 4 is above max 3"),
        (refused(inputs={"n": 1, "m": 1}), WorkspaceError, r"inputs\.m: there is no such input"),
        (
            refused(inputs={"n": 1}, outputs={"o": {"path": f"{BLOBS}/${{{{surname}}}}"}}),
            WorkspaceError,
            r"outputs\.o\.path: .*surname.*: the path of an output knows only \$\{\{name\}\}",
        ),
        (
            refused(inputs={"n": 1}, outputs={"o": {"path": "azureml://datastores/absent/paths/x"}}),
            NotFound,
            r"outputs\.o\.path: Datastore 'absent' was not found",
        ),
        (
            refused(inputs={"n": 1}, outputs={"o": {"path": "./here"}}),
            WorkspaceError,
            r"outputs\.o\.path: \./here is not an azureml://datastores",
        ),
        (
            refused(inputs={"n": 1}, outputs={"o": {"name": "a", "version": "one two"}}),
            WorkspaceError,
            r"outputs\.o\.version: 'one two'",
        ),
        (
            refused(inputs={"n": 1}, outputs={"o": {"mode": "direct"}}),
            Unsupported,
            r"outputs\.o\.mode: the local workspace has no direct outputs",
        ),
        (
            refused(command("true", {"t": {"type": "mltable", "mode": "eval_mount"}}),
                    inputs={"t": {"type": "mltable", "path": f"{BLOBS}/x"}}),
            Unsupported,
            r"inputs\.t\.mode: the local workspace has eval_mount only for the input_data of parallel jobs",
        ),
        (refused(name="not a name", inputs={"n": 1}), WorkspaceError, "name: 'not a name' is not a job name"),
        (
            {"type": "pipeline", "settings": {"default_datastore": "azureml:absent"}, "jobs": {"a": refused()}},
            NotFound,
            r"settings\.default_datastore: Datastore 'absent'",
        ),
        (
            {"type": "pipeline", "inputs": {"c": "absent"},
             "jobs": {"a": refused(inputs={"n": 1}, compute="${{parent.inputs.c}}")}},
            WorkspaceError,
            r"jobs\.a\.compute: there is no compute 'absent'",
        ),
        (
            {"type": "pipeline", "jobs": {"a": refused(inputs={"n": 1}, compute="${{parent.inputs.c}}")}},
            WorkspaceError,
            r"jobs\.a\.compute: the pipeline has no input 'c'",
        ),
    ],
)  # fmt: skip
def test_validate_and_create_refuse_the_same_before_anything_runs(ws, submit, tmp_path, doc, error, message):
    before = ws.jobs.list(max_results=None)
    with pytest.raises(error, match=message):
        submit(doc)
    with pytest.raises(error, match=message):
        ws.jobs.validate(doc, tmp_path)
    assert ws.jobs.list(max_results=None) == before


def test_a_known_compute_may_come_from_an_input(ws, submit):
    doc = {
        "type": "pipeline",
        "inputs": {"c": "cpu-cluster"},
        "jobs": {"a": node(command("true"), compute="${{parent.inputs.c}}")},
    }
    job = completed(ws, submit(doc))
    assert children(ws, job["name"])["a"]["compute"] == "cpu-cluster"
