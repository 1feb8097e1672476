"""Versions and runs side by side: which is the champion, what made it, and what the gate said of the others."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser

import mlflow
import pytest

from scripts import compare
from scripts.az import AzError
from scripts.looking import comparison as comparing
from scripts.looking.judging import judging
from scripts.looking.page import Comparison, render
from scripts.looking.runs import Run, Tracking, TrackingError
from scripts.looking.slices import compare_slices
from scripts.looking.workspace import Workspace
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
    return compare.compare(weeks, "local/local", project, history.MODEL, 10, why)


def why(job: str) -> str | None:
    """Stands for what `az ml job show` says of a failed job."""
    return {"echo": "tune: trial 1 ran out of memory"}.get(job)


def by_job(compared: Comparison) -> dict:
    return {one.job: one for one in compared.trainings}


def test_what_is_compared_by_what_comes_from_the_specs(project):
    by = judging(project)
    assert (by.metric, by.goal, by.slices) == ("rmse", "minimize", "carrier")
    assert by.objectives == {"validation_rmse": "minimize"}
    assert set(by.pipelines) == {"train", "retrain"}, "a retraining is judged like a training"


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


@pytest.mark.filterwarnings("ignore:.*stage:FutureWarning")
def test_an_archived_version_is_neither_shown_nor_the_champion(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    for number, job in enumerate(("able", "baker", "charlie"), 1):
        recorded.train(job, 22.4 - number, registers=number)
    tracking.set_model_version_tag(history.MODEL, "3", "azureml.archived", "true")
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    compared = compare.compare(tracked, "w", project, history.MODEL, 10, why)
    assert [(one.number, one.champion) for one in compared.versions] == [(2, True), (1, False)]
    assert render(compared, NOW)
    for left in ("1", "2"):
        tracking.transition_model_version_stage(history.MODEL, left, "Archived")
    none_left = compare.compare(tracked, "w", project, history.MODEL, 10, why)
    assert none_left.versions == []
    assert render(none_left, NOW)


def test_the_terminal_shows_versions_runs_and_settings(compared):
    text = "\n".join(compare.report(compared))
    assert re.search(r"3 champion +2026-.* +20\.9 .* 2013-07 +1a9d73d +foxtroc0ffee", text)
    assert re.search(r"baker .* refused +22\.39 +22\.4 ", text)
    assert "the same in all that were judged: learning_rate 0.03391, max_iter 100" in text
    assert "the same in all: learning_rate" in text.partition("Training runs")[0], "true of the versions"
    assert "  echo failed: tune: trial 1 ran out of memory" in text


def test_only_the_newest_are_compared(weeks, project):
    found = compare.compare(weeks, "local/local", project, history.MODEL, 2, why)
    assert [one.number for one in found.versions] == [3, 2]
    assert [one.job for one in found.trainings] == ["foxtrot", "echo"]


def test_an_unknown_model_is_an_error_that_names_the_known_ones(weeks, project):
    with pytest.raises(compare.NothingToCompare, match=r"model bus-delay has neither .* models: flight-delay"):
        compare.compare(weeks, "local/local", project, "bus-delay", 10, why)


def test_no_server_is_an_error_and_not_a_long_wait():
    with pytest.raises(TrackingError, match=r"^http://127\.0\.0\.1:9: "):
        Tracking("http://127.0.0.1:9").runs()


def test_an_artifact_is_read_or_there_is_none(weeks, compared):
    judged = compared.versions[0].judged
    assert weeks.json_artifact(judged, "evaluation/evaluation.json")["test_month"] == "2013-07"
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
    assert "rmse by carrier, 2013-07" in page.text
    assert "16.7 (-1.30)" in page.text, (
        "the largest carrier, and the change since the version before, on the same month"
    )
    dots = [attributes.get("class") for tag, attributes in page.tags if tag == "circle"]
    assert dots.count("dot refused") == 2, "one in the legend, one run that was refused"
    assert dots.count("dot previous") == 1 + len(history.CARRIERS)


def test_versions_of_different_months_are_not_joined(compared):
    lines = [attributes for tag, attributes in Page(render(compared, NOW)).tags if attributes.get("class") == "series"]
    assert len(lines) == 3, "rmse, mae and r2 from version 1 to 2; version 3 was judged on another month"


def test_versions_of_different_months_are_apart_and_their_months_are_named(compared):
    page = Page(render(compared, NOW))
    assert [attributes.get("class") for _, attributes in page.tags].count("break") == 3
    assert "2013-06: v1, v2" in page.text
    assert "2013-07: v3" in page.text


def rmse(slices: dict) -> list[float]:
    return [value for _, value in slices.values()]


def by_carrier(value: float) -> list[float]:
    return [row["rmse"] for row in history.by_carrier(value).values()]


def test_by_carrier_the_version_before_is_on_the_flights_of_the_newest_and_other_months_are_left_out(compared):
    slices = compared.slices
    assert (slices.test_month, slices.before, list(slices.versions)) == ("2013-07", 2, [3, 2])
    assert rmse(slices.versions[3]) == by_carrier(20.9)
    assert rmse(slices.versions[2]) == by_carrier(22.2), "on July, with version 3, and not the 21.6 of its own June"


def test_by_carrier_older_versions_of_the_same_month_are_shown(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.train("able", 22.4, registers=1, test_month="2013-05")
    recorded.train("baker", 22.0, champion=22.3, registers=2)
    recorded.train("charlie", 21.6, champion=21.9, registers=3)
    recorded.train("delta", 21.1, champion=21.5, registers=4)
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    slices = compare.compare(tracked, "w", project, history.MODEL, 10, why).slices
    assert slices is not None
    assert (slices.before, list(slices.versions)) == (3, [4, 3, 2])
    assert rmse(slices.versions[3]) == by_carrier(21.5)
    assert rmse(slices.versions[2]) == by_carrier(22.0)


def test_by_carrier_a_champion_that_could_not_be_judged_is_not_the_version_before(compared, project):
    judged = {"test_month": "2013-07", "candidate": {"slices": {"carrier": history.by_carrier(20.9)}}}
    broken = {**judged, "champion": {"name": history.MODEL, "version": "2", "error": "OSError: gone"}}
    evaluations = {compared.versions[0].judged: broken}
    slices = compare_slices(compared.versions, evaluations.get, judging(project))
    assert slices is not None
    assert (slices.before, list(slices.versions)) == (None, [3])


def test_the_first_version_has_nothing_before_it(tracking, tmp_path, project):
    history.History(tracking, tmp_path).train("able", 22.4, registers=1)
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    found = compare.compare(tracked, "w", project, history.MODEL, 10, why)
    assert found.slices is not None
    assert (found.slices.before, list(found.slices.versions)) == (None, [1])
    assert "version before" not in Page(render(found, NOW)).text


def test_a_run_that_failed_before_it_had_a_metric_is_listed_with_its_reason(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.run("register_data", "land-1", status="FAILED")
    recorded.train("able", 22.4, registers=1)
    recorded.stop("baker")
    recorded.stop("charlie")
    recorded.stop("delta", status="KILLED")
    reasons = {"baker": "prep: no space left on device", "delta": "canceled"}
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    found = compare.compare(tracked, "w", project, history.MODEL, 10, reasons.get)
    assert [(one.job, one.outcome, one.error) for one in found.trainings] == [
        ("delta", "killed", None),
        ("charlie", "failed", None),
        ("baker", "failed", "prep: no space left on device"),
        ("able", "version 1", None),
    ]
    assert "  baker failed: prep: no space left on device" in compare.report(found)
    assert "prep: no space left on device" in Page(render(found, NOW)).text


def test_the_reason_is_the_first_line_of_what_the_workspace_says_if_it_knows(project, monkeypatch):
    answers = {"baker": {"error": {"message": "prep: exit code 1\nsee its log"}}, "able": {"error": None}}

    def job(self, name):
        if name not in answers:
            raise AzError(f"az ml job show --name {name}\nexit code 3")
        return answers[name]

    monkeypatch.setattr("scripts.looking.workspace.Workspace.job", job)
    workspace = Workspace(project.config)
    reasons = [workspace.why_failed(name) for name in ("baker", "able", "gone")]
    assert reasons == ["prep: exit code 1", None, None]


def test_what_a_tag_says_is_text_and_not_html(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.train("able", 22.4, registers=1)
    tracking.set_model_version_tag(history.MODEL, "1", "gate", "<script>alert(1)</script>")
    tracked = Tracking((tmp_path / "mlflow").as_uri())
    html = render(compare.compare(tracked, "w", project, history.MODEL, 10, why), NOW)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_gate_that_always_refused_leaves_runs_and_no_version(tracking, tmp_path, project):
    recorded = history.History(tracking, tmp_path)
    recorded.train("able", 40.0)
    found = compare.compare(Tracking((tmp_path / "mlflow").as_uri()), "w", project, history.MODEL, 10, why)
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
    monkeypatch.setattr("scripts.looking.workspace.Workspace.why_failed", lambda self, job: why(job))
    return tmp_path


def test_json_is_what_the_page_shows(at_home, capsys):
    assert compare.main(compare.parse_args(["--format", "json", "--runs", "2"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in printed["versions"]] == [3, 2]
    assert printed["slices"]["versions"]["3"]["UA"][0] == 4800
    assert printed["trainings"][1]["error"] == "tune: trial 1 ran out of memory"
    assert (at_home / "build" / "local" / "compare.html").read_text().startswith("<!doctype html>")


def test_nothing_to_compare_ends_with_1(at_home, capsys):
    assert compare.main(compare.parse_args(["--model", "bus-delay"])) == 1
    assert "bus-delay" in capsys.readouterr().err
    assert not (at_home / "build").exists()


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_number_of_runs_that_makes_no_sense_is_refused(text):
    with pytest.raises(SystemExit):
        compare.parse_args(["--runs", text])
