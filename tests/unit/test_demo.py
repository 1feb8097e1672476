"""The report at the end of `make demo`, from what `az ml` tells about the jobs."""

import json
from pathlib import Path

import pytest

from scripts import demo
from scripts.az import AzError
from scripts.looking import workspace as looking
from scripts.retraining.facts import reason_of
from scripts.retraining.policy import Facts

METRICS = {"rmse": 22.417, "mae": 14.329, "r2": 0.8405}
REASON = "rmse 22.42, and there is no champion yet; all 3 rules hold"


def job(name: str, display_name: str, kind: str = "command", **fields) -> dict:
    created = {"created_at": f"2026-11-24T20:{fields.pop('minute', 0):02d}:00"}
    properties = {"azureml.duration": f"{fields.pop('seconds', 3.0):.3f}", **fields.pop("properties", {})}
    plain = {"status": "Completed", "properties": properties, "creation_context": created}
    return {"name": name, "display_name": display_name, "type": kind, **plain, **fields}


class Az:
    """Stands for `az`: answers `ml` lines from documents; every line has to name the workspace."""

    def __init__(self) -> None:
        sweep = {
            "type": "sweep",
            "objective": {"primary_metric": "validation_rmse"},
            "search_space": {"learning_rate": {}},
        }
        self.jobs = {
            "land": job("land", "register_data", "pipeline"),
            "fit": job("fit", "train", "pipeline", seconds=61.0, jobs={"prep": {"type": "parallel"}, "tune": sweep}),
        }
        best = {"best_child_run_id": "run-1", "score": "18.9659"}
        self.children = {
            "land": [job("step-f", "flights"), job("step-w", "weather")],
            # not in the order in which they ran, as the service gives them
            "fit": [job("step-g", "gate", minute=4), job("step-t", "tune", "sweep", minute=2, properties=best)],
            "step-t": [
                job("trial-0", "tune_0", properties={"mlflow.run_id": "run-0"}, inputs={"learning_rate": "0.1"}),
                job("trial-1", "tune_1", properties={"mlflow.run_id": "run-1"}, inputs={"learning_rate": "0.033908"}),
            ],
        }
        self.files = {
            ("fit", "evaluation"): ("evaluation.json", {
                "test_month": "2013-06", "rows": 27075, "champion": None,
                "candidate": {"metrics": METRICS, "data": {"flights": "6abc by step-f", "weather": "752e by step-w"}},
            }),
            ("fit", "decision"): ("decision.json", {"promote": True, "reason": REASON, "checks": []}),
            ("fit", "registered"): ("result.json", {"model": "flight-delay", "version": "1", "reason": REASON}),
            ("step-f", "report"): ("report.json", {"rows": 166158, "months": ["2013-01", "2013-02"]}),
            ("step-w", "report"): ("report.json", {"rows": 13014, "months": ["2013-01"]}),
        }  # fmt: skip
        self.data = {name: [self.version(name, "3", f"step-{name[0]}")] for name in ("flights", "weather")}

    @staticmethod
    def version(name: str, number: str, made_by: str) -> dict:
        path = f"azureml://datastores/workspaceblobstore/paths/azureml/{made_by}/dataset/"
        return {"name": name, "version": number, "path": path, "creation_context": {"created_at": number}}

    def json(self, line: list[str]) -> object:
        assert line[:3] != ["ml", "job", "create"], "a report changes nothing"
        options = dict(zip(line[3::2], line[4::2], strict=False)) if "--all-results" not in line else {}
        if line[1:3] == ["workspace", "show"]:
            assert options == {"--name": "w", "--resource-group": "g"}
            return {"mlflow_tracking_uri": "http://127.0.0.1:5000"}
        assert line[-4:] == ["--resource-group", "g", "--workspace-name", "w"]
        match line[1:3]:
            case ["job", "list"]:
                return self.children[line[line.index("--parent-job-name") + 1]]
            case ["job", "show"]:
                known = [*self.jobs.values(), *(one for of in self.children.values() for one in of)]
                return next(one for one in known if one["name"] == options["--name"])
            case ["data", "list"]:
                return self.data[options["--name"]]
            case ["model", "show"]:
                tags = {"rmse": "22.417"}
                created = {"created_at": "2026-11-24T21:11:48.188000+00:00"}
                return {"name": "flight-delay", "version": "1", "tags": tags, "creation_context": created}
        raise AssertionError(line)

    def run(self, line: list[str]) -> None:
        options = dict(zip(line[3::2], line[4::2], strict=True))
        name, output = options["--name"], options["--output-name"]
        folder = Path(options["--download-path"]) / "named-outputs" / output
        folder.mkdir(parents=True)
        file, content = self.files[name, output]
        (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def az(tmp_path, monkeypatch) -> Az:
    """A workspace in which both pipelines have run, and a repository that knows their names."""
    fake = Az()
    monkeypatch.setattr(looking, "az_json", fake.json)
    monkeypatch.setattr(looking, "az", fake.run)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "common.yml").write_text("resource_group: g\nworkspace: w\n")
    (tmp_path / "config" / "local.yml").write_text("{}\n")
    (tmp_path / "build" / "jobs").mkdir(parents=True)
    (tmp_path / "build" / "jobs" / "local-register_data").write_text("land\n")
    (tmp_path / "build" / "jobs" / "local-train").write_text("fit\n")
    return fake


def run(capsys) -> tuple[str, dict]:
    """What is printed, blanks of the tables narrowed, and what the JSON file holds."""
    assert demo.main(demo.parse_args([])) == 0
    text = capsys.readouterr().out
    return "\n".join(" ".join(line.split()) for line in text.splitlines()), json.loads(
        Path("build/local/demo.json").read_text()
    )


def failure(capsys) -> str:
    assert demo.main(demo.parse_args([])) == 1
    assert not Path("build/local/demo.json").exists()
    return capsys.readouterr().err


def test_a_first_run_tells_data_trials_metrics_gate_model_and_steps(az, capsys):
    text, facts = run(capsys)
    assert "flights 3 166,158 2013-01 to 2013-02 (2)" in text
    assert "weather 3 13,014 2013-01" in text
    assert "Trials: 2, 2 completed\nbest: validation_rmse 18.97 with learning_rate 0.03391" in text
    assert "candidate champion\nrmse 22.42 -" in text
    assert f"Gate: promoted\n{REASON}" in text
    assert "Model: flight-delay, version 1, registered 2026-11-24T21:11Z" in text
    assert "no step was reused" in text
    assert "as a whole: register_data 3.0 s, train 1 min 01 s" in text
    assert "http://127.0.0.1:5000" in text
    assert facts["evaluation"]["candidate"] == METRICS
    assert [step["step"] for step in facts["steps"]] == ["flights", "weather", "tune", "gate"], "as they ran"


def test_the_json_has_sorted_keys(az, capsys):
    run(capsys)
    text = Path("build/local/demo.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_what_was_rolled_out_and_scored_is_told(az, capsys):
    Path("build/local").mkdir()
    figures = {"requests": 150, "errors": 0, "p95_ms": 84.4}
    rollout = {
        "endpoint": "flight-delay-766f85",
        "outcome": "flight-delay:1 is served by green",
        "smoke": {"deployment": "green", "compared_rows": 32, "p95_ms": 59.3},
        "share": {"green": figures, "blue": figures},
    }
    batch = {"endpoint": "b", "model": "flight-delay:1", "input": "flights/", "rows": 27075, "file": "p.csv"}
    Path("build/local/rollout.json").write_text(json.dumps(rollout))
    Path("build/local/batch.json").write_text(json.dumps(batch))
    text, facts = run(capsys)
    assert "Online endpoint: flight-delay-766f85\nflight-delay:1 is served by green" in text
    assert "smoke test of green: 32 predictions equal the registered model's own, p95 59 ms" in text
    assert "first share blue 150 0 84\nfirst share green 150 0 84" in text
    assert "27,075 predictions by flight-delay:1 for flights/" in text
    assert (facts["rollout"], facts["batch"]) == (rollout, batch)


def test_what_the_monitor_has_found_is_told_and_retraining_is_offered(az, capsys, monkeypatch):
    Path("build/local").mkdir()
    Path("config/common.yml").write_text(
        "resource_group: g\nworkspace: w\nmodel: flight-delay\n"
        "retrain: {cool_down_hours: 72, at_most_per_day: 1, minimum_new_rows: 10000, approval: true}\n"
    )
    names = ["temp", "carrier", "hour", "dewp", "humid", "visib"]
    figures = [
        {"feature": name, "metric": "jensen_shannon_distance", "value": 0.1 * place, "threshold": 0.01,
         "breached": place > 0} for place, name in enumerate(names)
    ]  # fmt: skip
    signal = {"signal": "data_drift", "alert_enabled": True, "features": figures, "findings": []}
    monitor = {"monitor": "flight-delay", "run": "run-1", "verdict": "breached", "alert": "breached",
               "signals": [signal], "page": "build/local/monitor.html"}  # fmt: skip
    sent = {"endpoint": "flight-delay-766f85", "months": "2013-07", "rows": 28293, "requests": 142, "seconds": 9.0}
    for name, report in (("monitor", monitor), ("sent", sent)):
        Path(f"build/local/{name}.json").write_text(json.dumps(report))
    monkeypatch.setattr(
        demo, "gather", lambda _, model, seen, reason, by: Facts(f"{model}, {reason_of(seen)}"[:36], [], 0, by)
    )
    text, facts = run(capsys)
    assert "Production: 28,293 flights of 2013-07 scored by flight-delay-766f85" in text
    assert "Monitor: breached, 5 of 6 figures are beyond their thresholds\nsignal" in text
    assert "data_drift visib jensen_shannon_distance 0.5 0.01\ndata_drift humid" in text, "the worst first"
    assert "report: build/local/monitor.html" in text
    assert "Retraining: not yet\nyes reason flight-delay, run-1: data_drift/carr\nyes cool-down" in text
    assert "no approval a person has to approve: make retrain APPROVED_BY=name" in text
    assert [rule["allows"] for rule in facts["retrain"]["rules"]] == [True, True, True, False, False]


def test_what_was_not_rolled_out_is_not_told(az, capsys):
    text, facts = run(capsys)
    assert "endpoint:" not in text
    assert facts["rollout"] is None


def test_a_second_run_with_nothing_changed_says_so(az, capsys):
    for name, steps in [("land", ["flights", "weather"]), ("again", ["tune", "gate"])]:
        origin = {"flights": "step-f", "weather": "step-w", "tune": "step-t", "gate": "step-g"}
        az.children[name] = [
            job(f"new-{step}", step, "sweep" if step == "tune" else "command", minute=at,
                properties={"azureml.isreused": "true", "azureml.reusedrunid": origin[step]})
            for at, step in enumerate(steps)
        ]  # fmt: skip
    az.jobs["again"] = {**az.jobs["fit"], "name": "again"}
    az.files |= {("again", output): az.files["fit", output] for output in ("evaluation", "decision", "registered")}
    Path("build/jobs/local-train").write_text("again\n")
    text, facts = run(capsys)
    assert "Steps: all 4 steps were reused: nothing that they depend on has changed" in text
    assert facts["all_reused"] is True
    assert facts["trials"]["number"] == 2, "those of the sweep that did the work"


def test_the_data_is_what_the_model_was_trained_on_and_not_the_newest(az, capsys):
    az.data["flights"].append(az.version("flights", "4", "later"))
    assert run(capsys)[1]["data"]["flights"]["version"] == "3"


def test_a_refusal_names_the_champion_that_stays(az, capsys):
    champion = {"name": "flight-delay", "version": "1", "metrics": METRICS | {"rmse": 22.4}}
    az.files["fit", "evaluation"][1]["champion"] = champion
    az.files["fit", "decision"] = ("decision.json", {"promote": False, "reason": "rmse is worse", "checks": []})
    az.files["fit", "registered"] = ("result.json", {"model": None, "version": None, "reason": "rmse is worse"})
    text, facts = run(capsys)
    assert "candidate champion, version 1\nrmse 22.42 22.4" in text
    assert "Gate: refused\nrmse is worse" in text
    assert "none was registered, the gate refused; flight-delay, version 1, stays the champion" in text
    assert facts["model"] is None


def test_a_champion_that_could_not_be_judged_is_told_apart_from_none(az, capsys):
    az.files["fit", "evaluation"][1]["champion"] = {"name": "flight-delay", "version": "1", "error": "no MLmodel"}
    text, facts = run(capsys)
    assert "the champion could not be judged: no MLmodel" in text
    assert facts["evaluation"]["champion"]["error"] == "no MLmodel"


def test_a_failed_step_is_named_with_the_way_to_its_log(az, capsys):
    az.jobs["fit"]["status"] = "Failed"
    page = {"services": {"Studio": {"endpoint": "http://127.0.0.1:5000/run"}}}
    az.children["fit"][0] |= {"status": "Failed", "error": {"message": "exit code 1"}, **page}
    error = failure(capsys)
    assert "job fit (train) is Failed\nstep gate failed: exit code 1" in error
    assert "az ml job stream --name step-g --resource-group g --workspace-name w" in error
    assert "http://127.0.0.1:5000/run" in error


@pytest.mark.parametrize("status", ["Running", "Canceled"])
def test_a_job_that_is_not_completed_is_no_outcome(az, capsys, status):
    az.jobs["land"]["status"] = status
    assert f"job land (register_data) is {status}\n  follow it: az ml job stream --name land" in failure(capsys)


def test_a_pipeline_that_was_never_run_is_named_with_its_target(az, capsys):
    Path("build/jobs/local-register_data").unlink()
    assert "run `make register-data`" in failure(capsys)


def test_a_result_that_is_no_json_is_an_error_that_names_the_job(az, capsys):
    az.files["fit", "decision"] = ("decision.json", "{")
    assert "job fit: output decision has no readable decision.json" in failure(capsys)


def test_what_az_says_is_passed_on(az, capsys, monkeypatch):
    def broken(line):
        raise AzError("az ml job show\nexit code 3: Job 'fit' was not found")

    monkeypatch.setattr(looking, "az_json", broken)
    assert "Job 'fit' was not found" in failure(capsys)
