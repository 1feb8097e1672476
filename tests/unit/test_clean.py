"""What `make clean ENV=…` removes of pull requests: what its tag says is over, and what a job of theirs has made."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import clean as verb
from scripts.planning.expired import Left, Rule, clean, number_in

MINE = "https://example.com/flights"
RULE = Rule(MINE, date(2026, 12, 3))
OVER = {"repository": MINE, "pr": "7", "expires": "2026-12-02"}
LATER = OVER | {"expires": "2026-12-03"}


def lines(left: Left, rule: Rule = RULE) -> list[str]:
    return [" ".join(line[1:]) for line in clean(left, rule)]


@pytest.mark.parametrize(
    ("tags", "goes"),
    [
        (OVER, True),
        (LATER, False),  # its last day
        (OVER | {"repository": f"{MINE}-of-others"}, False),
        ({"repository": MINE, "expires": "2026-12-02"}, False),  # no pull request's
        ({"repository": MINE, "pr": "7"}, False),
        (OVER | {"expires": "soon"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_what_goes_says_its_tag(tags: dict[str, str] | None, goes: bool) -> None:
    assert RULE.goes(tags) is goes


def test_what_one_pull_request_has_made_goes_at_once() -> None:
    now = Rule(MINE, date(2026, 1, 1), "7")
    assert now.goes(LATER)
    assert now.goes({"repository": MINE, "pr": "7"})
    assert not now.goes(OVER | {"pr": "71"})
    assert not now.goes({"repository": MINE})


def test_endpoints_and_schedules_are_deleted_a_schedule_once_it_is_disabled() -> None:
    services: dict[str, list[dict[str, Any]]] = {
        "schedule": [
            {"name": "on-pr-7", "tags": OVER, "is_enabled": True},
            {"name": "off-pr-7", "tags": OVER, "is_enabled": False},
            {"name": "retrain", "tags": {"repository": MINE}},
        ],
        "online-endpoint": [{"name": "a-pr-7-x", "tags": OVER}, {"name": "a", "tags": {"repository": MINE}}],
        "batch-endpoint": [{"name": "b-pr-8-x", "tags": LATER}, {"name": "c-pr-9-x", "tags": None}],
    }
    assert lines(Left(services)) == [
        "schedule disable --name on-pr-7",
        "schedule delete --name on-pr-7",
        "schedule delete --name off-pr-7",
        "online-endpoint delete --name a-pr-7-x --yes",
    ]


def test_each_version_of_an_asset_goes_by_its_own_tag() -> None:
    versions: list[dict[str, Any]] = [
        {"version": "old", "tags": OVER},
        {"version": "new", "tags": LATER},
        {"version": "hand"},
    ]
    assert lines(Left(assets={("component", "train_pr_7"): versions})) == [
        "component archive --name train_pr_7 --version old"
    ]


def job(name: str, status: str = "Completed", **tags: str) -> dict[str, Any]:
    return {"name": name, "status": status, "tags": OVER | tags}


MODEL, REFERENCE = ("model", "m-pr-7"), ("data", "m-pr-7-reference")


def test_what_a_job_has_made_goes_with_the_job_and_before_it() -> None:
    left = Left(
        assets={
            MODEL: [{"version": "1", "tags": {"root_job": "a"}}, {"version": "2", "tags": {"root_job": "b"}}],
            REFERENCE: [{"version": "1", "path": "azureml://x/paths/azureml/step-a/reference/"}, {"version": "2"}],
        },
        jobs=[job("a"), job("b", expires="2026-12-09"), {"name": "main", "status": "Completed", "tags": {}}],
        steps={"a": ["step", "step-a"]},
    )
    assert lines(left) == [
        "model archive --name m-pr-7 --version 1",
        "data archive --name m-pr-7-reference --version 1",
        "job archive --name a",
    ]


def test_a_job_that_runs_stays_and_so_does_what_it_makes() -> None:
    left = Left(assets={MODEL: [{"version": "1", "tags": {"root_job": "a"}}]}, jobs=[job("a", "Running")])
    assert lines(left) == []


def test_nothing_goes_for_its_name_alone() -> None:
    others = {"root_job": "a"}
    left = Left(
        assets={
            MODEL: [{"version": "1"}, {"version": "2", "tags": {"root_job": "nobody's"}}],
            ("model", "m-pr-8"): [{"version": "1", "tags": others}],  # another number than its job's
            ("model", "m"): [{"version": "1", "tags": others}],
            REFERENCE: [{"version": "1", "path": "azureml://x/paths/azureml/step-of-main/reference/"}],
        },
        jobs=[job("a")],
        steps={"a": ["step-a"]},
    )
    assert lines(left) == ["job archive --name a"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("train_pr_7", "7"), ("m-pr-71-reference", "71"), ("flight-delay", None), ("pr-7", None), ("a-prx-7", None)],
)
def test_the_number_in_a_name(name: str, number: str | None) -> None:
    assert number_in(name) == number


# ---- The command

ROWS: dict[str, list[dict[str, Any]]] = {
    "component": [{"name": "train"}, {"name": "train_pr_7"}],
    "component train_pr_7": [{"version": "1", "tags": OVER | {"expires": "2020-01-01"}}],
    "data": [{"name": "flights"}, {"name": "m-pr-7-reference"}],
    "data m-pr-7-reference": [{"version": "1", "path": "x/azureml/reused/reference/"}],
    "job": [job("a", expires="2020-01-01"), job("b", expires="2999-01-01")],
    "job a": [{"name": "step", "properties": {"azureml.reusedrunid": "reused"}}],
}


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines of az that changed something, in a workspace with ROWS."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/common.yml").write_text("resource_group: g\nworkspace: w\npr: {days: 7}\n")
    (tmp_path / "config/dev.yml").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILD_REPOSITORY_URI", MINE)
    changed: list[str] = []

    def rows(line: list[str]) -> Any:
        names = [
            line[place + 1] for flag in ("--name", "--parent-job-name") if flag in line for place in [line.index(flag)]
        ]
        return ROWS.get(" ".join([line[1], *names]), [])

    def az(line: list[str], expected: tuple[int, ...] = (0,)) -> Any:
        changed.append(" ".join(line[1:5]))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(verb, "az_json", rows)
    monkeypatch.setattr("scripts.looking.workspace.az_json", rows)
    monkeypatch.setattr(verb, "az", az)
    return changed


def test_the_command_asks_for_names_of_pull_requests_alone(said, capsys) -> None:
    assert verb.main(verb.parse_args(["--env", "dev"])) == 0
    assert said == [
        "component archive --name train_pr_7",
        "data archive --name m-pr-7-reference",
        "job archive --name a",
    ]
    assert capsys.readouterr().out.endswith("dev: 3 archived\n")


def test_with_nothing_left_it_says_so(said, capsys, monkeypatch) -> None:
    monkeypatch.setattr(verb, "az_json", lambda line: [])
    assert verb.main(verb.parse_args(["--env", "dev"])) == 0
    assert (said, capsys.readouterr().out) == ([], "dev: nothing has expired\n")


def test_without_a_remote_nothing_goes(said, capsys, monkeypatch) -> None:
    monkeypatch.delenv("BUILD_REPOSITORY_URI")
    assert verb.main(verb.parse_args(["--env", "dev"])) == 1
    assert said == []
    assert "no git remote `origin`" in capsys.readouterr().err


def test_which_environment_has_to_be_said(capsys) -> None:
    with pytest.raises(SystemExit):
        verb.parse_args([])
