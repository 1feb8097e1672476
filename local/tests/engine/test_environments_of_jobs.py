"""The environments that jobs name, from submit to the process: images, build contexts, curated ones, pip in a job."""

import zipfile

import pytest
from job_documents import command, log_of, node
from ml_workspace import Unsupported, installing

pytestmark = pytest.mark.slow

GREETING = "import greeting; print(greeting.WORD)"


@pytest.fixture
def wheels(tmp_path):
    """A folder with a wheel of the package `greeting`, so that nothing is downloaded."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(folder / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "WORD = 'hello'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


def run(submit, text, environment, **fields):
    return submit(node({**command(text), "environment": environment, **fields}))


def said(ws, job):
    lines: list[str] = []
    ws.jobs.stream(job["name"], lines.append)
    return "".join(lines)


def test_an_image_gives_a_plain_python_and_what_a_job_installs_is_gone_with_it(ws, submit, wheels):
    environment = {"name": "own", "version": "1", "image": "python:3.11"}
    install = f"pip install --quiet --no-index --find-links {wheels} greeting"
    job = run(submit, f'{install} && python -c "{GREETING}"', environment)
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert "Image python:3.11 is not run: the job gets a plain Python 3.11 with pip" in said(ws, job)
    assert "hello" in said(ws, job).splitlines()
    later = run(submit, f'python -c "{GREETING}"', environment)
    assert later["status"] == "Failed"
    assert "No module named 'greeting'" in said(ws, later)


def test_pip_in_a_job_installs_from_where_the_person_does(ws, submit, wheels, tmp_path, monkeypatch):
    settings = tmp_path / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    for name in (*installing.PASSED, "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    check = "import os, urllib.request as u; u.urlopen(os.environ['MLFLOW_TRACKING_URI']); import greeting"
    environment = {"name": "own", "version": "1", "image": "python:3.11"}
    job = run(submit, f'pip install --quiet greeting && python -c "{check}" && echo $HTTP_PROXY', environment)
    assert job["status"] == "Completed", said(ws, job)
    assert "http://127.0.0.1:9" in said(ws, job)


def test_a_build_context_gives_its_packages_and_variables(ws, submit, tmp_path):
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "requirements.txt").write_text("six==1.17.0  # tiny\n")
    (tmp_path / "context" / "Dockerfile").write_text(
        "FROM python:3.11\nENV MODE=batch\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    )
    inline = {"name": "inline", "version": "1", "build": {"path": str(tmp_path / "context")}}
    ws.assets.create("environment", {**inline, "name": "from-context"})
    (tmp_path / "context" / "Dockerfile").write_text("FROM scratch\nRUN make\n")  # what is registered stays as it was
    for environment in ("azureml:from-context:1", "azureml:from-context@latest"):
        job = run(submit, "python -c 'import six; print(six.__version__)'; echo $MODE", environment)
        assert job["status"] == "Completed", log_of(ws, job["name"])
        assert {"1.17.0", "batch"} <= set(said(ws, job).splitlines())
        assert "Dockerfile is not built: the job gets Python 3.11 with what it installs with pip" in said(ws, job)
    with pytest.raises(Unsupported, match=r"environment: build: Dockerfile: RUN make: the local workspace runs no"):
        run(submit, "true", inline)


def test_a_curated_environment_is_told_to_be_a_stand_in(ws, submit):
    reference = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    job = run(submit, "python -c 'import sklearn, mlflow; print(sklearn.__version__)'", reference)
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert job["environment"] == reference
    assert "Curated environment sklearn-1.5 (latest): here stands for it, without its image: scikit-learn~=1.5.0" in (
        said(ws, job)
    )
    assert any(line.startswith("1.5.") for line in said(ws, job).splitlines())
    with pytest.raises(Unsupported, match=r"environment: the curated environment pytorch-1\.9-cuda11-gpu is made for"):
        run(submit, "true", "azureml:AzureML-pytorch-1.9-cuda11-gpu@latest")


def test_a_job_finds_the_folders_of_its_artifacts(ws, submit):
    job = submit(node(command("echo 1 > outputs/f; echo 2 > logs/l")))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    artifacts = ws.tracking.artifacts(job["properties"]["mlflow.run_id"])
    assert [(artifacts / name).read_text() for name in ("outputs/f", "logs/l")] == ["1\n", "2\n"]
    empty = submit(node(command("true")))
    assert not (ws.tracking.artifacts(empty["properties"]["mlflow.run_id"]) / "outputs").exists()


def test_the_output_artifacts_is_what_the_run_keeps(ws, submit):
    folder = {"type": "uri_folder"}
    write = command("echo kept > outputs/word", outputs={"artifacts": folder})
    read = command("cat ${{inputs.d}}/outputs/word", {"d": folder})
    doc = {
        "type": "pipeline",
        "jobs": {
            "write": node(write),
            "read": node(read, inputs={"d": "${{parent.jobs.write.outputs.artifacts}}"}),
        },
    }
    job = submit(doc)
    assert job["status"] == "Completed", log_of(ws, job["name"])
    again = submit(doc)
    assert log_of(ws, again["name"]).count("reused") == 2


def test_gpus_are_refused(ws, submit):
    ws.assets.create("compute", {"name": "gpus", "type": "amlcompute", "size": "Standard_NC6s_v3"})
    try:
        for fields, field in (
            ({"compute": "azureml:gpus"}, "compute: gpus"),
            ({"resources": {"instance_type": "Standard_ND96asr_v4"}}, "resources.instance_type"),
        ):
            with pytest.raises(Unsupported, match=rf"^{field}: Standard_N.* has GPUs"):
                submit(node(command("true"), **fields))
    finally:
        ws.assets.delete("compute", "gpus")


def test_additional_includes_and_a_file_where_a_folder_is_declared(ws, submit, tmp_path):
    for name in ("code/main.py", "shared/helper.py"):
        (tmp_path / name).parent.mkdir()
    (tmp_path / "code" / "main.py").write_text(
        "import sys\nfrom shared.helper import word\nprint(word, sys.argv[1:])\n"
    )
    (tmp_path / "shared" / "helper.py").write_text("word = 'included'\n")
    (tmp_path / "rows.csv").write_text("1\n")
    component = command(
        "python main.py $(cat ${{inputs.d}})", {"d": {"type": "uri_folder"}},
        code=str(tmp_path / "code"), additional_includes=[str(tmp_path / "shared")],
    )  # fmt: skip
    job = submit(node(component, inputs={"d": {"type": "uri_file", "path": str(tmp_path / "rows.csv")}}))
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert "included ['1']" in said(ws, job)
