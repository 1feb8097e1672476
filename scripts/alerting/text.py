"""A message in words, and as an event."""

import uuid
from datetime import datetime
from typing import Any

from scripts.alerting.decide import BREACHED, FAILED, RECOVERED, SILENT, Message

HEADLINES = {
    BREACHED: "{count} beyond the threshold",
    FAILED: "the monitor failed, so nothing is known",
    SILENT: "the monitor did not run, so nothing is known",
    RECOVERED: "back to normal",
}
RUN = "run"  # key of what is told of the run itself
LISTED = 50  # of what is wrong


def subject(monitor: str, message: Message) -> str:
    headline = HEADLINES[message.kind].format(count=len(message.what.keys() - {RUN}))
    return f"[{message.kind}] {' '.join(monitor.split())}: {headline}{' (still)' if message.again else ''}"


def body(monitor: str, workspace: str, message: Message) -> str:
    """What, since when, where to look."""
    lines = [subject(monitor, message), ""]
    lines.append(f"{'It lasted since' if message.kind == RECOVERED else 'Since'} {moment(message.since)}.")
    shown = sorted(message.what.items())[:LISTED]
    lines += [f"- {key}: {text} (since {moment(since)})" for key, (text, since) in shown]
    if left := len(message.what) - len(shown):
        lines.append(f"- and {left} more")
    lines += ["", f"Workspace: {workspace}"]
    if message.run:
        lines.append(f"Run: {message.run}; the report is its output `report`, and an artifact of its MLflow run")
    if message.kind == BREACHED:
        lines.append("Retrain on what has been labelled since: make retrain")
    return "\n".join(lines) + "\n"


def event(monitor: str, workspace: str, message: Message, now: datetime) -> dict[str, Any]:
    """CloudEvents 1.0 in JSON; the same message has the same id, by which receivers drop what comes twice."""
    source = f"/workspaces/{workspace}/schedules/{monitor}"
    key = f"{source} {message.kind} {message.run} {message.since.isoformat()} {now.date() if message.again else ''}"
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key} {sorted(message.what)}")),
        "source": source,
        "type": f"monitor.{message.kind}",
        "subject": monitor,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "summary": subject(monitor, message),
            "since": message.since.isoformat(),
            "run": message.run,
            "again": message.again,
            "what": [
                {"key": key, "text": text, "since": since.isoformat()}
                for key, (text, since) in sorted(message.what.items())
            ],
        },
    }


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
