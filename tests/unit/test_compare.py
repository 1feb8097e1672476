"""Versions and runs side by side: which is the champion, what made it, and what the gate said of the others."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser

import mlflow
import pytest

from scripts import compare
from scripts.looking import comparison as comparing
from scripts.looking.judging import judging
from scripts.looking.page import Comparison, render
from scripts.looking.runs import Run, Tracking, TrackingError
from scripts.specs.project import Project
from tests import history
from tests.component import ROOT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(ROOT, "local")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """Some weeks of work, see tests/history.py."""
    return history.weeks(tmp_path_factory.mktemp("weeks"))


@pytest.fixture
def weeks(store) -> Iterator[Tracking]:
    yield Tracking(store)
    mlflow.set_tracking_uri("")


@pytest.fixture
def compared(weeks, project) -> Comparison:
    return compare.compare(weeks, "local/local", project, history.MODEL, newest=10)


def by_job(compared: Comparison) -> dict:
    return {one.job: one for one in compared.trainings}


def test_what_is_compared_by_what_comes_from_the_specs(project):
    by = judging(project)
    assert (by.metric, by.goal, by.slices) == ("rmse", "minimize", "carrier")
    assert by.objectives == {"validation_rmse": "minimize"}


def test_the_newest_version_is_the_champion_and_the_newest_comes_first(compared):
    assert [(one.number, one.champion) for one in compared.versions] == [(3, True), (2, False), (1, False)]


def test_a_version_shows_the_metrics_and_settings_of_the_runs_that_made_it(compared):
    second = compared.versions[1]
    assert second.job == "charlie"
    assert second.metrics["rmse"] == 21.6, "as the run logged it, not as the tag rounds it"
    assert second.params["learning_rate"] == history.RATES[0]
    assert "test_month" not in second.params, "it is among the tags, and is shown once"


def test_a_version_from_another_workspace_still_has_the_metrics_that_its_tags_keep(weeks, project):
    found = weeks.versions(history.MODEL)
    newest = comparing.versions(found, [], judging(project))[0]
    assert newest.metrics == {"rmse": 20.9}
    assert (newest.params, newest.job) == ({}, "foxtrot")


def test_training_runs_of_this_model_only_newest_first(compared):
    assert [one.job for one in compared.trainings] == ["foxtrot", "echo", "delta", "charlie", "baker", "able"]


def test_each_run_tells_what_came_of_it(compared):
    outcomes = {job: one.outcome for job, one in by_job(compared).items()}
    assert outcomes == {
        "foxtrot": "version 3",
        "echo": "failed",
        "delta": "reused",
        "charlie": "version 2",
        "baker": "refused",
        "able": "version 1",
    }


def test_candidate_and_champion_are_apart(compared):
    refused = by_job(compared)["baker"]
    assert (refused.metrics["rmse"], refused.champion["rmse"]) == (22.39, 22.4)
    assert by_job(compared)["able"].champion == {}


def test_a_reused_run_shows_what_the_run_found_that_did_the_work(compared):
    runs = by_job(compared)
    assert runs["delta"].metrics == runs["charlie"].metrics
    assert [trial.job for trial in runs["delta"].trials] == [trial.job for trial in runs["charlie"].trials]


def test_the_best_trial_is_marked_and_one_that_failed_is_listed(compared):
    runs = by_job(compared)
    assert [trial.best for trial in runs["able"].trials] == [True, False, False]
    assert [(trial.status, trial.best) for trial in runs["echo"].trials] == [("FINISHED", True), ("FAILED", False)]


@pytest.mark.parametrize(("goal", "best"), [("minimize", "low"), ("maximize", "high")])
def test_the_best_trial_depends_on_the_goal_and_is_never_one_without_a_number(goal, best):
    values = {"nan": float("nan"), "low": 1.0, "high": 2.0}
    family = [Run(name, name, name, "sweep", "e", "FINISHED", NOW, 1.0, metrics={"m": v}) for name, v in values.items()]
    root = Run("root", "train", "root", None, "e", "FINISHED", NOW, 1.0)
    assert [t.name for t in comparing.find_trials(root, family, {"m": goal}) if t.best] == [best]


def test_a_train_step_without_a_sweep_is_the_only_trial():
    root = Run("root", "train", "root", None, "e", "FINISHED", NOW, 1.0)
    prep = Run("prep", "prep", "prep", "root", "e", "FINISHED", NOW, 1.0)
    train = Run("fit", "fit", "fit", "root", "e", "FINISHED", NOW, 1.0, metrics={"m": 1.0})
    assert [trial.name for trial in comparing.find_trials(root, [root, prep, train], {"m": "minimize"})] == ["fit"]


def test_parameters_are_those_that_differ_and_those_that_do_not():
    params = [{"rate": "0.1", "seed": "7"}, {"rate": "0.2", "seed": "7"}]
    assert comparing.differing(params) == ["rate"]
    assert comparing.same_in_all(params) == "seed 7"


def test_the_terminal_shows_versions_runs_and_settings(compared):
    text = "\n".join(compare.report(compared))
    assert re.search(r"3 champion +2026-.* +20\.9 .* 2013-07 +1a9d73d +foxtroc0ffee", text)
    assert re.search(r"baker .* refused +22\.39 +22\.4 ", text)
    assert "the same in all: learning_rate 0.03391, max_iter 100" in text


def test_only_the_newest_are_compared(weeks, project):
    found = compare.compare(weeks, "local/local", project, history.MODEL, newest=2)
    assert [one.number for one in found.versions] == [3, 2]
    assert [one.job for one in found.trainings] == ["foxtrot", "echo"]


def test_an_unknown_model_is_an_error_that_names_the_known_ones(weeks, project):
    with pytest.raises(compare.NothingToCompare, match=r"model bus-delay has neither .* models: flight-delay"):
        compare.compare(weeks, "local/local", project, "bus-delay", newest=10)


def test_no_server_is_an_error_and_not_a_long_wait():
    with pytest.raises(TrackingError, match=r"^http://127\.0\.0\.1:9: "):
        Tracking("http://127.0.0.1:9").runs()


def test_an_artifact_is_read_or_there_is_none(weeks, compared, project):
    judged = compared.versions[0].judged
    assert set(compare.slices_of(weeks, judged, judging(project))) == set(history.CARRIERS)
    assert weeks.json_artifact(judged, "evaluation/other.json") is None
    assert weeks.json_artifact(judged, "nowhere/other.json") is None


class Page(HTMLParser):
    """Tags with their attributes, and all text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_but_itself(compared):
    html = render(compared, NOW)
    names = {tag for tag, _ in Page(html).tags}
    assert not names & {"script", "link", "img", "iframe"}
    assert not re.search(r"(src|href|url)\s*[=(]|@import|https?:", html)


def test_the_page_shows_champion_carriers_runs_and_trials(compared):
    page = Page(render(compared, NOW))
    assert "Version 3" in page.text
    assert all(carrier in page.text for carrier in history.CARRIERS)
    assert "16.7 (-1.10)" in page.text, "the largest carrier, and the change since the version before"
    dots = [attributes.get("class") for tag, attributes in page.tags if tag == "circle"]
    assert dots.count("dot refused") == 2, "one in the legend, one run that was refused"
    assert dots.count("dot previous") == 1 + len(history.CARRIERS)


def test_versions_of_different_months_are_not_joined(compared):
    lines = [attributes for tag, attributes in Page(render(compared, NOW)).tags if attributes.get("class") == "series"]
    assert len(lines) == 3, "rmse, mae and r2 from version 1 to 2; version 3 was judged on another month"


def test_what_a_tag_says_is_text_and_not_html(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.train("able", 22.4, registers=1)
    tracking.set_model_version_tag(history.MODEL, "1", "gate", "<script>alert(1)</script>")
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    html = render(compare.compare(tracked, "w", project, history.MODEL, 10), NOW)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_gate_that_always_refused_leaves_runs_and_no_version(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.train("able", 40.0)
    found = compare.compare(Tracking((tmp_path / "mlflow").as_uri()), "w", project, history.MODEL, 10)
    assert found.versions == []
    assert "No version is registered yet." in render(found, NOW)
    assert "able" in "\n".join(compare.report(found))


@pytest.fixture
def at_home(tmp_path, monkeypatch, weeks, store):
    """The repository's specs with a build folder of the test's own, and a workspace that says where its MLflow is."""
    for name in ("components", "config", "data", "environments", "pipelines"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scripts.looking.workspace.Workspace.tracking_uri", lambda self: store)
    return tmp_path


def test_json_is_what_the_page_shows(at_home, capsys):
    assert compare.main(compare.parse_args(["--format", "json", "--runs", "2"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in printed["versions"]] == [3, 2]
    assert printed["slices"]["3"]["UA"][0] == 4800
    assert (at_home / "build" / "local" / "compare.html").read_text().startswith("<!doctype html>")


def test_nothing_to_compare_ends_with_1(at_home, capsys):
    assert compare.main(compare.parse_args(["--model", "bus-delay"])) == 1
    assert "bus-delay" in capsys.readouterr().err
    assert not (at_home / "build").exists()


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_number_of_runs_that_makes_no_sense_is_refused(text):
    with pytest.raises(SystemExit):
        compare.parse_args(["--runs", text])
