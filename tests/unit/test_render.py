"""Rendering: what a template may use, what it is told when it can't, and when a version changes."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.specs.config import load_config, merge
from scripts.specs.errors import SpecError
from scripts.specs.kinds import key_of, kind_of
from scripts.specs.names import unique
from scripts.specs.project import Project
from scripts.specs.provenance import provenance
from tests.specs_repository import copied, line_of, replace

TRAIN = "components/train/component.yml.j2"
BASE = "environments/base/environment.yml.j2"
PIPELINE = "pipelines/train.yml.j2"
BLUE = "endpoints/online/score/deployment"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copied(tmp_path)


def versions(root: Path) -> dict[str, str | None]:
    return {key: spec.version for key, spec in Project(root, "local").specs.items()}


def refused(root: Path, env: str = "local") -> SpecError:
    with pytest.raises(SpecError) as caught:
        Project(root, env)
    return caught.value


# ---- Errors say where and what next


def test_a_missing_value_names_template_line_key_and_the_likely_one(root: Path) -> None:
    replace(root, "pipelines/_settings.yml.j2", "<< compute >>", "<< computer >>")

    error = refused(root)

    assert (error.path, error.line) == ("pipelines/_settings.yml.j2", 2)  # the piece, not the template that includes it
    assert "'computer' is not defined" in error.message
    assert "did you mean compute?" in error.message
    assert "config/local.yml" in error.message


def test_a_missing_nested_value_names_the_keys_that_are_there(root: Path) -> None:
    replace(root, "components/gate/policy.yml.j2", "policy.min_gain", "policy.gain")

    error = refused(root)

    assert (error.path, error.line) == ("components/gate/policy.yml.j2", 2)
    assert "'gain' is not defined here; there are: min_gain" in error.message


def test_bad_template_syntax_names_its_line(root: Path) -> None:
    replace(root, TRAIN, "tags: {", "<% if %>\ntags: {")
    assert (refused(root).path, refused(root).line) == (TRAIN, line_of(root, TRAIN, "<% if"))


def test_bad_yaml_names_the_line_of_the_template(root: Path) -> None:
    replace(root, PIPELINE, "depth: 6", "depth: [6")
    error = refused(root)
    assert error.path == PIPELINE
    assert error.line is not None and error.line > line_of(root, PIPELINE, "depth: [6")


def test_an_unknown_ref_names_near_ones(root: Path) -> None:
    replace(root, TRAIN, "environments/base", "environments/bse")
    error = refused(root)
    assert (error.path, error.line) == (TRAIN, line_of(root, TRAIN, "environments/bse"))
    assert "did you mean environments/base" in error.message


def test_ref_takes_versioned_assets_only(root: Path) -> None:
    replace(root, TRAIN, "environments/base", "pipelines/tune")
    assert "is no versioned asset" in refused(root).message


def test_specs_that_refer_to_each_other_in_a_circle_are_refused(root: Path) -> None:
    replace(root, TRAIN, "environments/base", "components/train_and_judge")
    assert "components/train -> components/train_and_judge -> components/train" in refused(root).message


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        (TRAIN, "version: << version >>\n", "", "needs the line `version: << version >>`"),
        (TRAIN, "version: << version >>", 'version: "3"', "needs the line `version: << version >>`"),
        (TRAIN, "type: command", "type: command\ndescription: << git.commit >>", "`git` is for tags"),
        (TRAIN, "code: ./src", "code: ../../../src", "is outside the repository"),
        ("pipelines/tune.yml.j2", "trial:", "- trial", "renders to invalid YAML"),
    ],
)
def test_a_spec_that_would_lie_is_refused(root: Path, path: str, old: str, new: str, says: str) -> None:
    replace(root, path, old, new)
    assert refused(root).path == path
    assert says in refused(root).message


def test_a_template_at_no_known_place_is_refused(root: Path) -> None:
    (root / "pipelines/more").mkdir()
    (root / "pipelines/more/train.yml.j2").write_text("type: pipeline\n")
    assert "is neither a spec nor a file that one carries" in refused(root).message


def test_a_link_to_a_folder_is_refused(root: Path) -> None:
    (root / "components/train/src/more").symlink_to(root / "data")
    assert "link to a folder" in refused(root).message


def test_an_unknown_environment_names_those_there_are(root: Path) -> None:
    assert "there are: dev, local, prod, test" in refused(root, "staging").message


# ---- Config


def test_config_is_merged_key_by_key_and_lists_are_replaced() -> None:
    base = {"a": {"x": 1, "y": 2}, "list": [1, 2], "b": 1}
    assert merge(base, {"a": {"y": 3}, "list": [9], "b": {"z": 1}}) == {
        "a": {"x": 1, "y": 3},
        "list": [9],
        "b": {"z": 1},
    }


def test_config_may_not_take_the_renderers_own_names(root: Path) -> None:
    (root / "config/local.yml").write_text("ref: 1\n")
    with pytest.raises(SpecError, match="the renderer's own name"):
        load_config(root, "local")


def test_each_environment_sees_its_own_values(root: Path) -> None:
    local, prod = Project(root, "local"), Project(root, "prod")
    assert local.specs["pipelines/tune"].document["limits"]["max_total_trials"] == 4
    assert prod.specs["pipelines/tune"].document["limits"]["max_total_trials"] == 20
    assert prod.files["components/gate/policy.yml"] == b"# prod\nmin_gain: 0.02\n"


# ---- Assets of a registry


def test_assets_of_a_registry_have_the_versions_that_the_workspace_has(root: Path) -> None:
    """prod takes them from the registry, dev from its workspace; what its config changes nothing of is the same."""
    dev, prod = (Project(root, env).specs for env in ("dev", "prod"))
    same = ("environments/base", "components/train", "data/flights")
    assert [prod[key].version for key in same] == [dev[key].version for key in same]
    assert dev["components/train"].document["environment"] == dev["environments/base"].id
    assert prod["components/train"].document["environment"] == prod["environments/base"].id
    assert prod["environments/base"].id == (
        f"azureml://registries/mlr-shared/environments/base/versions/{dev['environments/base'].version}"
    )


def test_the_model_of_a_deployment_is_the_registrys(root: Path) -> None:
    registry = "azureml://registries/mlr-shared/models/flights"
    assert Project(root, "prod").specs[BLUE].document["model"] == f"{registry}/versions/3"
    assert Project(root, "dev").specs[BLUE].document["model"] == "azureml:flights:3"
    assert Project(root, "prod", {"model_version": ""}).specs[BLUE].document["model"] == f"{registry}/labels/latest"


def test_ids_in_files_that_an_asset_carries_are_the_registrys_too(root: Path) -> None:
    (root / "components/train/notes.yml.j2").write_text('base: << ref("environments/base") >>\n')
    dev, prod = (Project(root, env) for env in ("dev", "prod"))
    assert dev.specs["components/train"].version == prod.specs["components/train"].version
    assert prod.files["components/train/notes.yml"].decode() == f"base: {prod.specs['environments/base'].id}\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("assets_from: registry", "assets_from: elsewhere", "write workspace or registry"),
        ("registry: mlr-shared", "", "`registry`, its name, is missing"),
    ],
)
def test_where_assets_are_is_said_right_or_refused(root: Path, old: str, new: str, says: str) -> None:
    replace(root, "config/prod.yml", old, new)
    with pytest.raises(SpecError, match=says):
        Project(root, "prod")


# ---- Names that are unique in a region


def test_a_unique_name_is_the_same_in_every_render_and_another_in_each_workspace(root: Path) -> None:
    place = {"subscription": "s", "resource_group": "g", "workspace": "w"}
    name = unique(place)("score")
    assert re.fullmatch("score-[0-9a-f]{6}", name)
    assert unique(place)("score") == name
    others = {unique(place | {key: "other"})("score") for key in place} | {name, unique(place)("batch")}
    assert len(others) == 5


def test_a_unique_name_needs_a_workspace_in_the_config(root: Path) -> None:
    replace(root, "endpoints/online/score/endpoint.yml.j2", "name: score-<< env >>", 'name: << unique("score") >>')
    error = refused(root)
    assert (error.path, error.line) == ("endpoints/online/score/endpoint.yml.j2", 2)
    assert "config lacks subscription and resource_group" in error.message


# ---- Versions


def test_a_changed_file_gives_its_asset_and_what_refers_to_it_a_new_version(root: Path) -> None:
    before = versions(root)
    (root / "components/train/src/train.py").write_text("print('new')\n")
    after = versions(root)

    assert {key for key in after if after[key] != before[key]} == {"components/train", "components/train_and_judge"}


def test_an_environment_moves_all_that_runs_in_it(root: Path) -> None:
    before = versions(root)
    replace(root, "environments/base/conda.yml", "pandas=2.3", "pandas=2.4")
    after = versions(root)

    moved = {"environments/base", "components/prep", "components/train", "components/train_and_judge"}
    assert {key for key in after if after[key] != before[key]} == moved


def test_comments_and_provenance_move_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions(root)
    replace(root, TRAIN, "code: ./src", "code: ./src  # the script")
    monkeypatch.setenv("BUILD_BUILDID", "20260101.7")

    assert versions(root) == before
    # Text without quotes in the template: azure-ai-ml refuses tags that YAML reads as numbers.
    assert Project(root, "local").specs["components/train"].document["tags"]["build"] == "20260101.7"


def test_a_version_stays_text_whatever_its_digits(root: Path) -> None:
    text = Project(root, "local").specs["components/train"].text
    version = versions(root)["components/train"]
    assert f'version: "{version}"' in text


def test_ignored_files_are_not_carried_and_move_nothing(root: Path) -> None:
    before = versions(root)
    (root / ".gitignore").write_text("*.log\n")
    (root / "components/train/src/run.log").write_text("noise")

    assert versions(root) == before
    assert "components/train/src/run.log" not in Project(root, "local").files


def test_a_spec_inside_its_code_is_kept_out_of_the_code(root: Path) -> None:
    assert Project(root, "local").files["components/prep/.amlignore"] == b"/component.yml\n"


# ---- Lines


def test_each_rendered_line_knows_its_line_of_the_template(root: Path) -> None:
    project = Project(root, "local")
    spec = project.specs["pipelines/train"]
    lines = spec.text.split("\n")
    origins = project.line_map(spec)

    assert len(origins) == len(lines)
    for number, line in enumerate(lines):
        path, origin = origins[number]
        template = (root / path).read_text().split("\n")[origin - 1]
        if "<<" not in template and line.strip():
            assert template.strip() == line.strip()
    assert ("pipelines/_settings.yml.j2", 2) in origins


# ---- Kinds and provenance


@pytest.mark.parametrize(
    ("path", "kind", "key"),
    [
        ("components/train/component.yml.j2", "component", "components/train"),
        ("pipelines/train.yml.j2", "job", "pipelines/train"),
        ("endpoints/online/score/deployment.yml.j2", "online deployment", "endpoints/online/score/deployment"),
        ("endpoints/online/score/blue.yml.j2", "online deployment", "endpoints/online/score/blue"),
        ("endpoints/batch/score/endpoint.yml.j2", "batch endpoint", "endpoints/batch/score/endpoint"),
        ("endpoints/batch/score/mlflow.yml.j2", "batch deployment", "endpoints/batch/score/mlflow"),
        ("monitors/drift.yml.j2", "schedule", "monitors/drift"),
    ],
)
def test_a_path_tells_the_kind_and_the_key(path: str, kind: str, key: str) -> None:
    found = kind_of(path)
    assert found is not None and found.name == kind
    assert key_of(path) == key


@pytest.mark.parametrize(
    "path",
    [
        "pipelines/_settings.yml.j2",
        "endpoints/online/a/_b.yml.j2",
        "pipelines/a/train.yml.j2",
        "components/train.yml.j2",
    ],
)
def test_other_templates_are_no_specs(path: str) -> None:
    assert kind_of(path) is None


def test_provenance_tells_the_commit_the_edits_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("BUILD_SOURCEBRANCHNAME", "BUILD_BUILDID", "BUILD_REPOSITORY_URI"):
        monkeypatch.delenv(variable, raising=False)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    (tmp_path / "file").write_text("1")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "first"],
        ["remote", "add", "origin", "https://someone:secret@example.com/repo"],
    ):
        subprocess.run([*git, *command], check=True)
    clean = provenance(tmp_path)
    (tmp_path / "file").write_text("2")

    assert provenance(tmp_path)["commit"] == f"{clean['commit']}-dirty"
    assert clean["branch"] == "main"
    assert clean["repository"] == "https://example.com/repo"


# ---- Content of what lasts


def test_what_a_verb_sets_for_a_render_is_no_other_content(root: Path) -> None:
    with (root / "endpoints/online/score/deployment.yml.j2").open("a") as file:
        file.write("description: << trials >> trials\ntags: << tags >>\n")
    plain, rolled_out = (Project(root, "local", values).specs[BLUE] for values in ({}, {"trials": "9"}))
    assert rolled_out.document["description"] == "9 trials"
    assert rolled_out.document["tags"]["content"] == plain.document["tags"]["content"] == plain.content

    replace(root, "endpoints/online/score/deployment.yml.j2", "instance_count: 1", "instance_count: 2")
    assert Project(root, "local").specs[BLUE].document["tags"]["content"] != plain.content
