"""The jobs that events come to, and whom they are told."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts import watch
from scripts.alerting.channels import NotSent
from scripts.az import AzError
from scripts.events import tell
from scripts.events.blob import read_events
from scripts.events.journal import Journal, journal
from scripts.events.registrar import Registrar, Undelivered
from scripts.events.retry import GaveUp, Retries
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from tests.events import ROOT, blob


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events/journal.jsonl"


# ---- jobs


class FakeEndpoint:
    """An endpoint that takes no job for the first `bad` times; jobs end at once."""

    def __init__(self, bad: int = 0, status: str = "Completed") -> None:
        self.bad, self.ends, self.asked = bad, status, list[str]()

    def invoke(self, job: str) -> None:
        self.asked.append(job)
        if len(self.asked) <= self.bad:
            raise AzError("unreachable")

    def follow(self, job: str) -> "FakeEndpoint":
        return self

    def poll(self) -> int:
        return 0

    def status(self, job: str) -> str:
        return self.ends


def registrar(
    opened: Journal, endpoint: Any, folder: Path, retries: Retries
) -> tuple[Registrar, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    ended = lambda job, status: told.append((job, status))  # noqa: E731
    return Registrar(opened, endpoint, retries, lambda path: True, ended, folder), told


def test_one_job_takes_all_that_waits(path: Path) -> None:
    endpoint = FakeEndpoint(status="Failed")
    with journal(path) as opened:
        found, told = registrar(opened, endpoint, path.parent, Retries(0, 0))
        opened.add(blob("a.csv", "0xA", 1), "aa")
        opened.add(blob("b.csv", "0xB", 2), "bb")
        found.step()
        opened.add(blob("c.csv", "0xC", 3), "cc")
        while not found.idle:
            found.step()
    assert endpoint.asked == ["register-0xb", "register-0xc"]
    assert told == [("register-0xb", "Failed"), ("register-0xc", "Failed")]


def test_a_job_that_was_being_asked_for_is_asked_for_by_the_same_name(path: Path) -> None:
    with journal(path) as opened:
        opened.add(blob("a.csv", "0xA", 1), "aa")
        opened.invoking("register-0xa", opened.pending())
        opened.add(blob("b.csv", "0xB", 2), "bb")
    endpoint = FakeEndpoint()
    with journal(path) as opened:
        found, _ = registrar(opened, endpoint, path.parent, Retries(0, 0))
        while not found.idle:
            found.step()
    assert endpoint.asked == ["register-0xa", "register-0xb"]


def test_what_can_not_be_reached_is_tried_with_growing_pauses(path: Path) -> None:
    pauses: list[float] = []
    endpoint = FakeEndpoint(bad=3)
    with journal(path) as opened:
        found, told = registrar(opened, endpoint, path.parent, Retries(3, 2, pauses.append))
        opened.add(blob("a.csv", "0xA", 1), "aa")
        while not found.idle:
            found.step()
    assert pauses == [2, 4, 8]
    assert told == [("register-0xa", "Completed")]


def test_then_the_events_are_put_away_and_may_come_again(path: Path) -> None:
    with journal(path) as opened:
        found, _ = registrar(opened, FakeEndpoint(bad=9), path.parent, Retries(2, 0, lambda seconds: None))
        opened.add(blob("a.csv", "0xA", 1), "aa")
        with pytest.raises(Undelivered, match=r"1 event, after 3 attempts: unreachable\n.*make event FILE="):
            found.step()
        assert found.idle
        file = path.parent / "undelivered/register-0xa.json"
        [again] = read_events(file.read_text(), "file")
        assert again == blob("a.csv", "0xA", 1)
        assert opened.why_not(again) is None


def test_a_folder_that_is_not_there_is_an_error_and_a_landing_folder_is_made(tmp_path: Path) -> None:
    watch.present(tmp_path / "landing")
    with pytest.raises(GaveUp, match=r"after 1 attempts: .*its datastore is not there"):
        Retries(0, 0).run(lambda: watch.present(tmp_path / "away/landing"), OSError)


# ---- alerts


class Way:
    """A channel that fails for the first `bad` times."""

    name = "way"

    def __init__(self, bad: int = 0) -> None:
        self.bad, self.got = bad, list[Any]()

    def send(self, *arguments: Any) -> None:
        raise AssertionError("that is for monitors")

    def deliver(self, headline: str, text: str, document: Any, now: Any) -> None:
        self.bad -= 1
        if self.bad >= 0:
            raise NotSent("down")
        self.got.append((headline, text, document))


BROKEN = {"rule": "isin", "column": "carrier", "rows": 1, "example": "line 2 has ??"}


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Workspace:
    steps = [{"display_name": "flights", "status": "Failed"}, {"display_name": "weather", "status": "Completed"}]
    monkeypatch.setattr(Workspace, "children", lambda self, job: steps)
    monkeypatch.setattr(Workspace, "why_failed", lambda self, job: "no disk")
    return Workspace(load_config(ROOT, "local"))


def quarantined(store: Path, name: str, **changed: str) -> None:
    """A landing file that was refused, or was before something has changed."""
    (store / "landing/flights").mkdir(parents=True, exist_ok=True)
    (store / "landing/flights" / name).write_text(name)
    rules = ROOT / "data/flights/contract/contract.yml"
    report = {
        "file": name,
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "contract": hashlib.sha256(rules.read_bytes()).hexdigest(),
        "quarantine": f"quarantine/flights/{name}",
        "broken": [BROKEN],
    }
    folder = store / "quarantine/flights" / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps({**report, **changed}))


def test_files_that_break_the_contract_are_told_with_rule_and_report(workspace: Workspace, tmp_path: Path) -> None:
    quarantined(tmp_path, "f.csv")
    quarantined(tmp_path, "corrected.csv", sha256="of what was there before")
    quarantined(tmp_path, "earlier.csv", contract="that was another one")
    way = Way(bad=1)
    refused = lambda: tell.refused_files(workspace, "register-0xa", ROOT, tmp_path / "landing")  # noqa: E731
    assert tell.tell(workspace, [way], Retries(1, 0), "register-0xa", "Failed", refused)
    [(headline, text, document)] = way.got
    assert headline == "[data.refused] flights: 1 of the files that landed broke the contract"
    assert "flights/f.csv: carrier: isin; line 2 has ?? (report: quarantine/flights/f.csv)" in text
    assert (document["type"], document["data"]["files"][0]["broken"]) == ("data.refused", [BROKEN])
    again = tell.event(workspace.name, "register-0xa", "", [], datetime.now(UTC))
    assert again["id"] == document["id"]


def test_a_job_that_failed_otherwise_is_told_too_and_who_was_not_reached_counts(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    reached, down = Way(), Way(bad=2)
    assert not tell.tell(workspace, [down, reached], Retries(1, 0), "register-0xa", "Failed", list)
    assert reached.got[0][0] == "[data.failed] register-0xa: the job is Failed: no disk"
    assert "not told, after 2 attempts: down" in capsys.readouterr().out
