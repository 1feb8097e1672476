"""Schedules of a workspace: what is to be submitted, and when. See `schedule_runs` for what has been."""

import datetime as dt
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import monitors, scheduled_jobs, trigger
from .catalog import Row, created
from .errors import NotFound, WorkspaceError
from .plan import Plan
from .schedule_runs import Clock, ScheduleRuns
from .scheduler_control import SchedulerControl
from .trigger import Warn
from .workspace import NAME

if TYPE_CHECKING:
    from .workspace import Workspace

TEXTS = ("display_name", "description", "tags", "properties")
ACTIONS = {"create_job": "CreateJob", "create_monitor": "CreateMonitor"}
LONGEST = 200  # characters of a name: those of its jobs have a time behind it


def _unheard(warning: str) -> None:
    del warning


class Schedules:
    """Create, change and trigger schedules. Those that are enabled are run by the scheduler."""

    def __init__(self, ws: "Workspace", clock: Clock = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._ws, self._catalog, self._clock = ws, ws.catalog, clock
        self.runs = ScheduleRuns(ws, clock)

    @cached_property
    def scheduler(self) -> SchedulerControl:
        """The process that submits what is due."""
        return SchedulerControl(self._ws.path)

    def create(self, doc: dict[str, Any], source: Path, warn: Warn = _unheard) -> Row:
        """Add a schedule, or replace the one of its name; it is enabled.

        Args:
            doc: name, trigger and create_job (see `scheduled_jobs.prepare`) or create_monitor, as azure-ai-ml has them.
            source: folder of its spec; relative local paths start there.
            warn: told what Azure does otherwise, and what may go wrong when it runs.

        Raises:
            WorkspaceError: a field; the message names it.
        """
        name = str(doc.get("name") or "")
        if not NAME.match(name) or len(name) > LONGEST:
            raise WorkspaceError(f"name: '{name}': letters, digits, '-', '_' and '.', at most {LONGEST}.")
        since = self._clock()
        trigger.parse(doc.get("trigger") or {}, since, warn)
        action, plan = self._action(doc, source, warn)
        before = self._row(name)
        document = {
            "name": name,
            **{key: doc[key] for key in TEXTS if doc.get(key)},
            "trigger": doc["trigger"],
            **action,
            "creation_context": before["doc"]["creation_context"] if before else created(),
        }
        with self._catalog.transaction():
            self._catalog.rows("DELETE FROM schedules WHERE name = ?", name)
            self._catalog.insert(
                "schedules", name=name, enabled=1, since=since.isoformat(), settled=_before(since).isoformat(),
                doc=document, plan=plan,
            )  # fmt: skip
        self.scheduler.ensure()
        return self.get(name)

    def get(self, name: str) -> Row:
        """A schedule's document.

        Raises:
            NotFound: no such schedule.
        """
        return self._document(self._known(name))

    def list(
        self, include_disabled: bool = False, disabled_only: bool = False, max_results: int | None = None
    ) -> list[Row]:
        """Documents of the enabled schedules, of all, or of the disabled ones; by name."""
        rows = self._catalog.rows(
            "SELECT * FROM schedules WHERE enabled >= ? AND enabled <= ? ORDER BY name LIMIT ?",
            int(not (include_disabled or disabled_only)), int(not disabled_only),
            -1 if max_results is None else max_results,
        )  # fmt: skip
        return [self._document(row) for row in rows]

    def update(self, name: str, doc: dict[str, Any], source: Path, warn: Warn = _unheard) -> Row:
        """Change a schedule to what `doc` says, which is its whole document, edited.

        Raises:
            NotFound: no such schedule.
            WorkspaceError: a field that is wrong or can't change.
        """
        row = self._known(name)
        before = self._document(row)
        changed = [key for key in {**before, **doc} if before.get(key) != doc.get(key)]
        fixed = sorted(set(changed) - {*TEXTS, "trigger", *(ACTIONS.keys() & before.keys())})
        if fixed:
            hint = f"; az ml schedule enable or disable --name {name}" if fixed == ["is_enabled"] else ""
            raise WorkspaceError(f"{', '.join(fixed)} of a schedule can't be changed so{hint}.")
        document, plan, since, settled = row["doc"], row["plan"], row["since"], row["settled"]
        document = {key: value for key, value in document.items() if key not in TEXTS}
        document |= {key: doc[key] for key in TEXTS if doc.get(key)}
        if "trigger" in changed:
            now = self._clock()
            trigger.parse(doc.get("trigger") or {}, now, warn)
            document["trigger"], since, settled = doc["trigger"], now.isoformat(), _before(now).isoformat()
        if "create_monitor" in changed:
            document["create_monitor"] = self._action(doc, source, warn)[0]["create_monitor"]
        if "create_job" in changed:
            document["create_job"], plan = self._changed_job(row, doc.get("create_job") or {}, source)
        self._catalog.rows(
            "UPDATE schedules SET doc = ?, plan = ?, since = ?, settled = ? WHERE name = ?",
            json.dumps(document), json.dumps(plan), since, settled, name,
        )  # fmt: skip
        self.scheduler.ensure()
        return self.get(name)

    def enable(self, name: str, enabled: bool = True) -> Row:
        """Let a schedule run, or stop it; what was due while it was disabled is not made up for.

        Raises:
            NotFound: no such schedule.
        """
        row = self._known(name)
        settled = row["settled"] if row["enabled"] else self._clock().isoformat()
        self._catalog.rows("UPDATE schedules SET enabled = ?, settled = ? WHERE name = ?", int(enabled), settled, name)
        if enabled:
            self.scheduler.ensure()
        return self.get(name)

    def delete(self, name: str) -> None:
        """Remove a schedule; its jobs stay.

        Raises:
            NotFound: no such schedule.
            WorkspaceError: it is enabled.
        """
        if self._known(name)["enabled"]:
            raise WorkspaceError(
                f"Schedule '{name}' is enabled, and only a disabled one can be deleted, as on Azure: "
                f"az ml schedule disable --name {name}"
            )
        with self._catalog.transaction():
            self._catalog.rows("DELETE FROM schedules WHERE name = ?", name)
            self._catalog.rows("DELETE FROM schedule_runs WHERE schedule = ?", name)

    def trigger(self, name: str) -> Row:
        """Submit the job of a schedule now, once: {job_name, schedule_action_type}.

        Raises:
            NotFound: no such schedule.
            WorkspaceError: it is disabled, or its job can't be submitted.
        """
        row = self._known(name)
        if not row["enabled"]:
            raise WorkspaceError(f"Schedule '{name}' is disabled: az ml schedule enable --name {name}")
        job, due = self.runs.claim_now(name)
        self.runs.submit(name, due)
        kind = next(action for key, action in ACTIONS.items() if key in row["doc"])
        return {"job_name": job, "schedule_action_type": kind}

    def _action(self, doc: dict[str, Any], source: Path, warn: Warn) -> tuple[Row, Row]:
        """({create_job or create_monitor: its document}, plan), everything resolved."""
        if doc.get("create_monitor"):
            document = {"create_monitor": monitors.prepare(self._ws, doc, source, warn)}
            monitors.job(self._ws, {**doc, **document}, self._clock(), doc["name"])  # refuses what could not run
            return document, {}
        if not doc.get("create_job"):
            raise WorkspaceError("create_job: is missing; a schedule has create_job or create_monitor.")
        job, plan = scheduled_jobs.prepare(self._ws, doc["create_job"], source, warn)
        experiment = job.get("experiment_name") or doc["name"]
        return {"create_job": {**job, "experiment_name": experiment}}, plan.document()

    def _changed_job(self, row: Row, edited: Row, source: Path) -> tuple[Row, Row]:
        before = row["doc"]["create_job"]
        over = {key: edited.get(key) for key in {**before, **edited} if before.get(key) != edited.get(key)}
        for key in ("inputs", "outputs"):
            if key in over:
                over[key] = {k: v for k, v in (over[key] or {}).items() if (before.get(key) or {}).get(k) != v}
        job, plan = scheduled_jobs.change(self._ws, before, Plan.load(row["plan"]), over, source)
        return job, plan.document()

    def _known(self, name: str) -> Row:
        row = self._row(name)
        if row is None:
            raise NotFound(
                f"Schedule '{name}' was not found in workspace '{self._ws.name}'. "
                "List them: az ml schedule list --include-disabled -o table"
            )
        return row

    def _row(self, name: str) -> Row | None:
        return self._catalog.row("SELECT * FROM schedules WHERE name = ?", name)

    def _document(self, row: Row) -> Row:
        document = {"tags": {}, "properties": {}, **row["doc"]}
        if "create_monitor" in document:
            document["id"] = f"{self._ws.id}/schedules/{row['name']}"
        return {**document, "is_enabled": bool(row["enabled"]), "provisioning_state": "Succeeded"}


def _before(since: dt.datetime) -> dt.datetime:
    """A recurrence without start and pattern is due at once, at the second in which it was made."""
    return since.replace(microsecond=0) - dt.timedelta(seconds=1)
