"""Events: what is one, which of them ask for a job, what the journal remembers, when a file is whole."""

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts import event, watch
from scripts.alerting.channels import NotSent
from scripts.az import AzError
from scripts.events import tell
from scripts.events.blob import Blob, Malformed, created, etag_of, read_event, read_events
from scripts.events.filters import FINISHED, HIDDEN, Filter
from scripts.events.intake import Intake
from scripts.events.journal import Journal, JournalError, journal
from scripts.events.landing import Landing
from scripts.events.registrar import Registrar, Undelivered
from scripts.events.retry import GaveUp, Retries
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from tests.infrastructure import module, only

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests/data/events/blob_created.json"
FILTER = Filter("azureml-blobstore", "landing", [".csv", ".parquet"])
FLIGHTS = "landing/flights/2013-01-01/flights.csv"


def recorded(**data: Any) -> dict[str, Any]:
    """The recorded event with other values of its data, or of itself for `subject` and `eventType`."""
    [document] = json.loads(RECORDED.read_text())
    for key, value in data.items():
        (document if key in ("subject", "eventType") else document["data"])[key] = value
    return document


def named(path: str, container: str = "azureml-blobstore") -> dict[str, Any]:
    return recorded(subject=f"/blobServices/default/containers/{container}/blobs/{path}")


def test_a_recorded_event_asks_for_the_job_that_azure_asks_for() -> None:
    [blob] = read_events(RECORDED.read_text(), "file")
    assert FILTER.why_not(blob) is None
    assert (blob.path, blob.job) == (FLIGHTS, "register-0x8d4bcc2e4835cd0")
    assert read_event(recorded(eTag='"0x8D4BCC2E4835CD0"'), "quoted").job == blob.job


def test_an_event_of_a_file_reads_back_as_it_was_made() -> None:
    made = created("c", FLIGHTS, "file:///x", 7, "0x12AB", 99, "2026-11-25T00:00:00+00:00")
    assert read_event(json.loads(json.dumps(made.document)), "made") == made
    assert recorded()["data"].keys() - made.document["data"].keys() == {
        "clientRequestId",
        "requestId",
        "storageDiagnostics",
    }, "what only a service has"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "a list without events"),
        ("[3]", "event 1: an event is an object"),
        ('{"eventType": "x", "subject": "/", "data": {}}', "subject '/' names no blob"),
        (json.dumps(named("../../etc/passwd")), "names no blob"),
        (json.dumps(named("landing/a\nb.csv")), "names no blob"),
        (json.dumps(named("/etc/passwd.csv")), "names no blob"),
        (json.dumps(recorded(eTag="--help")), "eTag '--help' is not 0x"),
        (json.dumps(recorded(eTag=5)), "eTag is missing or no text"),
        (json.dumps(recorded(sequencer="later")), "sequencer 'later' is no hexadecimal number"),
        (json.dumps([recorded(), recorded(api="")]), "event 2: data: api is missing"),
    ],
)
def test_what_is_no_event_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(Malformed) as error:
        read_events(text, "file")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (recorded(eventType="Microsoft.Storage.BlobDeleted"), "BlobDeleted is not"),
        (named(FLIGHTS, "other"), "container other is not azureml-blobstore"),
        (named("quarantine/flights/x.csv"), "not below landing/"),
        (named("landings/flights/x.csv"), "not below landing/"),
        (recorded(api="CreateFile"), "CreateFile doesn't end a file"),
        (named("landing/flights/2013-01-01/.flights.csv.77"), "being written"),
        (named("landing/flights/_tmp/flights.csv"), "being written"),
        (named("landing/flights/2013-01-01/notes.txt"), "ends with none of .csv .parquet"),
    ],
)
def test_what_asks_for_no_job_is_ignored_by_name(document: dict[str, Any], says: str) -> None:
    assert says in str(FILTER.why_not(read_event(document, "event")))


def test_the_filter_is_that_of_the_subscription_in_azure() -> None:
    resource = only(module(ROOT, "events"), "Microsoft.EventGrid/systemTopics/eventSubscriptions")
    hidden = [
        entry["values"] for entry in resource["properties"]["filter"]["advancedFilters"] if entry["key"] == "subject"
    ]
    assert list(HIDDEN) == hidden[0]
    choice = module(ROOT, "events")["variables"]["finished"]["value"]["operator"]["operands"]
    assert list(FINISHED) == choice["false_value"]
    assert load_config(ROOT, "local")["events"]["suffixes"] == load_config(ROOT, "prod")["events"]["suffixes"]


# ---- the journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events/journal.jsonl"


def blob(name: str, etag: str, sequencer: int) -> Blob:
    return created("azureml-blobstore", f"landing/{name}", "file:///x", 1, etag, sequencer, "2026-11-25T00:00:00+00:00")


def test_a_journal_goes_on_where_a_killed_process_was(path: Path) -> None:
    with journal(path) as before:
        before.add(blob("a.csv", "0xA", 1), "aa")
        before.add(blob("c.csv", "0xC", 3), "cc")
        before.add(blob("b.csv", "0xB", 2), "bb")
        before.invoking("register-0xc", before.pending()[:2])
    with path.open("ab") as file:
        file.write(b'{"is": "pending", "ev')  # killed while it wrote
    with journal(path) as after:
        assert after.running() == "register-0xc"
        assert [entry.etag for entry in after.taken_by("register-0xc")] == ["0xA", "0xB"]
        assert [entry.etag for entry in after.pending()] == ["0xC"]
        assert after.content("landing/a.csv") == "aa"
        after.ended("register-0xc", "Completed")
    with journal(path) as last:
        assert last.running() is None
        assert [entry.etag for entry in last.pending()] == ["0xC"]


def test_events_that_come_twice_or_too_late_are_ignored_by_name(path: Path) -> None:
    with journal(path) as found:
        found.add(blob("a.csv", "0xA", 5), "aa")
        assert "it came before: pending" in str(found.why_not(blob("a.csv", "0xA", 5)))
        assert "out of order" in str(found.why_not(blob("a.csv", "0x9", 4)))
        assert found.why_not(blob("a.csv", "0xB", 6)) is None
        assert found.why_not(blob("b.csv", "0xC", 4)) is None, "sequencers order the events of one blob"
        found.invoking("register-0xa", found.pending())
        assert "it came before: invoked register-0xa" in str(found.why_not(blob("a.csv", "0xA", 5)))
        found.undelivered("register-0xa", "unreachable")
        assert found.why_not(blob("a.csv", "0xA", 5)) is None, "what was put away may come again"


def test_a_damaged_journal_says_where_and_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"is": "pending"}\n')
    with pytest.raises(JournalError, match=r"journal.jsonl:1: KeyError.*take the file away"), journal(path):
        pass


def test_one_process_at_a_time(path: Path) -> None:
    with journal(path), pytest.raises(JournalError, match="runs already"), journal(path):
        pass


# ---- files


class Clock:
    """Seconds, of both clocks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(folder: Path) -> tuple[Landing, Clock]:
    clock = Clock()
    return Landing(folder, 2, clock, lambda: 0.0), clock  # to that wall clock every file is of the future


def test_a_file_that_is_being_written_waits(tmp_path: Path) -> None:
    landing, clock = watched(tmp_path)
    file = tmp_path / "a.csv"
    for text in ("1\n", "2\n", "3\n"):
        with file.open("a") as growing:
            growing.write(text)
        landing.noticed(file)
        assert list(landing.whole()) == []
        clock.now += 1.5
    clock.now += 1
    assert list(landing.whole()) == [file]
    assert list(landing.whole()) == []
    landing.look()
    assert list(landing.whole()) == [], "it is known as it is"


def test_a_file_that_is_renamed_into_place_is_whole_at_once(tmp_path: Path) -> None:
    landing, _ = watched(tmp_path)
    draft = tmp_path / ".a.csv"
    draft.write_text("1\n")
    os.utime(draft, (1, 1))
    file = draft.rename(tmp_path / "a.csv")
    landing.look()
    assert list(landing.whole()) == [file]


def test_a_file_that_changes_while_it_is_read_waits_again(tmp_path: Path) -> None:
    landing, clock = watched(tmp_path)
    file = tmp_path / "a.csv"
    file.write_text("1\n")
    os.utime(file, (1, 1))
    landing.look()
    assert list(landing.whole()) == [file]
    file.write_text("1\n2\n")
    assert landing.content(file) is None
    clock.now += 1
    list(landing.whole())
    clock.now += 3
    assert list(landing.whole()) == [file]
    assert landing.content(file)


@pytest.fixture
def taken(tmp_path: Path, path: Path) -> Iterator[tuple[Intake, Journal, Path]]:
    """An intake over a landing folder, its journal, the folder."""
    folder = tmp_path / "store/landing"
    folder.mkdir(parents=True)
    with journal(path) as opened:
        yield Intake(opened, Landing(folder, 0), FILTER, Retries(0, 0)), opened, folder


def land(intake: Intake, file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    intake._landing.look()
    for whole in intake._landing.whole():
        intake.landed(whole)


def test_the_same_content_again_is_no_event_and_what_comes_back_is_one(
    taken: tuple[Intake, Journal, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    intake, opened, folder = taken
    file = folder / "flights/2013-01-01/flights.csv"
    for text in ("a", "b", "b", "a"):  # b was a mistake: what is registered last has to be a again
        land(intake, file, text)
    etags = [blob.etag for blob in opened.pending()]
    assert len(set(etags)) == len(etags) == 3
    assert etags[0] == etag_of(FLIGHTS, opened.content(FLIGHTS) or "", 0)
    file.unlink()
    intake.look_for_deleted()
    assert opened.pending() == []
    land(intake, file, "a")
    assert len(opened.pending()) == 1
    land(intake, folder / "flights/2013-01-01/notes.txt", "a")
    assert "ignored landing/flights/2013-01-01/notes.txt: it ends with none of" in capsys.readouterr().out


@pytest.mark.parametrize(("error", "goes_on"), [(PermissionError("not yours"), True), (OSError("no medium"), False)])
def test_a_file_that_may_not_be_read_holds_up_no_other_but_storage_that_is_down_does(
    taken: tuple[Intake, Journal, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    goes_on: bool,
) -> None:
    def refused(self: Landing, file: Path) -> None:
        raise error

    intake, opened, folder = taken
    with monkeypatch.context() as changed:
        changed.setattr(Landing, "content", refused)
        if goes_on:
            land(intake, folder / "a.csv", "a")
            assert "ignored landing/a.csv: after 1 attempts: not yours" in capsys.readouterr().out
        else:
            with pytest.raises(GaveUp, match="no medium"):
                land(intake, folder / "a.csv", "a")
    (folder / "a.csv").chmod(0o640)
    intake._landing.look()
    assert list(intake._landing.whole()) == [folder / "a.csv"], "its owner has changed it"
    assert opened.pending() == []


def test_a_recorded_event_of_what_the_watcher_has_taken_asks_for_nothing(
    taken: tuple[Intake, Journal, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    intake, opened, folder = taken
    land(intake, folder / "flights/2013-01-01/flights.csv", "a")
    [blob] = opened.pending()
    later = recorded(sequencer=f"{blob.sequencer + 1:x}")
    assert not intake.came(read_event(later, "file"))
    assert "what it holds came before, as another event" in capsys.readouterr().out
    opened.invoking(blob.job, [blob])
    opened.undelivered(blob.job, "unreachable")
    assert intake.came(read_event(later, "file"))


def test_names_that_no_one_can_print_are_ignored(
    taken: tuple[Intake, Journal, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    intake, opened, folder = taken
    land(intake, folder / "a\n\udcff.csv", "a")
    assert "ignored 'landing/a\\n\\udcff.csv': its name can't be printed" in capsys.readouterr().out
    assert opened.pending() == []


def test_an_event_of_a_deleted_blob_and_a_link_out_of_the_folder_are_ignored(
    taken: tuple[Intake, Journal, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    intake, opened, folder = taken
    [came] = read_events(RECORDED.read_text(), "file")
    assert not intake.came(came)
    (tmp_path / "secret.csv").write_text("x")
    file = folder / "flights/2013-01-01/flights.csv"
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "secret.csv")
    assert not intake.came(came)
    intake._landing.look()
    assert list(intake._landing.whole()) == []
    file.unlink()
    file.write_text("x")
    assert intake.came(came)
    assert [blob.job for blob in opened.pending()] == [came.job]
    assert capsys.readouterr().out.count("it was deleted since") == 2
    land(intake, file, "x")
    assert len(opened.pending()) == 1, "the watcher finds that content in the journal"


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


def test_in_azure_event_grid_does_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("AZUREML_LOCAL_ROOT", raising=False)
    assert watch.main(watch.parse_args(["--env", "dev"])) == 1
    assert event.main(event.parse_args(["--env", "dev", "--file", str(RECORDED)])) == 1
    assert capsys.readouterr().err.count("Event Grid does this for dev") == 2


def test_a_file_without_events_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (b"{", b"\xff", b"[]"):
        (tmp_path / "f.json").write_bytes(content)
        assert event.main(event.parse_args(["--file", str(tmp_path / "f.json")])) == 2
    assert event.main(event.parse_args(["--file", str(tmp_path / "none.json")])) == 2
    assert capsys.readouterr().err.count("holds no events") == 4


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
