"""How a monitor of a workspace is now: the verdict of its last run, or that there was none when one was due."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.alerting.decide import BREACHED, FAILED, OK, SILENT, Seen
from scripts.az import AzError, az, az_json
from scripts.looking.workspace import Document, Workspace

SCHEDULE = "azureml.scheduleName"  # property of a job that a schedule has made
ENDED = {"Completed", "Failed", "Canceled"}
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1),
         "week": timedelta(days=7), "month": timedelta(days=31)}  # fmt: skip


def look(workspace: Workspace, monitor: str, now: datetime, overdue: timedelta) -> Seen:
    """How a monitor is.

    Args:
        monitor: name of its schedule.
        overdue: how late a run may be.

    Raises:
        AzError: the workspace can't be asked.
    """
    schedule = schedule_of(workspace, monitor)
    if schedule is None:
        return Seen(SILENT, now, what={"schedule": f"there is no schedule {monitor}; make monitor"})
    last = last_run(runs(workspace, monitor))
    if late := silence(schedule, last, now, overdue):
        return late
    if last is None:
        return Seen(OK, now)
    return verdict(workspace, last)


def schedule_of(workspace: Workspace, monitor: str) -> Document | None:
    """The schedule's document; None if there is none."""
    line = ["ml", "schedule", "show", "--name", monitor, *workspace.flags]
    if az([*line, "--output", "none"], expected=(0, 3)).returncode == 3:
        return None
    document: Document = az_json(line)
    return document


def runs(workspace: Workspace, monitor: str) -> list[Document]:
    """The jobs of a monitor."""
    jobs = az_json(["ml", "job", "list", "--all-results", *workspace.flags])
    return [job for job in jobs if (job.get("properties") or {}).get(SCHEDULE) == monitor]


def last_run(jobs: Iterable[Document]) -> Document | None:
    """The newest one that has ended."""
    return max((job for job in jobs if job["status"] in ENDED), key=created, default=None)


def created(job: Document) -> datetime:
    moment = datetime.fromisoformat(str(job["creation_context"]["created_at"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def silence(schedule: Document, last: Document | None, now: datetime, overdue: timedelta) -> Seen | None:
    """SILENT if no run has ended for longer than the trigger's longest gap; a schedule that is off owes none."""
    if not schedule.get("is_enabled", True):
        return None
    since = created(last) if last else max(created(schedule), start_of(schedule))
    due = since + longest_gap(schedule["trigger"])
    if now <= due + overdue:
        return None
    text = f"{'the last run that ended began' if last else 'there was no run since'} {since:%Y-%m-%d %H:%M} UTC"
    hint = "is the scheduler up (make scheduler)?"
    return Seen(SILENT, due, what={"run": f"{text}, one was due by {due:%Y-%m-%d %H:%M}; {hint}"})


def start_of(schedule: Document) -> datetime:
    given = schedule["trigger"].get("start_time")
    start = datetime.fromisoformat(str(given)) if given else datetime.min
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def longest_gap(trigger: dict[str, Any]) -> timedelta:
    """The longest time between two runs, or somewhat more: of a cron expression only its weekday and hour tell."""
    if trigger["type"].lower() == "recurrence":
        return int(trigger["interval"]) * UNITS[str(trigger["frequency"]).lower()]
    minute, hour, _, _, weekday = trigger["expression"].split()
    if weekday != "*":
        return UNITS["week"]
    return UNITS["day"] if hour != "*" else UNITS["hour"] if minute != "*" else UNITS["minute"]


def verdict(workspace: Workspace, run: Document) -> Seen:
    """What a run that has ended says of the signals that alert; one that failed may have found something."""
    at, name = created(run), str(run["name"])
    failure = {}
    if run["status"] != "Completed":
        why = workspace.why_failed(name) or f"az ml job stream --name {name} {' '.join(workspace.flags)}"
        failure["run"] = f"job {name}: {run['status']}: {why}"
    try:
        results = workspace.output(name, "report", "results.json")
    except AzError as error:
        return Seen(FAILED, at, name, failure or {"report": f"job {name} has no results: {error}"})
    signals = [signal for signal in results["signals"] if signal["alert_enabled"]]
    if results["alert"] == BREACHED:
        return Seen(BREACHED, at, name, breaches(signals) | failure)
    if results["alert"] == FAILED:
        return Seen(FAILED, at, name, errors(signals) | failure)
    return Seen(FAILED, at, name, failure) if failure else Seen(OK, at, name)


def breaches(signals: Iterable[Document]) -> dict[str, str]:
    """signal/feature/metric -> value and threshold, of what breached."""
    return {
        f"{signal['signal']}/{row['feature']}/{row['metric']}": f"{row['value']:.4g}, threshold {row['threshold']:.4g}"
        for signal in signals
        for row in signal["features"]
        if row["breached"]
    }


def errors(signals: Iterable[Document]) -> dict[str, str]:
    """signal/feature/code -> message, of what could not be computed."""
    found = {
        f"{signal['signal']}/{finding['feature'] or ''}/{finding['code']}": str(finding["message"])
        for signal in signals
        for finding in signal["findings"]
        if finding["level"] == "error"
    }
    return found or {"verdict": "some signals have no value at all; see report.html"}
