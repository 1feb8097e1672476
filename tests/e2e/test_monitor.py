"""A monitor through the real az: the endpoint is asked, what it recorded is compared, a mail tells of drift."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from scripts.rolling.scoring import Rows
from tests.browser import see
from tests.mailbox import Mailbox, mailbox
from tests.place import ROOT, Place, workspace

pytestmark = pytest.mark.slow
TARGET = "arr_delay"


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
        reference = make_reference(place, folder / "reference")
        line = ["data", "create", "--name", "flight-delay-reference", "--version", "1", "--type", "mltable"]
        place.az(*line, "--path", str(reference))
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


def make_reference(place: Place, folder: Path) -> Path:
    """What the train pipeline's step makes of the model and its months."""
    folder.mkdir()
    line = [sys.executable, "reference.py", "--model", place.model, "--prepared", prepared(place)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": (folder.parent / "mlflow").as_uri()}
    script = ROOT / "components" / "reference"
    subprocess.run([*map(str, line), "--reference", str(folder)], cwd=script, env=environment, check=True)
    return folder


def prepared(place: Place) -> Path:
    return place.model.parent / "prepared"


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


def months(place: Place) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(prepared(place).glob("*.parquet"))])


def found(place: Place) -> dict:
    return json.loads((place.repository / "build/local/monitor.json").read_text())


def test_what_is_like_the_training_data_is_no_drift_and_no_mail(place, inbox):
    send(place, months(place), records=3)
    said = place.run("scripts.monitor")
    assert "report: build/local/monitor.html\nflight-delay: ok\n" in said
    assert found(place)["target"]["deployment"] == "blue"
    rows = {signal["signal"]: signal["rows"] for signal in found(place)["signals"]}
    assert (rows["data_quality"]["reference"], rows["data_quality"]["production"]) == (1200, 1200)
    assert inbox.mails == []


def test_drift_is_seen_told_and_shown(place, inbox, tmp_path):
    warmer = months(place)
    warmer["temp"] += 40
    send(place, warmer, records=6)

    said = place.run("scripts.monitor", code=3)

    breached = {(signal["signal"], row["feature"]) for signal in found(place)["signals"]
                for row in signal["features"] if row["breached"]}  # fmt: skip
    assert ("data_drift", "temp") in breached
    assert ("data_drift", "hour") not in breached, "what has not changed has not drifted"
    assert "told by mail: [breached] flight-delay: " in said
    [(receivers, mail)] = inbox.mails
    assert receivers == ["flights-team@example.com"]
    assert "- data_drift/temp/jensen_shannon_distance: 0." in mail.get_content()

    page = see(place.repository / "build/local/monitor.html", tmp_path / "profile")
    assert page.console == []
    assert "2 runs from" in page.dom, "what the monitor has found over its runs"


def test_the_report_is_an_artifact_of_the_monitors_run(place, monkeypatch):
    page = place.az("job", "show", "--name", found(place)["run"])["services"]["Studio"]["endpoint"]
    address, _, rest = page.partition("/#/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)  # artifacts are fetched through the server
    client, run = MlflowClient(address), rest.rpartition("/")[2]
    assert {"report.html", "results.json"} <= {file.path for file in client.list_artifacts(run)}
    assert client.get_run(run).data.metrics["data_drift/temp/jensen_shannon_distance"] > 0.01


def test_nobody_is_told_twice_and_the_exit_code_stays(place, inbox):
    assert "told by" not in place.run("scripts.alert", code=3)
    assert len(inbox.mails) == 1
