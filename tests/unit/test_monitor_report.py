"""The report of a monitor's run: verdict, page, results.json, metrics."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import overflow, see
from tests.component import load

script = load("monitor_report")
results = load("monitor_report", "report.results")
charts = load("monitor_report", "report.charts")

JS = "jensen_shannon_distance"
EVIL = "<script>console.error('taken over')</script>"


def row(feature: str, value: float | None = 0.002, metric: str = JS, threshold: float = 0.01, **fields) -> dict:
    breached = value is not None and value > threshold
    azure = {"evaluated": True, "note": ""}
    found = {"feature": feature, "kind": "numerical", "metric": metric, "value": value, "threshold": threshold}
    return {**found, "breached": breached, "azure": azure, **fields}


def signal(name: str, rows: list[dict], findings=(), histograms=None, kind: str = "data_drift") -> dict:
    counts = {"reference": 5000, "production": 2500}
    return {
        "schema": 1, "signal": name, "type": kind, "rows": counts, "features": rows, "findings": list(findings),
        "histograms": histograms or {}, "window": None,
    }  # fmt: skip


def finding(level: str, feature: str | None = None, message: str = "is not there") -> dict:
    return {"level": level, "feature": feature, "code": "missing-column", "message": message}


HISTOGRAMS = {
    "temp": {"edges": [10.0, 40.0, 70.0, 100.0], "reference": [60, 30, 10], "production": [0, 10, 90]},
    "carrier": {"categories": ["UA", "AA", None], "reference": [50, 40, 10], "production": [10, 80, 10]},
    EVIL: {"categories": [EVIL], "reference": [1], "production": [1]},
}


class Run:
    """Folders of a monitor's run, and the report made of them."""

    def __init__(self, folder: Path, name: str = "run-2") -> None:
        self.folder, self.name = folder, name
        self.report = folder / "history" / name
        self.report.mkdir(parents=True)

    def make(self, *signals: dict, asked: dict | None = None, alert: bool = True) -> dict:
        """The results of `signals`, each of which comes from a folder of its own."""
        for number, one in enumerate(signals):
            path = self.folder / f"step-{number}" / "signals" / f"{one['signal']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(one))
        names = asked or {one["signal"]: {"type": one["type"], "alert_enabled": alert} for one in signals}
        monitor = {
            "monitor": "flight-delay", "run": self.name, "due": "2026-11-25T06:00:00+00:00", "signals": names,
            "window": {"start": "2026-11-24T06:00:00+00:00", "end": "2026-11-25T06:00:00+00:00"},
            "target": {"endpoint": "flight-delay-1", "deployment": "blue", "ml_task": "regression"}, "warnings": [],
        }  # fmt: skip
        steps = [str(self.folder / f"step-{number}") for number in range(max(len(signals), 1))]
        argv = ["--signals", *steps, "--history", str(self.folder / "history"), "--monitor", json.dumps(monitor)]
        assert script.main(script.parse_args([*argv, "--report", str(self.report)])) == 0
        return json.loads((self.report / "results.json").read_text())

    @property
    def page(self) -> Path:
        return self.report / "report.html"


@pytest.fixture
def run(tmp_path, tracking) -> Run:
    return Run(tmp_path)


class Text(HTMLParser):
    """Text of the elements of a page, by the attribute that a test looks for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.verdict, self._feature = "", ""
        self.values: dict[tuple[str, str], str] = {}
        self._into: str | None = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._feature = given.get("data-feature") or self._feature
        self._into = "verdict" if given.get("id") == "verdict" else given.get("data-metric")

    def handle_data(self, data):
        if self._into == "verdict":
            self.verdict += data
        elif self._into:
            self.values[self._feature, self._into] = data
        self._into = None


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([signal("a", [row("temp")])], "ok"),
        ([signal("a", [row("temp"), row("hour", 0.5)])], "breached"),
        ([signal("a", [row("temp")], [finding("warning")])], "ok"),
        ([signal("a", [row("temp")], [finding("error", "hour")])], "failed"),
        ([signal("a", [row("temp", None)])], "failed"),
        ([signal("a", [row("temp", 0.5)], [finding("error", "hour")])], "breached"),
        ([signal("a", [row("temp")]), signal("b", [])], "failed"),
    ],
)
def test_nothing_breached_is_ok_only_if_everything_was_looked_at(run, found, verdict):
    assert run.make(*found)["verdict"] == verdict


def test_a_signal_without_a_result_is_no_silence(run):
    document = run.make(signal("a", [row("temp")]), asked={"a": {"alert_enabled": True}, "b": {"type": "data_quality"}})
    assert document["verdict"] == "failed"
    assert document["signals"][1]["findings"][0]["code"] == "no-result"
    assert "was not computed: its step has failed and written nothing" in run.page.read_text()


def test_when_no_step_has_a_result_there_is_a_report_all_the_same(run):
    monitor = {"monitor": "m", "signals": {"a": {"type": "data_drift"}}}
    argv = ["--signals", "--history", str(run.folder), "--monitor", json.dumps(monitor), "--report", str(run.report)]
    assert script.main(script.parse_args(argv)) == 0
    assert "its step has failed" in run.page.read_text()


@pytest.mark.parametrize("text", ["{", '{"schema": 2}', "[]", '{"schema": 1, "features": [NaN]}'])
def test_a_result_that_cannot_be_read_is_a_finding_and_hides_nothing_else(run, text):
    broken = run.folder / "step-0" / "signals" / "b.json"
    broken.parent.mkdir(parents=True)
    broken.write_text(text)
    document = run.make(signal("a", [row("temp", 0.5)]), asked={"a": {}, "b": {}})
    assert document["verdict"] == "breached"
    assert document["signals"][1]["findings"][0]["message"].startswith("was not computed: ")


def test_signals_without_alerts_count_for_the_verdict_and_not_for_alerts(run):
    document = run.make(signal("a", [row("temp", 0.5)]), alert=False)
    assert (document["verdict"], document["alert"]) == ("breached", "ok")


def test_the_results_keep_what_the_run_was_about_and_leave_the_histograms(run):
    document = run.make(signal("a", [row("temp")], histograms=HISTOGRAMS))
    assert document["monitor"] == "flight-delay"
    assert document["target"]["deployment"] == "blue"
    assert document["signals"][0]["rows"] == {"reference": 5000, "production": 2500}
    assert "histograms" not in document["signals"][0]


def test_metrics_and_files_are_in_the_steps_run_and_in_the_monitors(run, tracking):
    import mlflow

    own = mlflow.active_run().info.run_id
    parent = tracking.create_run("0").info.run_id
    tracking.set_tag(own, "mlflow.parentRunId", parent)
    run.make(signal("drift", [row("temp", 0.5), row("a/b", 0.25), row("..", 0.125), row("gone", None)]))
    for one in (own, parent):
        logged = tracking.get_run(one).data
        assert logged.metrics == {
            f"drift/temp/{JS}": 0.5, f"drift/a_b/{JS}": 0.25, f"drift/_/{JS}": 0.125, "breached": 3.0,
        }  # fmt: skip
        assert logged.tags["verdict"] == "breached"
        assert {file.path for file in tracking.list_artifacts(one)} == {"report.html", "results.json"}


def test_a_metric_is_shown_over_the_runs_that_are_not_broken(run, capsys):
    earlier = Run(run.folder, "run-1")
    earlier.make(signal("a", [row("temp", 0.004)]))
    (run.folder / "history" / "run-0").mkdir()
    (run.folder / "history" / "run-0" / "results.json").write_text("{}")
    run.make(signal("a", [row("temp", 0.5)]))
    page = run.page.read_text()
    assert "2 runs from 2026-11-25 06:00" in page
    assert "0.004, threshold 0.01</title>" in page
    assert "0.5, threshold 0.01, breached</title>" in page
    assert "WARNING run-0: its results can't be read" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["drift", "[]", "{}", '{"monitor": "drift"}'])
def test_a_monitor_that_is_none_is_an_error(tmp_path, tracking, text, capsys):
    argv = ["--signals", str(tmp_path), "--monitor", text, "--report", str(tmp_path)]
    assert script.main(script.parse_args(argv)) == 1
    assert capsys.readouterr().err.startswith("ERROR monitor")


def test_the_page_opens_in_a_browser_shows_its_values_and_fits_a_phone(run):
    rows = [row("temp", 0.123456), row("carrier", 0.2), row(EVIL, 0.001), row("x" * 200, 0.001)]
    quality = signal("quality", [row("temp", 0.25, "null_value_rate", reference=0.1)], [finding("error", EVIL, EVIL)])
    run.make(signal("drift", rows, histograms=HISTOGRAMS), {**quality, "type": "data_quality"})
    profile = run.folder / "profile"

    seen = see(run.page, profile)
    text = Text(seen.dom)
    assert seen.console == []
    assert text.verdict == "breached"
    assert text.values["carrier", JS] == "0.2"
    assert text.values["temp", "null_value_rate"] == "0.25"
    assert "<script" not in seen.dom
    assert "http" not in seen.dom, "nothing is fetched"
    assert overflow(run.page, 390, profile) == 0

    see(run.page, profile, f"--print-to-pdf={run.folder / 'report.pdf'}")
    assert (run.folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_browser_would_have_told_of_an_error(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p style='width: 700px'>wide</p><script>console.error('broken')</script>")
    assert see(page, tmp_path / "profile").console
    assert overflow(page, 390, tmp_path / "profile") > 0


def test_histograms_compare_shares_since_the_sides_have_different_numbers_of_rows():
    chart = charts.buckets({"edges": [0, 1, 2], "reference": [100, 100], "production": [1, 3]})
    assert [bar.production for bar in chart.buckets] == [32.0, 96]
    assert [bar.reference for bar in chart.buckets] == [64.0, 64.0]
    assert chart.buckets[1].title == "1 to 2: 50.0 % of the reference, 75.0 % now"


def test_an_empty_side_is_no_error():
    chart = charts.buckets({"edges": [0.0, 0.0], "reference": [0], "production": [0]})
    assert [(bar.reference, bar.production) for bar in chart.buckets] == [(0, 0)]
    assert charts.categories({"categories": [], "reference": [], "production": []}) == []


def test_of_many_categories_the_commonest_are_shown_and_the_rest_is_one_row():
    names = [str(number) for number in range(30)]
    shown = charts.categories({"categories": names, "reference": list(range(30)), "production": [1] * 30})
    assert [one.label for one in shown][:2] == ["29", "28"]
    assert (shown[-1].label, len(shown)) == ("18 others", 13)
    assert sum(one.reference for one in shown) == pytest.approx(1)


def test_a_higher_value_is_higher_and_the_threshold_is_among_them():
    course = charts.course([("mon", 0.0, 0.1, False), ("tue", 0.4, 0.1, True)])
    low, high = course.points
    assert low.y > course.limit > high.y > 0
    assert (low.breached, high.breached) == (False, True)
