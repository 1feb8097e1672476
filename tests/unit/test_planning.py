"""What apply does with each asset, in which order, how few questions it asks; what a plan says of the rest."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace as with_registry
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import apply, plan
from scripts.az import AzError
from scripts.planning import assets as reading
from scripts.planning import services as looking
from scripts.planning.assets import look
from scripts.planning.decide import Name, PlanError, Step, Version, decide, in_order, known, mentioned, prune
from scripts.planning.plan import Plan, summary
from scripts.planning.services import Live, services, state_of
from scripts.specs.kinds import KINDS
from scripts.specs.project import Project, Spec
from tests.specs_repository import copied, replace

KIND = {kind.pattern.split("/")[0]: kind for kind in reversed(KINDS)}
REPOSITORY = "https://example.com/flights"
MINE = {"repository": REPOSITORY}


def asset(key: str, version: str = "new", refs: Sequence[str] = ()) -> Spec:
    folder, name = key.split("/")
    spec = Spec(key, KIND[folder], f"{key}/x.yml.j2", f"{key}/x.yml", {}, version=version, refs=list(refs))
    spec.document = {"name": name, "version": version}
    return spec


ENVIRONMENT = asset("environments/base")
TRAIN = asset("components/train", refs=["environments/base"])
PIPELINE = asset("components/all", refs=["components/train"])
ASSETS = [PIPELINE, TRAIN, ENVIRONMENT]
BASE, TRAINED, ALL = Name("environment", "base"), Name("component", "train"), Name("component", "all")


def versions(*names: str, archived: bool = False, tags: dict[str, str] | None = None) -> list[Version]:
    return [Version(name, tags or {}, archived) for name in names]


def actions(steps: list[Step]) -> dict[str, str]:
    return {step.name: step.action for step in steps}


# ---- The decision


def test_in_an_empty_workspace_everything_is_created_after_what_it_refers_to() -> None:
    steps = decide(ASSETS, {name: [] for name in (BASE, TRAINED, ALL)})
    assert [(step.action, step.name) for step in steps] == [("create", "base"), ("create", "train"), ("create", "all")]


def test_what_is_there_is_left_and_what_is_below_it_is_there_too() -> None:
    assert set(actions(decide(ASSETS, {ALL: versions("new", "old")})).values()) == {"leave"}


@pytest.mark.parametrize(
    ("there", "action"),
    [
        ([], "create"),
        (versions("old"), "change"),
        (versions("old", archived=True), "change"),
        (versions("old", "new"), "leave"),
        (versions("new", archived=True), "restore"),
        (versions("old") + versions("new", archived=True), "restore"),
    ],
)
def test_each_asset_by_what_its_name_has(there: list[Version], action: str) -> None:
    assert actions(decide([ENVIRONMENT], {BASE: there})) == {"base": action}


def test_a_name_belongs_to_its_group() -> None:
    data = asset("data/base")
    steps = decide([ENVIRONMENT, data], {BASE: versions("new"), Name("data", "base"): []})
    assert [(step.group, step.action) for step in steps] == [("data", "create"), ("environment", "leave")]


def test_order_is_by_reference_and_then_by_key() -> None:
    later = asset("components/a", refs=["components/z"])
    found = in_order([later, asset("components/z"), asset("components/b"), asset("environments/a")])
    assert [spec.key for spec in found] == ["components/b", "components/z", "environments/a", "components/a"]


# ---- Archiving


def pruned(found: dict[Name, list[Version]], used: set[tuple[str, str]] | None = None, number: str = "") -> list[str]:
    steps = prune(ASSETS, found, used or set(), REPOSITORY, number)
    assert {step.action for step in steps} <= {"archive"}
    return [f"{step.name}:{step.version}" for step in steps]


def test_only_what_this_repository_owns_and_nothing_names_is_archived() -> None:
    mine, others = MINE, {"repository": f"{REPOSITORY}-of-others"}
    found = {
        BASE: versions("new", "old", tags=mine) + versions("theirs", tags=others) + versions("by-hand"),
        TRAINED: versions("gone", archived=True, tags=mine),
        ALL: versions("old", tags=mine),
        Name("data", "left"): versions("1", tags=mine),
    }
    assert pruned(found) == ["all:old", "left:1", "base:old"], "components first: they refer to the others"


def test_what_something_still_refers_to_stays() -> None:
    found = {BASE: versions("old", tags=MINE)}
    served = {"environment": "azureml:/subscriptions/s/workspaces/w/environments/base/versions/old"}
    assert pruned(found, mentioned([served])) == []
    assert pruned(found, mentioned({"jobs": {"a": {"environment": "azureml:base:old"}}})) == []
    assert pruned(found, mentioned({"environment": "azureml:base:older"})) == ["base:old"]


def test_a_pull_requests_versions_and_everybodys_are_kept_apart() -> None:
    found = {BASE: versions("a", tags=MINE) + versions("b", tags=MINE | {"pr": "7"})}
    assert pruned(found) == ["base:a"]
    assert pruned(found, number="7") == ["base:b"]
    assert pruned(found, number="8") == []


@pytest.mark.parametrize("repository", ["", "none"])
def test_without_a_remote_nothing_is_archived(repository: str) -> None:
    with pytest.raises(PlanError, match="has no git remote `origin`"):
        known(repository)


# ---- The questions


class Workspace:
    """Answers, and remembers who was asked for."""

    def __init__(self, there: dict[Name, list[Version]]) -> None:
        self.there, self.asked = there, list[str]()

    def __call__(self, spec: Spec) -> list[Version]:
        self.asked.append(spec.name)
        return self.there.get(Name(spec.kind.group, spec.name), [])


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ({ALL: versions("new")}, ["all"]),
        ({ALL: versions("old"), TRAINED: versions("new")}, ["all", "train"]),
        ({}, ["all", "train", "base"]),
        ({ALL: versions("new", archived=True)}, ["all", "train", "base"]),
    ],
)
def test_only_below_what_is_missing_somebody_asks(there: dict[Name, list[Version]], asked: list[str]) -> None:
    workspace = Workspace(there)
    look(ASSETS, workspace)
    assert workspace.asked == asked


def test_what_several_refer_to_is_asked_for_once() -> None:
    workspace = Workspace({})
    look([*ASSETS, asset("components/other", refs=["environments/base", "components/train"])], workspace)
    assert sorted(workspace.asked) == ["all", "base", "other", "train"]


class Az:
    """An `az` of a workspace, or of one that knows nothing."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]], unknown: int = 0) -> None:
        self.rows, self.unknown, self.lines = rows, unknown, list[str]()

    def __call__(self, line: list[str], expected: tuple[int, ...] = (0,)) -> Any:
        self.lines.append(" ".join(line))
        name = line[line.index("--name") + 1]
        rows = self.rows.get(f"archived {name}" if "--archived-only" in line else name)
        code = 0 if rows is not None else self.unknown
        assert code in expected
        return SimpleNamespace(returncode=code, stdout=json.dumps(rows or []) if code == 0 else "")


@pytest.mark.parametrize("unknown", [0, 3])
def test_an_unknown_name_has_no_versions_whichever_way_az_says_so(monkeypatch, unknown: int) -> None:
    monkeypatch.setattr(reading, "az", Az({}, unknown))
    assert reading.asking(["-w", "w"])(ENVIRONMENT) == []


def test_archived_versions_are_asked_for_where_the_wanted_one_is_missing(monkeypatch) -> None:
    az = Az({"base": [{"version": "old"}], "archived base": [{"version": "new", "tags": {"pr": "7"}}]})
    monkeypatch.setattr(reading, "az", az)
    ask = reading.asking(["-w", "w"])
    assert ask(ENVIRONMENT) == [Version("old", {}), Version("new", {"pr": "7"}, archived=True)]
    assert ask(asset("environments/base", "old")) == [Version("old", {})]
    assert len(az.lines) == 3, "the second is there, so nobody asks further"


def test_an_asset_of_a_registry_is_there_or_a_promotion_brings_it(monkeypatch) -> None:
    asked = []

    def az(line: list[str], expected: tuple[int, ...]) -> Any:
        asked.append(" ".join(line))
        return SimpleNamespace(returncode=3 if "train" in line else 0)

    monkeypatch.setattr(reading, "az", az)
    there, missing = reading.in_registry([with_registry(spec, registry="mlr") for spec in (ENVIRONMENT, TRAIN)])
    assert (there.action, there.why) == ("from registry", "is in mlr")
    assert (missing.action, missing.why) == ("missing", "mlr lacks it; make promote brings it")
    assert "ml environment show --name base --version new --registry-name mlr --output none" in asked


# ---- Endpoints, deployments, schedules


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = copied(tmp_path)
    replace(root, "endpoints/online/score/deployment.yml.j2", "name: blue", "name: blue\ntags: << tags >>")
    replace(root, "monitors/nightly.yml.j2", "name: nightly", "name: nightly\ntags: << tags >>")
    return Project(root, "local")


def test_a_service_is_missing_or_as_specified_or_differs(project: Project) -> None:
    spec = project.specs["endpoints/online/score/deployment"]
    assert state_of(spec, None) == "missing"
    assert (
        state_of(spec, {"name": "blue", "tags": {"content": spec.content, "commit": "of long ago"}}) == "as specified"
    )
    assert state_of(spec, {"name": "blue", "tags": {"content": "another"}}) == "differs"
    assert state_of(spec, {"name": "blue", "tags": None}) == "differs", "made by hand"


def test_each_service_tells_the_verb_that_changes_it(project: Project) -> None:
    nightly = project.specs["monitors/nightly"]
    live = Live(
        {
            ("schedule", "", "nightly"): {"tags": {"content": nightly.content}},
            ("online-endpoint", "", "score-local"): {"tags": {}},
            ("online-deployment", "another", "blue"): {"tags": {}},
        }
    )
    found = {service.spec: (service.state, service.verb) for service in services(project, live)}
    assert found["monitors/nightly"] == ("as specified", "")
    assert found["endpoints/online/score/deployment"] == ("missing", "make deploy"), "another endpoint's is no answer"
    assert found["endpoints/online/score/endpoint"][0] == "differs"
    assert found["endpoints/online/score/endpoint"][1].startswith("az ml online-endpoint update --name score-local")
    assert found["endpoints/batch/score/endpoint"] == ("missing", "make batch")
    assert found["monitors/drift"] == ("missing", "make monitor")
    order = [service.spec for service in services(project, live)]
    assert order.index("endpoints/batch/score/endpoint") < order.index("endpoints/batch/score/deployment")


# ---- The commands


def test_a_plan_counts_what_it_changes_first() -> None:
    steps = decide(ASSETS, {ALL: [], TRAINED: versions("old"), BASE: versions("new")})
    assert summary(Plan("dev", steps, [])) == "1 to create, 1 to change, 1 to leave"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, project: Project) -> list[str]:
    """`az` lines in an empty workspace; writes nothing."""
    with (project.root / "config/local.yml").open("a") as file:
        file.write("resource_group: g\nworkspace: w\n")
    monkeypatch.chdir(project.root)
    said: list[str] = []

    def az(line: list[str], expected: tuple[int, ...] = (0,)) -> Any:
        said.append(" ".join(line))
        return SimpleNamespace(returncode=0, stdout="[]")

    for module in (reading, apply):
        monkeypatch.setattr(module, "az", az)
    for module in (reading, looking):
        monkeypatch.setattr(module, "az_json", lambda line: json.loads(az(line).stdout))
    return said


def test_a_plan_only_asks_and_reads_by_machine(lines, capsys) -> None:
    assert plan.main(plan.parse_args(["--format", "json"])) == 0
    document = json.loads(capsys.readouterr().out)
    assert {step["action"] for step in document["assets"]} == {"create"}
    assert {service["state"] for service in document["services"]} == {"missing"}
    assert {line.split()[2] for line in lines} == {"list"}
    assert not Path("build").exists()


def test_apply_creates_in_the_plans_order(lines, capsys) -> None:
    assert apply.main(apply.parse_args([])) == 0
    made = [line.split()[4] for line in lines if " create " in line]
    assert made.index("build/local/environments/base/environment.yml") < made.index(
        "build/local/components/train/component.yml"
    )
    assert made[-1] == "build/local/components/train_and_judge/component.yml"
    assert capsys.readouterr().out.endswith("local: assets: 7 created, the others are there\n")


def test_what_az_refuses_ends_it_there(lines, monkeypatch, capsys) -> None:
    def refuse(line: list[str]) -> None:
        raise AzError("az ml environment create\nexit code 1: (403) Forbidden")

    monkeypatch.setattr(apply, "az", refuse)
    assert apply.main(apply.parse_args([])) == 1
    assert "(403) Forbidden" in capsys.readouterr().err


def test_pruning_without_a_remote_changes_nothing(lines, capsys) -> None:
    assert apply.main(apply.parse_args(["--prune"])) == 1
    assert "no git remote" in capsys.readouterr().err
    assert lines == [], "it is said before anything is asked"


def test_an_environment_of_releases_asks_the_registry_in_the_plan_alone(lines, capsys, monkeypatch) -> None:
    with Path("config/local.yml").open("a") as file:
        file.write("assets_from: registry\nregistry: mlr\n")
    assert apply.main(apply.parse_args([])) == 0
    assert lines == []
    assert "assets come from registry mlr; `make promote TO=local" in capsys.readouterr().out
    assert plan.main(plan.parse_args([])) == 0
    assert "7 from the registry" in capsys.readouterr().out


def test_the_repository_of_a_render_is_what_tags_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILD_REPOSITORY_URI", raising=False)
    root = copied(tmp_path)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "remote", "add", "origin", REPOSITORY], check=True)
    project = Project(root, "local")
    assert project.repository == project.specs["components/gate"].document["tags"]["repository"] == REPOSITORY
