"""A version goes from dev over test to prod, through the registry, or it is refused and nothing is written at all."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts import promote
from scripts.releasing.current import current_release
from scripts.releasing.errors import ReleaseError
from scripts.releasing.release import Release, digest_of, path_of, read_release
from scripts.specs.config import load_config
from tests.releasing import MODEL, UUID, Cloud, Killed, head, repository_at, write_evidence


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository_at(tmp_path_factory.mktemp("first"))


@pytest.fixture
def root(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = Path(shutil.copytree(first, tmp_path / "repository"))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def cloud(root: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    stand_in = Cloud(root)
    monkeypatch.setattr(subprocess, "run", stand_in.run)
    return stand_in


def run(source: str = "dev", to: str = "test", version: str = "3", by: str = "") -> int:
    line = ["--from", source, "--to", to, "--model-version", version, "--approved-by", by]
    return promote.main(promote.parse_args(line))


def verbs(cloud: Cloud) -> list[str]:
    return [" ".join(line.split()[2:4]) for line in cloud.written]


# ---- What is right


def test_the_model_comes_last_then_its_tag_then_the_file(root, cloud, capsys):
    assert run() == 0, capsys.readouterr().err
    release = read_release("test")
    assert release
    assert verbs(cloud)[-4:] == ["data share", "data update", "model share", "model update"]
    assert set(verbs(cloud)[:-4]) == {"environment share", "component create", "data create"}
    assert cloud.registry["model", MODEL, "3"]["release_test"] == release.digest
    assert cloud.registry["data", f"{MODEL}-reference", "5"] == {"model_uuid": UUID}
    environments = release.document["specs"].pop("environments")
    assert ("environment", "serving", environments["serving"]) in cloud.registry
    assert release.document["model"] == {
        "name": MODEL, "version": "3", "model_uuid": UUID, "job": "train-1", "commit": "c0ffee",
    }  # fmt: skip
    assert release.document["data"] == {"flights": "7", f"{MODEL}-reference": "5"}
    assert release.document["metrics"] == {"rmse": 20.0}
    assert release.document["gate"] == "rmse 20, better"
    assert release.document["specs"]["commit"] == head(root)
    assert release.document["tests"] == {"number": 9, "commit": head(root)}


def test_it_goes_on_to_production_where_a_person_has_to_approve(root, cloud, capsys):
    assert run() == 0
    before = len(cloud.written)
    assert run("test", "prod") == 1
    assert "APPROVED_BY=name" in capsys.readouterr().err
    assert len(cloud.written) == before
    assert run("test", "prod", by="Ada") == 0
    assert "model share" not in verbs(cloud)[before:], "the registry has it"
    release = read_release("prod")
    assert release
    assert (release.document["approved_by"], release.lineage.job) == ("Ada", "train-1")
    assert cloud.registry["model", MODEL, "3"]["release_prod"] == release.digest


def test_what_is_promoted_is_left_as_it_is(root, cloud, capsys):
    assert run() == 0
    lines, release = list(cloud.written), path_of("test").read_bytes()
    assert run() == 0
    assert "already" in capsys.readouterr().out
    assert (cloud.written, path_of("test").read_bytes()) == (lines, release)


@pytest.mark.parametrize("keeps_tags", [True, False])
def test_a_promotion_that_is_killed_after_any_line_is_finished_by_the_next(root, cloud, keeps_tags, capsys):
    cloud.keeps_tags = keeps_tags
    for number in range(1, 30):
        cloud.assets["mlr-shared"] = {}
        cloud.written = []

        def die(at: int, number: int = number) -> None:
            if at == number:
                raise Killed

        path_of("test").unlink(missing_ok=True)
        cloud.after = die
        try:
            run()
        except Killed:
            last = verbs(cloud)[-1]
            assert not path_of("test").exists(), "the file comes last"
        else:
            break
        cloud.after = lambda at: None
        code = run()
        if last == "data share":
            assert code == 1, "the service does not say what it has, so a person has to"
            assert "tags.model_uuid=uuid-1; then promote again" in capsys.readouterr().err
            continue
        assert code == 0, capsys.readouterr().err
        assert current_release(root, load_config(root, "test")).version == "3"
    assert number > 6


def test_other_specs_are_promoted_anew_with_the_same_model(root, cloud):
    assert run() == 0
    (root / "components/train/src/train.py").write_text("print('other')\n")
    commit(root)
    write_evidence(root)
    before = len(cloud.written)
    assert run() == 0
    assert verbs(cloud)[before:] == ["component create", "component create", "model update"]


def commit(root: Path) -> None:
    for line in ("add .", "-c user.name=a -c user.email=a@example.com commit -q -m more"):
        subprocess.run(["git", "-C", str(root), *line.split()], check=True)


# ---- What is refused, with nothing written


def refused(cloud: Cloud, capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    before = list(cloud.written)
    assert run(*argv) == 1
    assert cloud.written == before
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("route", "says"),
    [
        (("dev", "prod"), "FROM=dev is not in front of TO=prod: config/prod.yml says promote.from: test"),
        (("test", "dev"), "nothing is promoted there"),
        (("dev", "uat"), "there is no environment 'uat'; there are: dev, local, prod, test"),
    ],
)
def test_an_environment_can_not_be_skipped(root, cloud, capsys, route, says):
    assert says in refused(cloud, capsys, *route)


@pytest.mark.parametrize("tag", ["model_uuid", "root_job", "commit", "gate", "data.flights"])
def test_a_version_that_nobody_can_trace_back(root, cloud, capsys, tag):
    del cloud.assets["mlw-dev"]["model", MODEL, "3"][tag]
    assert f"has no tag {tag.replace('.flights', '.<name>')}" in refused(cloud, capsys)


def test_a_version_that_the_gate_refused_whatever_its_tags_say(root, cloud, capsys):
    cloud.decision |= {"promote": False, "reason": "rmse is worse"}
    assert "the gate of job train-1 has refused it: rmse is worse" in refused(cloud, capsys)
    cloud.decision = {"promote": True, "candidate": {"model_uuid": "uuid-9"}}
    assert "has judged model uuid-9, and this is uuid-1" in refused(cloud, capsys)


def test_a_version_that_is_not_there_or_archived(root, cloud, capsys):
    assert "has no version 4, or it is archived; there are: 3" in refused(cloud, capsys, "dev", "test", "4")


def test_a_working_tree_that_no_commit_holds(root, cloud, capsys):
    (root / "components/new.txt").write_text("")
    assert "the working tree differs from the commit: components/new.txt" in refused(cloud, capsys)
    (root / "components/new.txt").unlink()
    (root / "config/dev.yml").write_text("workspace: mlw-other\n")
    assert "config/dev.yml; commit or stash" in refused(cloud, capsys)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"commit": "0123"}, "the tests ran on 0123, and this is "),
        ({"whole": "false"}, "only some of the tests ran"),
        ({"failures": 1}, "1 tests failed"),
        ({"errors": 2}, "2 ended in an error"),
        ({"tests": 0, "collected": 0}, "0 of 0 tests ran"),
        ({"tests": 8}, "8 of 9 tests ran"),
    ],
)
def test_tests_that_are_not_green_for_this_commit(root, cloud, capsys, changes, says):
    write_evidence(root, **changes)
    said = refused(cloud, capsys)
    assert says in said
    assert "make test" in said


@pytest.mark.parametrize(
    "text",
    [None, "no xml", "<testsuites/>", '<testsuites><testsuite tests="many" failures="0" errors="0"/></testsuites>'],
)
def test_without_evidence_of_tests(root, cloud, capsys, text):
    report = root / "build/tests.xml"
    report.unlink() if text is None else report.write_text(text)
    assert "build/tests.xml" in refused(cloud, capsys)


def test_a_version_that_the_registry_has_with_other_content(root, cloud, capsys):
    cloud.registry["model", MODEL, "3"] = {"model_uuid": "uuid-9"}
    assert "has flights:3 with other content: of model uuid-9, not uuid-1" in refused(cloud, capsys)
    cloud.registry.clear()
    cloud.registry["data", f"{MODEL}-reference", "5"] = {"model_uuid": "uuid-9"}
    assert "has flights-reference:5 with other content" in refused(cloud, capsys)


def test_a_workspace_that_lacks_an_environment_of_these_specs(root, cloud, capsys):
    for asset in [asset for asset in cloud.assets["mlw-dev"] if asset[:2] == ("environment", "serving")]:
        del cloud.assets["mlw-dev"][asset]
    assert "make apply ENV=dev, then promote" in refused(cloud, capsys)


def test_production_gets_only_what_test_was_given_and_serves(root, cloud, capsys):
    production = ("test", "prod", "3", "Ada")
    assert "build/releases/test.yml is missing" in refused(cloud, capsys, *production)
    assert run() == 0
    capsys.readouterr()
    assert "releases 3; promote 4 first" in refused(cloud, capsys, "test", "prod", "4", "Ada")
    cloud.served = "azureml://registries/mlr-shared/models/flights/versions/2"
    assert "test serves azureml://registries/mlr-shared/models/flights/versions/2, and" in refused(
        cloud, capsys, *production
    )


# ---- The release that is deployed from


def current(root: Path, version: str = "") -> Release:
    return current_release(root, load_config(root, "test"), version)


def test_an_edited_file_is_refused_even_with_its_own_digest(root, cloud):
    assert run() == 0
    path = path_of("test")
    document = yaml.safe_load(path.read_text())
    document["data"][f"{MODEL}-reference"] = "6"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ReleaseError, match="so it was edited; promote again"):
        current(root)
    document["digest"] = digest_of(document)
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ReleaseError, match="is not the release of flights:3 that the registry knows"):
        current(root)
    assert run() == 0, "a promotion puts it right"
    assert current(root).reference == "5"


@pytest.mark.parametrize("text", ["model: [", "[]", "from: dev\n", ""])
def test_a_file_that_is_no_release(root, cloud, text):
    path_of("test").parent.mkdir(parents=True)
    path_of("test").write_text(text)
    with pytest.raises(ReleaseError, match="promote again"):
        current(root)


@pytest.mark.parametrize(("key", "name"), [("model", "version"), ("specs", "commit"), ("data", f"{MODEL}-reference")])
def test_a_release_that_lacks_what_is_deployed(root, cloud, key, name):
    assert run() == 0
    document = yaml.safe_load(path_of("test").read_text())
    del document[key][name]
    path_of("test").write_text(yaml.safe_dump({**document, "digest": digest_of(document)}))
    with pytest.raises(ReleaseError, match=f"{key}.{name} missing or of another type"):
        current(root)


def test_only_what_was_released_is_deployed(root, cloud):
    with pytest.raises(ReleaseError, match="ENV=test deploys what was promoted to it; make promote FROM=dev TO=test"):
        current(root)
    assert run() == 0
    assert current(root).version == current(root, "3").version == "3"
    with pytest.raises(ReleaseError, match=r"MODEL_VERSION=4, but .* releases 3; promote 4 first"):
        current(root, "4")
    shutil.copyfile(path_of("test"), path_of("prod"))
    with pytest.raises(ReleaseError, match="is a release of test mlr-shared flights, and config/ says prod"):
        current_release(root, load_config(root, "prod"))
    (root / "components/train/src/train.py").write_text("print('other')\n")
    commit(root)
    with pytest.raises(ReleaseError, match="check that one out, or promote again"):
        current(root)
