"""Whether somebody has to be told, and what: from what is known of a monitor now and what was told before.

Whoever believes the last message has to be right about how things are. So a change is told at once, and what has not
changed only after a while.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OK, BREACHED, FAILED, SILENT = "ok", "breached", "failed", "silent"
RECOVERED = "recovered"


@dataclass(frozen=True)
class Seen:
    """How a monitor is now.

    Args:
        kind: OK, BREACHED, FAILED (its last run came to no verdict) or SILENT (there was no run when one was due).
        at: since when that is known: the end of the run, or when one should have been there.
        run: job that says so; None for SILENT.
        what: what is wrong, by a key that is the same in each run: {"quality/temp/null_value_rate": "0.2 …"}.
    """

    kind: str
    at: datetime
    run: str | None = None
    what: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What was told last.

    Args:
        sent: when.
        since: key of what is wrong -> since when; empty if all is well.
    """

    kind: str
    sent: datetime
    since: Mapping[str, datetime]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Told":
        """From the JSON that `document` gives.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        since = {str(key): datetime.fromisoformat(value) for key, value in document["since"].items()}
        return cls(str(document["kind"]), datetime.fromisoformat(document["sent"]), since)

    def document(self) -> dict[str, Any]:
        since = {key: value.isoformat() for key, value in self.since.items()}
        return {"kind": self.kind, "sent": self.sent.isoformat(), "since": since}


@dataclass(frozen=True)
class Message:
    """What is to be told.

    Args:
        kind: of what was seen, or RECOVERED.
        since: when it began; for RECOVERED, when what is over now had begun.
        what: key -> (how it is, since when).
        again: nothing has changed since the last message.
    """

    kind: str
    since: datetime
    run: str | None
    what: Mapping[str, tuple[str, datetime]]
    again: bool = False


def decide(told: Told | None, seen: Seen, now: datetime, repeat: timedelta) -> tuple[Told | None, Message | None]:
    """(what is told by then, what has to be told).

    Args:
        told: None if nothing was told yet; that all is well is no news then.
        repeat: after which what has not changed is told again.
    """
    if seen.kind == OK:
        if told is None or told.kind == OK:
            return told, None
        began = min(told.since.values(), default=told.sent)
        return Told(OK, now, {}), Message(RECOVERED, began, seen.run, {})
    before = told.since if told and told.kind == seen.kind else {}
    since = {key: before.get(key, seen.at) for key in seen.what}
    new = since.keys() - before.keys()
    if told and told.kind == seen.kind and not new and now - told.sent < repeat:
        return Told(told.kind, told.sent, since), None
    what = {key: (seen.what[key], since[key]) for key in seen.what}
    again = bool(told and told.kind == seen.kind and not new)
    return Told(seen.kind, now, since), Message(seen.kind, min(since.values(), default=seen.at), seen.run, what, again)
