"""The registry: what jobs put there, what a person registers from a job, and what becomes of it."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

ID = "azureml:/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
ID += "/providers/Microsoft.MachineLearningServices/workspaces/w/models"


@pytest.fixture(scope="module")
def registered(project: Any, kinds: str) -> Any:
    """Version 1 of `hello`, registered from the output of a job."""
    flags = "--name hello --type mlflow_model --path azureml://jobs/kinds/outputs/model --tags team=flights"
    return project.json(f"model create {flags}")


def test_a_named_output_of_a_pipeline_is_a_model(project: Any, kinds: str) -> None:
    model = project.json("model show --name greeter --version 1")
    assert (model["type"], model["id"]) == ("mlflow_model", f"{ID}/greeter/versions/1")
    assert model["properties"]["azureml.job"] == "kinds"


def test_an_output_of_a_job_is_registered_by_its_uri(project: Any, registered: Any) -> None:
    assert (registered["id"], registered["version"], registered["type"]) == (
        f"{ID}/hello/versions/1",
        "1",
        "mlflow_model",
    )
    assert (registered["tags"], registered["job_name"]) == ({"team": "flights"}, "kinds")
    assert registered["path"].startswith("azureml://datastores/workspaceartifactstore/paths/LocalUpload/")
    assert project.json("model show --name hello --label latest") == registered
    assert {"greeter", "hello"} <= set(project("model list --query [].name --output tsv").stdout.split())


def test_a_model_is_downloaded_to_a_folder_of_its_name(project: Any, registered: Any) -> None:
    assert project("model download --name hello --version 1 --download-path got").stdout == ""
    (model,) = (project.folder / "got").rglob("MLmodel")
    assert model.relative_to(project.folder).as_posix() == "got/hello/model/MLmodel"
    assert (model.parent / "word.txt").read_text() == "hello!\nread again\nread\n"


def test_a_version_is_immutable(project: Any, registered: Any) -> None:
    again = "model create --name hello --version 1 --type mlflow_model --path"
    assert project.json(f"{again} azureml://jobs/kinds/outputs/model") == registered
    project.write("other/MLmodel", "flavors: {other: {}}\n")
    assert "hello:1 exists with other content" in project(f"{again} other", code=1).stderr
    project.write("plain/weights.txt", "1\n")
    refused = project("model create --name hello --type mlflow_model --path plain", code=1)
    assert "is not an MLflow model: it has no file MLmodel" in refused.stderr


def test_a_version_is_updated_archived_and_restored(project: Any, registered: Any) -> None:
    line = "model update --name hello --version 1 --set tags.gate=passed description=checked --stage Production"
    updated = project.json(line)
    assert (updated["tags"], updated["stage"]) == ({"team": "flights", "gate": "passed"}, "Production")
    assert updated["description"] == "checked"

    def listed(flags: str = "") -> list[str]:
        return project(f"model list --name hello {flags} --query [].version --output tsv").stdout.split()

    assert project("model archive --name hello --version 1").stdout == ""
    assert (listed(), listed("--archived-only")) == ([], ["1"])
    project("model restore --name hello --version 1")
    assert listed() == ["1"]


def test_a_model_registered_by_a_script_through_mlflow_is_in_the_list(project: Any) -> None:
    project("job create --file log_model.yml --name logging --stream")
    (model,) = project.json("model list --name logged")
    assert (model["version"], model["type"], model["job_name"]) == ("1", "mlflow_model", "logging")
    project("model download --name logged --version 1 --download-path got")
    assert (project.folder / "got/logged/model/model.pkl").is_file()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("model show --name absent --version 1", 3, "Model 'absent' was not found"),
        ("model show --name hello --version 9", 3, "Model 'hello:9' was not found in workspace 'w'. Versions: 1"),
        (
            "model create --name x --path azureml://jobs/kinds/outputs/absent",
            3,
            "has no output 'absent'. Its outputs: final",
        ),
    ],
)
def test_what_is_missing_is_told(project: Any, registered: Any, line: str, code: int, message: str) -> None:
    assert message in project(line, code=code).stderr
