"""Events: what is one, and which of them ask for a job."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import event, watch
from scripts.events.blob import Malformed, created, read_event, read_events
from scripts.events.filters import FINISHED, HIDDEN
from scripts.specs.config import load_config
from tests.events import FILTER, FLIGHTS, RECORDED, ROOT, named, recorded
from tests.infrastructure import module, only


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
