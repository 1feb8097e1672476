"""PR=123: what a pull request makes is its own by name and tag, and what it reads is everybody's."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.project import Project
from scripts.specs.scope import scope_tags, scoped, with_scope
from tests.specs_repository import copied, replace

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {"env": "dev", "model": "m", "experiment": "e", "pr": {"days": 7}}


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    """This repository's own specs for a pull request with a long number."""
    monkeypatch.setenv("PR", "123456")
    return Project(ROOT, "dev")


def test_everything_that_is_made_has_the_pull_requests_name(project: Project) -> None:
    made = [spec for spec in project.specs.values() if spec.kind.asset or spec.kind.lasting]
    own = re.compile(r"[-_]pr[-_]123456(-|$)")
    for spec in made:
        name = spec.document["endpoint_name"] if spec.kind.name.endswith(" deployment") else spec.name
        assert own.search(name), spec.key
        assert not spec.kind.name.endswith(" endpoint") or len(name) <= 32, "Azure takes 32 characters"
    assert len({(spec.kind.name, spec.name) for spec in made}) == len(made), "cutting keeps names apart"


def test_components_have_names_that_azure_takes(project: Project) -> None:
    assert project.specs["components/train"].name == "train_pr_123456"


def test_a_job_trains_the_pull_requests_model_on_data_that_all_share(project: Project) -> None:
    train = project.specs["pipelines/train"].document
    assert train["experiment_name"] == "flights-pr-123456"
    assert train["inputs"]["model_name"] == "flight-delay-pr-123456"
    assert train["inputs"]["flights"]["path"] == "azureml:flights@latest"
    assert train["jobs"]["reference"]["outputs"]["reference"]["name"] == "flight-delay-pr-123456-reference"


def test_everything_is_tagged_with_the_day_after_which_it_goes(project: Project) -> None:
    last = (datetime.now(UTC).date() + timedelta(days=7)).isoformat()
    for spec in project.specs.values():
        tags = spec.document["tags"]
        assert (tags["pr"], tags["expires"], tags["repository"] != "") == ("123456", last, True), spec.key


def test_without_a_pull_request_nothing_tells_of_one() -> None:
    for spec in Project(ROOT, "dev").specs.values():
        assert "pr" not in spec.document["tags"]
        assert "-pr-" not in spec.text


def test_the_day_does_not_move_a_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PR", "7")
    root = owned(tmp_path)
    before = {key: spec.version for key, spec in Project(root, "local").specs.items()}
    replace(root, "config/local.yml", "days: 7", "days: 8")
    assert {key: spec.version for key, spec in Project(root, "local").specs.items()} == before


def owned(folder: Path) -> Path:
    """The small repository, with only such specs as a pull request can have."""
    root = copied(folder)
    for path in [*root.glob("pipelines/*.j2"), *root.glob("endpoints/**/*.j2"), *root.glob("monitors/*.j2")]:
        path.unlink()
    replace(root, "components/train/component.yml.j2", "tags: {commit: << git.commit >>", "tags: << tags >> #")
    replace(root, "environments/base/environment.yml.j2", "tags: {commit: << git.commit >>", "tags: << tags >> #")
    with (root / "config/local.yml").open("a") as file:
        file.write("training: true\npr: {days: 7}\n")
    return root


def test_a_spec_with_tags_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = owned(tmp_path)
    replace(root, "components/gate/component.yml.j2", "tags: << tags >>", "tags: {repository: << git.repository >>}")
    Project(root, "local")
    monkeypatch.setenv("PR", "7")
    with pytest.raises(SpecError, match="tags: << tags >>"):
        Project(root, "local")


def test_an_endpoint_that_all_share_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = owned(tmp_path)
    folder = root / "endpoints/batch/score"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "endpoint.yml.j2").write_text("name: score\nauth_mode: aad_token\ntags: << tags >>\n")
    monkeypatch.setenv("PR", "7")
    with pytest.raises(SpecError, match="score is not the pull request's own; make it with unique"):
        Project(root, "local")


@pytest.mark.parametrize("number", ["x", "0", "-1", "007", "1 2", "1;rm", "12345678901"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(SpecError, match="write the number of a pull request"):
        with_scope(CONFIG, number)


@pytest.mark.parametrize("over", [{"training": False}, {"assets_from": "registry"}])
def test_where_releases_are_promoted_there_are_no_pull_requests(over: dict) -> None:
    with pytest.raises(SpecError, match="takes promoted releases only"):
        with_scope(CONFIG | over, "7")


def test_config_says_how_long_things_are_kept() -> None:
    with pytest.raises(SpecError, match=r"config lacks pr\.days"):
        with_scope({"env": "dev"}, "7")
    assert scope_tags(with_scope(CONFIG, "7"), date(2026, 12, 28)) == {"pr": "7", "expires": "2027-01-04"}
    assert scope_tags(CONFIG, date(2026, 12, 28)) == {}


def test_a_name_is_scoped_once_and_numbers_are_told_apart() -> None:
    assert scoped("train", "7", "_") == "train_pr_7"
    assert scoped("flight-delay-pr-7-reference", "7") == "flight-delay-pr-7-reference"
    assert scoped("flight-delay-pr-71", "7") == "flight-delay-pr-71-pr-7"


def test_config_of_every_verb_is_in_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_config(ROOT, "dev")["model"] == "flight-delay"
    monkeypatch.setenv("PR", "7")
    assert load_config(ROOT, "dev")["model"] == "flight-delay-pr-7"
