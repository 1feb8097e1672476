"""The loop through the real az: June and July ask the endpoint, a mail tells of drift, a new model is judged."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.models import Model

from scripts.land import FILES, source
from scripts.rolling.scoring import Rows
from scripts.specs.project import Project, Spec
from tests.browser import see
from tests.component import load
from tests.mailbox import Mailbox, mailbox
from tests.place import ROOT, WHERE, Place, workspace

pytestmark = pytest.mark.slow
JUNE, JULY = 6, 7
ROWS = 1200  # of each month that the endpoint is asked
TRAIN, REGISTER = "pipelines/train", "pipelines/register_data"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def place(inbox, tmp_path_factory) -> Iterator[Place]:
    """A workspace in which the model is served by blue, with what it was trained on as reference data."""
    folder = tmp_path_factory.mktemp("monitor")
    settings = f"""
monitor: {{reference: "1"}}
alert: {{smtp_host: 127.0.0.1, smtp_port: {inbox.port}, smtp_security: none}}
"""
    with workspace(folder, settings) as place:
        make_reference(place, "1", JUNE)
        specs = "build/local/endpoints/online/flight-delay"
        place.az("online-endpoint", "create", "--file", f"{specs}/endpoint.yml")
        # --no-wait, since its dots would come before the JSON; show waits for nothing, so ask until it is there.
        place.az("online-deployment", "create", "--file", f"{specs}/blue.yml", "--no-wait")
        show = ["online-deployment", "show", "--name", "blue", "--endpoint-name", place.endpoint]
        while (state := place.az(*show)["provisioning_state"]) == "Creating":
            time.sleep(1)
        assert state == "Succeeded"
        place.az("online-endpoint", "update", "--name", place.endpoint, "--traffic", "blue=100", "--no-wait")
        yield place


def make_reference(place: Place, version: str, *months: int) -> None:
    """Registers what the train pipeline's step makes of a model and its months, as if it were trained on these."""
    folder = place.model.parent / f"reference-{version}"
    prepared = folder.with_name(f"prepared-{version}")
    for path in (folder, prepared):
        path.mkdir()
    model = place.variant(f"model-of-{version}")
    description = Model.load(model)
    description.metadata["train_months"] = [f"2013-{month:02d}" for month in months]
    description.save(model / "MLmodel")
    for month in months:
        flights(month).to_parquet(prepared / f"2013-{month:02d}.parquet", index=False)
    line = [sys.executable, "reference.py", "--model", model, "--prepared", prepared, "--reference", folder]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": (folder.parent / "mlflow").as_uri()}
    subprocess.run([*map(str, line)], cwd=ROOT / "components" / "reference", env=environment, check=True)
    create = ["data", "create", "--name", "flight-delay-reference", "--version", version, "--type", "mltable"]
    place.az(*create, "--path", str(folder))


@cache
def flights(month: int) -> pd.DataFrame:
    """Flights of a month of 2013 with their weather, evenly spread, as prep makes them."""
    prep = load("prep")
    raw = {name: pd.read_csv(source(file)) for name, file in FILES.items()}
    raw = {name: frame[frame["month"] == month] for name, frame in raw.items()}
    prepared = prep.prepare(raw["flights"], raw["weather"][["origin", "time_hour", *prep.WEATHER]])
    return prepared.iloc[:: len(prepared) // ROWS].head(ROWS).reset_index(drop=True)


def send(place: Place, frame: pd.DataFrame, records: int) -> None:
    """Sends rows and waits until the endpoint has written so many records."""
    columns = place.sample.columns
    data = frame[columns].astype(object).where(frame[columns].notna(), None).to_numpy().tolist()
    scoring = place.scoring()
    for start in range(0, len(data), 400):
        assert scoring.score(Rows(columns, data[start : start + 400])).problem is None
    folder = next(Path(place.environment["AZUREML_LOCAL_ROOT"]).rglob("modelDataCollector"))
    end = time.monotonic() + 60
    while sum(path.read_text().count("\n") for path in folder.rglob("model_outputs/**/*.jsonl")) < records:
        assert time.monotonic() < end, "what was answered is not recorded"
        time.sleep(0.2)


def found(place: Place) -> dict:
    return json.loads((place.repository / "build/local/monitor.json").read_text())


def test_what_is_like_the_training_data_is_no_drift_and_no_mail(place, inbox):
    send(place, flights(JUNE), records=3)
    said = place.run("scripts.monitor")
    assert "report: build/local/monitor.html\nflight-delay: ok\n" in said
    assert found(place)["target"]["deployment"] == "blue"
    rows = {signal["signal"]: signal["rows"] for signal in found(place)["signals"]}
    assert (rows["data_quality"]["reference"], rows["data_quality"]["production"]) == (1200, 1200)
    assert inbox.mails == []


def test_drift_is_seen_told_and_shown(place, inbox, tmp_path):
    send(place, flights(JULY), records=6)

    said = place.run("scripts.monitor", code=3)

    breached = {(signal["signal"], row["feature"]) for signal in found(place)["signals"]
                for row in signal["features"] if row["breached"]}  # fmt: skip
    assert ("data_drift", "temp") in breached
    assert ("data_quality", "temp") not in breached, "it is hotter, and not more often unknown"
    assert "told by mail: [breached] flight-delay: " in said
    [(receivers, mail)] = inbox.mails
    assert receivers == ["flights-team@example.com"]
    assert "- data_drift/temp/jensen_shannon_distance: 0." in mail.get_content()

    page = see(place.repository / "build/local/monitor.html", tmp_path / "profile")
    assert page.console == []
    assert "2 runs from" in page.dom, "what the monitor has found over its runs"


@pytest.fixture
def tracking(place) -> Iterator[tuple[MlflowClient, str]]:
    """The workspace's MLflow, and the run of the monitor's last job."""
    page = place.az("job", "show", "--name", found(place)["run"])["services"]["Studio"]["endpoint"]
    address, _, rest = page.partition("/#/")
    mlflow.set_tracking_uri(address)  # artifacts are fetched through the server
    yield MlflowClient(), rest.rpartition("/")[2]
    mlflow.set_tracking_uri("")


def test_the_report_is_an_artifact_of_the_monitors_run(tracking):
    client, run = tracking
    assert {"report.html", "results.json"} <= {file.path for file in client.list_artifacts(run)}
    assert client.get_run(run).data.metrics["data_drift/temp/jensen_shannon_distance"] > 0.01


def test_nobody_is_told_twice_and_the_exit_code_stays(place, inbox):
    assert "told by" not in place.run("scripts.alert", code=3)
    assert len(inbox.mails) == 1


def test_a_breach_leads_to_retraining_and_the_gate_decides(place):
    register_data(place)
    place.az("model", "update", "--name", "flight-delay", "--version", "1", "--set", "tags.test_month=2013-06")

    said = place.run("scripts.retrain", "--approved-by", "Ada")

    assert "Retraining: allowed" in said
    assert "Gate: promoted: " in said
    job = (place.repository / "build/jobs/local-train").read_text().strip()
    tags = place.az("job", "show", "--name", job)["tags"]
    run = found(place)["run"]
    assert tags["retrain_reason"].startswith(f"{run}: data_drift/")
    assert tags["retrain_monitor_run"] == run
    assert tags["retrain_new_rows"] == "29425", "the flights of July, which the champion has not seen"
    assert tags["retrain_approved_by"] == "Ada"
    model = place.az("model", "show", "--name", "flight-delay", "--version", "2")
    assert (model["tags"]["root_job"], model["tags"]["test_month"]) == (job, "2013-07")


def register_data(place: Place) -> None:
    """Lands May to July and registers them, with the assets that this and the train pipeline name."""
    trials = place.repository / "pipelines/_train_jobs.yml.j2"
    trials.write_text(trials.read_text().replace("max_total_trials: 6", "max_total_trials: 2"))
    place.run("scripts.render")
    place.run("scripts.land", "--month", "2013-05..2013-07")
    specs = Project(place.repository, "local").specs
    assets = {ref: specs[ref] for key in (TRAIN, REGISTER) for ref in closure(specs, key)}
    with ThreadPoolExecutor(2) as pool:
        for refers in (False, True):  # components after the environments that they refer to
            chosen = [spec for spec in assets.values() if bool(spec.refs) == refers]
            lines = [(spec.kind.group, "create", "--file", f"build/local/{spec.path}") for spec in chosen]
            list(pool.map(lambda line: place.az(*line), lines))
    place.az("job", "create", "--file", f"build/local/{REGISTER}.yml", "--name", "registered")
    stream = [str(ROOT / ".tools/bin/az"), "ml", "job", "stream", "--name", "registered", *WHERE]
    subprocess.run(stream, cwd=place.repository, env=place.environment, check=True)


def closure(specs: dict[str, Spec], key: str) -> set[str]:
    """Keys of all assets that a spec refers to, and those that these refer to."""
    return {found for ref in specs[key].refs for found in (ref, *closure(specs, ref))}


def test_when_the_figures_are_well_again_a_mail_tells_since_when_they_were_not(place, inbox):
    make_reference(place, "by-hand", JUNE, JULY)  # as a model that was trained on July too brings it along
    config = place.repository / "config/local.yml"
    config.write_text(config.read_text().replace('reference: "1"', 'reference: "by-hand"'))

    said = place.run("scripts.monitor")

    assert "flight-delay: ok\n" in said
    assert "told by mail: [recovered] flight-delay: back to normal" in said
    began, over = (mail.get_content().replace("\r\n", "\n") for _, mail in inbox.mails)
    [since] = re.findall(r"^Since (.*)\.$", began, re.MULTILINE)
    assert f"It lasted since {since}.\n" in over
    assert f"Run: {found(place)['run']}; " in over
