"""Alerts of monitors: what is seen, what is told and how often, and that it arrives."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scripts import alert
from scripts.alerting import channels as ways
from scripts.alerting import runs as looking
from scripts.alerting.channels import Mail, NotSent, Webhook, channels
from scripts.alerting.decide import BREACHED, FAILED, OK, RECOVERED, SILENT, Message, Seen, Told, decide
from scripts.alerting.memory import memory
from scripts.alerting.runs import look
from scripts.alerting.text import body, event, subject
from scripts.looking.workspace import Workspace
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project
from tests.mailbox import Mailbox, mailbox

DAY = timedelta(days=1)
START = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
TEMP, CARRIER = "drift/temp/jensen_shannon_distance", "drift/carrier/jensen_shannon_distance"
CONFIG = {"env": "local", "resource_group": "rg", "workspace": "ws"}


def breached(day: int, *keys: str) -> Seen:
    return Seen(BREACHED, START + day * DAY, f"run-{day}", dict.fromkeys(keys or (TEMP,), "0.2, threshold 0.01"))


# ---- What has to be told


class Days:
    """A monitor day after day, looked at some hours after each run."""

    def __init__(self) -> None:
        self.told: Told | None = None

    def see(self, seen: Seen, hours: float = 1) -> Any:
        self.told, message = decide(self.told, seen, seen.at + timedelta(hours=hours), repeat=DAY)
        return message


def test_a_breach_is_told_once_and_again_after_a_while_with_its_beginning():
    days = Days()
    first = days.see(breached(0))
    assert (first.kind, first.since, first.again) == (BREACHED, START, False)
    assert days.see(breached(0), hours=2) is None
    assert days.see(breached(0), hours=24) is None
    again = days.see(breached(1), hours=1)
    assert (again.again, again.since, again.run) == (True, START, "run-1")


def test_another_feature_is_told_at_once_and_each_has_its_own_beginning():
    days = Days()
    days.see(breached(0))
    more = days.see(breached(1, TEMP, CARRIER), hours=0)
    assert not more.again
    assert {key: since for key, (_, since) in more.what.items()} == {TEMP: START, CARRIER: START + DAY}


def test_less_is_no_message_and_what_comes_back_is_new():
    days = Days()
    days.see(breached(0, TEMP, CARRIER))
    assert days.see(Seen(BREACHED, START, "run-0b", {TEMP: "0.2"}), hours=2) is None
    assert days.see(breached(0, TEMP, CARRIER), hours=3) is not None


def test_recovery_is_told_once_and_says_how_long_it_lasted():
    days = Days()
    assert days.see(Seen(OK, START, "run-0")) is None, "that all is well is no news"
    days.see(breached(1))
    recovered = days.see(Seen(OK, START + 2 * DAY, "run-2"))
    assert (recovered.kind, recovered.since, recovered.run) == (RECOVERED, START + DAY, "run-2")
    assert days.see(Seen(OK, START + 3 * DAY, "run-3")) is None


def test_a_monitor_that_fails_after_a_breach_has_not_recovered():
    days = Days()
    days.see(breached(0))
    failed = days.see(Seen(FAILED, START + DAY, "run-1", {"run": "out of memory"}), hours=0)
    assert (failed.kind, failed.since) == (FAILED, START + DAY)
    assert days.see(breached(2), hours=0).since == START + 2 * DAY, "what was between isn't known"


def test_what_was_told_survives_the_process(tmp_path):
    path = tmp_path / "alerts" / "m.json"
    with memory(path) as told:
        assert told == {}
        told["mail"] = Told(BREACHED, START, {TEMP: START})
    with pytest.raises(RuntimeError), memory(path) as told:
        assert told == {"mail": Told(BREACHED, START, {TEMP: START})}
        told["webhook"] = Told(OK, START, {})
        raise RuntimeError
    with memory(path) as told:
        assert told.keys() == {"mail", "webhook"}, "what was sent before the error was sent"


@pytest.mark.parametrize("text", ["{", "[]", '{"mail": {"kind": "ok"}}', '{"mail": 1}'])
def test_a_memory_that_cannot_be_read_tells_twice_rather_than_never(tmp_path, text, capsys):
    (tmp_path / "m.json").write_text(text)
    with memory(tmp_path / "m.json") as told:
        assert told == {}
    assert "can't be read, everything is told anew" in capsys.readouterr().out


# ---- What is seen


class Az:
    """Stands for `az ml`: one schedule and its jobs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.schedule: Any = {
            "name": "m",
            "is_enabled": True,
            "trigger": {"type": "recurrence", "frequency": "day", "interval": 1},
            "creation_context": {"created_at": (START - DAY).isoformat()},
        }
        self.jobs: list[dict] = []
        self.results: dict[str, dict] = {}
        monkeypatch.setattr(looking, "az", self.az)
        monkeypatch.setattr(looking, "az_json", self.az_json)
        monkeypatch.setattr(Workspace, "why_failed", lambda _, name: f"{name} ran out of memory")
        monkeypatch.setattr(Workspace, "output", self.output)

    def az(self, line, expected=(0,)):
        return SimpleNamespace(returncode=0 if self.schedule else 3)

    def az_json(self, line):
        return self.schedule if line[1] == "schedule" else self.jobs

    def output(self, job, name, file):
        if job not in self.results:
            raise looking.AzError(f"job {job}: output {name} has no readable {file}")
        return self.results[job]

    def run(self, name: str, at: datetime, status: str = "Completed", schedule: str = "m", **results) -> None:
        # newest first and without a zone, as the service lists them
        created = {"created_at": at.replace(tzinfo=None).isoformat()}
        self.jobs.insert(0, {"name": name, "status": status, "creation_context": created,
                             "properties": {"azureml.scheduleName": schedule}})  # fmt: skip
        if results:
            self.results[name] = {"alert": OK, "signals": [], **results}

    def look(self, now: datetime) -> Seen:
        return look(Workspace(CONFIG), "m", now, overdue=timedelta(hours=2))


@pytest.fixture
def az(monkeypatch) -> Az:
    return Az(monkeypatch)


def signal(rows=(), findings=(), alerts: bool = True) -> dict:
    return {"signal": "drift", "alert_enabled": alerts, "features": list(rows), "findings": list(findings)}


ROW = {"feature": "temp", "metric": "jensen_shannon_distance", "value": 0.25, "threshold": 0.01, "breached": True}
ERROR = {"level": "error", "feature": None, "code": "no-result", "message": "was not computed"}


def test_the_verdict_is_that_of_the_newest_run_which_has_ended(az):
    az.run("old", START - DAY, alert=OK)
    az.run("new", START, alert=BREACHED, signals=[signal([ROW, {**ROW, "feature": "hour", "breached": False}])])
    az.run("other", START + timedelta(minutes=1), "Failed", schedule="retrain")
    az.run("now", START + timedelta(minutes=2), "Running")
    seen = az.look(START + timedelta(hours=1))
    assert (seen.kind, seen.run, seen.what) == (BREACHED, "new", {TEMP: "0.25, threshold 0.01"})


def test_only_signals_that_alert_are_told(az):
    az.run("new", START, alert=FAILED, signals=[signal([ROW], [ERROR], alerts=False), signal([], [ERROR])])
    assert az.look(START).what == {"drift//no-result": "was not computed"}


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_a_run_that_failed_is_no_silence(az, status):
    az.run("new", START, status)
    seen = az.look(START)
    assert (seen.kind, seen.what["run"]) == (FAILED, f"job new: {status}: new ran out of memory")


def test_a_run_that_failed_hides_no_breach_and_is_told_whatever_its_other_signals_say(az):
    az.run("new", START, "Failed", alert=BREACHED, signals=[signal([ROW], [ERROR])])
    seen = az.look(START)
    assert (seen.kind, seen.what.keys()) == (BREACHED, {TEMP, "run"})
    _, message = decide(None, seen, START, DAY)
    assert message
    assert subject("m", message) == "[breached] m: 1 beyond the threshold"
    assert "- run: job new: Failed: new ran out of memory" in body("m", "rg/ws", message)
    az.run("newer", START + timedelta(minutes=1), "Failed", alert=OK, signals=[signal([])])
    assert az.look(START + timedelta(hours=1)).kind == FAILED


def test_a_run_without_results_has_failed(az):
    az.run("new", START)
    assert az.look(START).kind == FAILED


def test_a_run_that_is_missing_is_told_with_when_it_was_due(az):
    az.run("new", START, alert=OK)
    assert az.look(START + DAY + timedelta(hours=2)).kind == OK
    late = az.look(START + DAY + timedelta(hours=3))
    assert (late.kind, late.at, late.run) == (SILENT, START + DAY, None)
    assert late.what["run"].startswith("the last run that ended began 2026-11-25 06:00 UTC, one was due by 2026-11-26")


def test_a_run_that_hangs_is_a_missing_one(az):
    az.run("old", START - DAY, alert=OK)
    az.run("hangs", START, "Running")
    assert az.look(START + DAY).kind == SILENT


def test_a_schedule_that_has_never_run_has_its_time(az):
    assert az.look(START).kind == OK
    assert az.look(START + timedelta(hours=3)).kind == SILENT
    az.schedule["trigger"]["start_time"] = (START + 7 * DAY).replace(tzinfo=None).isoformat()
    assert az.look(START + 7 * DAY).kind == OK


def test_no_schedule_is_told_and_one_that_is_off_owes_nothing(az):
    az.schedule["is_enabled"] = False
    assert az.look(START + 30 * DAY).kind == OK
    az.schedule = None
    assert az.look(START).what == {"schedule": "there is no schedule m; make monitor"}


@pytest.mark.parametrize(
    ("trigger", "hours"),
    [
        ({"type": "recurrence", "frequency": "Hour", "interval": 6}, 6),
        ({"type": "Recurrence", "frequency": "week", "interval": 2}, 14 * 24),
        ({"type": "cron", "expression": "30 6 * * *"}, 24),
        ({"type": "cron", "expression": "30 * * * *"}, 1),
        ({"type": "cron", "expression": "30 6 * * mon"}, 168),
    ],
)
def test_the_longest_gap_of_a_trigger(trigger, hours):
    assert looking.longest_gap(trigger) == timedelta(hours=hours)


# ---- That it arrives


@pytest.fixture
def inbox() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[tuple[list, dict, str]]:
    """A server that keeps what is posted, how it answers, and its address."""
    received: list = []
    answer = {"status": 202}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Content-Type"], json.loads(content)))
            self.send_response(answer["status"])
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield received, answer, f"http://127.0.0.1:{server.server_port}/hook/secret"
    server.shutdown()
    thread.join()
    server.server_close()


MESSAGE = Message(BREACHED, START, "run-1", {TEMP: ("0.25, threshold 0.01", START), CARRIER: ("0.1", START + DAY)})
MAIL = Mail("127.0.0.1", 9, "none", "", "", "monitors@example.com", ("a@example.com", "b@example.com"))


def test_a_mail_says_what_since_when_and_where_to_look(inbox):
    Mail(**{**vars(MAIL), "port": inbox.port}).send("flight-delay", "rg/ws", MESSAGE, START)
    [(receivers, mail)] = inbox.mails
    assert receivers == ["a@example.com", "b@example.com"]
    assert mail["Subject"] == "[breached] flight-delay: 2 beyond the threshold"
    text = mail.get_content()
    assert f"- {TEMP}: 0.25, threshold 0.01 (since 2026-11-25 06:00 UTC)" in text
    assert f"- {CARRIER}: 0.1 (since 2026-11-26 06:00 UTC)" in text
    assert "Workspace: rg/ws" in text and "Run: run-1" in text and "make retrain" in text


def test_a_mail_server_may_want_a_password_and_a_wrong_one_is_an_error(inbox):
    with_user = {**vars(MAIL), "port": inbox.port, "user": "monitor"}
    Mail(**{**with_user, "password": "right"}).send("m", "w", MESSAGE, START)
    assert (inbox.logins, len(inbox.mails)) == ([(b"monitor", b"right")], 1)
    with pytest.raises(NotSent, match="SMTPAuthenticationError") as raised:
        Mail(**{**with_user, "password": "wrong"}).send("m", "w", MESSAGE, START)
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_does_not_encrypt_gets_no_mail_if_it_has_to(inbox, security):
    with pytest.raises(NotSent, match=f"mail by 127.0.0.1:{inbox.port}: "):
        Mail(**{**vars(MAIL), "port": inbox.port, "security": security}).send("m", "w", MESSAGE, START)
    assert inbox.mails == []


def test_no_mail_server_is_an_error():
    with pytest.raises(NotSent, match=r"mail by 127\.0\.0\.1:9: ConnectionRefusedError"):
        MAIL.send("m", "w", MESSAGE, START)


def test_a_name_adds_no_header(inbox):
    Mail(**{**vars(MAIL), "port": inbox.port}).send("m\r\nBcc: evil@example.com", "w", MESSAGE, START)
    assert "Bcc" not in inbox.mails[0][1]


def test_a_webhook_gets_a_cloud_event(hook):
    received, _, address = hook
    Webhook(address).send("flight-delay", "rg/ws", MESSAGE, START)
    [(content_type, document)] = received
    assert content_type == "application/cloudevents+json; charset=utf-8"
    data = document.pop("data")
    assert document == {
        "specversion": "1.0", "id": document["id"], "source": "/workspaces/rg/ws/schedules/flight-delay",
        "type": "monitor.breached", "subject": "flight-delay", "time": START.isoformat(),
        "datacontenttype": "application/json",
    }  # fmt: skip
    assert data["what"][1] == {"key": TEMP, "text": "0.25, threshold 0.01", "since": START.isoformat()}
    assert (data["since"], data["run"], data["again"]) == (START.isoformat(), "run-1", False)


def test_the_same_event_has_the_same_id_and_a_reminder_another():
    def identity(message: Message, now: datetime) -> str:
        return event("m", "w", message, now)["id"]

    again = Message(BREACHED, START, "run-1", MESSAGE.what, again=True)
    assert identity(MESSAGE, START) == identity(MESSAGE, START + DAY)
    assert len({identity(MESSAGE, START), identity(again, START), identity(again, START + DAY)}) == 3


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_refuses_is_an_error_that_does_not_tell_its_address(hook, status):
    _, answer, address = hook
    answer["status"] = status
    with pytest.raises(NotSent, match=f"webhook of ALERT_WEBHOOK answered {status}") as raised:
        Webhook(address).send("m", "w", MESSAGE, START)
    assert "secret" not in str(raised.value)


def test_nobody_listens_is_an_error_that_does_not_tell_the_address():
    with pytest.raises(NotSent) as raised:
        Webhook("http://127.0.0.1:9/secret").send("m", "w", MESSAGE, START)
    assert "secret" not in str(raised.value)


def test_a_long_list_is_cut():
    what = {f"drift/{number}/m": ("0.2", START) for number in range(80)}
    text = body("m", "w", Message(BREACHED, START, None, what))
    assert (text.count("\n- drift/"), "- and 30 more" in text) == (50, True)
    assert subject("m", Message(SILENT, START, None, {})) == "[silent] m: the monitor did not run, so nothing is known"


# ---- The verb


SETTINGS = {
    "repeat_hours": 24, "overdue_hours": 2, "smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_security": "none",
    "smtp_user": "", "sender": "monitors@example.com",
}  # fmt: skip


def config(**alert: object) -> dict:
    return {**CONFIG, "monitor": {"emails": ["a@example.com"]}, "alert": {**SETTINGS, **alert}}


def test_who_could_not_be_told_is_told_next_time_and_nobody_twice(az, hook, inbox, tmp_path, monkeypatch, capsys):
    received, answer, address = hook
    monkeypatch.chdir(tmp_path)
    az.run("new", datetime.now(UTC), alert=BREACHED, signals=[signal([ROW])])
    answer["status"] = 500

    def again() -> bool:
        return alert.alert(Workspace(CONFIG), "m", config(smtp_port=inbox.port), {ways.WEBHOOK: address})[1]

    assert not again()
    rendered = cast(Project, SimpleNamespace(root=tmp_path, env="local", files={"a.yml": b"a"}))
    write_build(rendered)  # as every `make monitor` does before it tells; what was told has to survive it
    assert (len(received), len(inbox.mails)) == (1, 1)
    assert "not told, will be tried again: webhook of ALERT_WEBHOOK answered 500" in capsys.readouterr().err
    answer["status"] = 200
    assert again()
    assert again()
    assert (len(received), len(inbox.mails)) == (2, 1)


def test_the_exit_code_says_what_is_seen(az, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(ways.WEBHOOK, raising=False)
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path / "root"))
    project = SimpleNamespace(config=config(smtp_host=""))
    monkeypatch.setattr(alert, "Project", lambda *_: project)
    monkeypatch.setattr(alert, "monitors", lambda _: ["m"])
    az.run("new", datetime.now(UTC), alert=OK)
    assert alert.main(alert.parse_args([])) == 0
    az.run("newer", datetime.now(UTC) + timedelta(seconds=1), "Failed")
    assert alert.main(alert.parse_args([])) == 3
    assert "nobody is told: config has no alert.smtp_host" in capsys.readouterr().out
    project.config = config()
    assert alert.main(alert.parse_args([])) == 1, "somebody who has to be told could not be"


@pytest.mark.parametrize(
    ("settings", "variables", "says"),
    [
        ({"smtp_security": "ssl"}, {}, "alert.smtp_security is 'ssl'; write starttls, tls, none"),
        ({"smtp_user": "u"}, {}, "in clear text"),
        ({"smtp_user": "u", "smtp_security": "tls"}, {}, "set the variable ALERT_SMTP_PASSWORD"),
        ({}, {ways.WEBHOOK: "http://127.0.0.1.example.com/"}, "has to be an https"),
        ({}, {ways.WEBHOOK: "file:///etc/passwd"}, "has to be an https"),
    ],
)
def test_settings_that_would_tell_nobody_or_too_many(settings, variables, says):
    with pytest.raises(SpecError, match=says):
        channels(config(**settings), variables)


def test_nothing_is_told_where_nothing_is_set():
    assert channels(config(smtp_host=""), {}) == []
