"""When a landing file is whole, and what the journal remembers of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.events.blob import etag_of, read_event, read_events
from scripts.events.intake import Intake
from scripts.events.journal import Journal, JournalError, journal
from scripts.events.landing import Landing
from scripts.events.retry import GaveUp, Retries
from tests.events import FILTER, FLIGHTS, RECORDED, blob, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events/journal.jsonl"


# ---- the journal


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
