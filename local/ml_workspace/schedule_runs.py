"""Runs of schedules: which are due, and their jobs.

A run has the key (schedule, due time). Its row is written in the transaction that moves the schedule past that time,
and its job has a name made of the key. So a run is claimed once and, whoever is killed meanwhile, submitted once.
"""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import monitors, scheduled_jobs, trigger
from .catalog import Row
from .errors import Conflict
from .plan import Plan
from .trigger import Trigger

if TYPE_CHECKING:
    from .workspace import Workspace

Clock = Callable[[], dt.datetime]
SCHEDULE, TIME = "azureml.scheduleName", "azureml.scheduledTime"  # properties of the jobs


class ScheduleRuns:
    """Claims and submits runs.

    Attributes:
        clock: gives the time, in UTC.
    """

    def __init__(self, ws: "Workspace", clock: Clock) -> None:
        self._ws, self._catalog, self.clock = ws, ws.catalog, clock

    def changes(self) -> int:
        """A number that is another one once another process has changed anything."""
        version: int = self._catalog.rows("PRAGMA data_version")[0]["data_version"]
        return version

    def next_times(self) -> dict[str, dt.datetime]:
        """Name -> when it is due next, of the enabled schedules that are due once more."""
        rows = self._catalog.rows("SELECT * FROM schedules WHERE enabled = 1")
        found = {row["name"]: _trigger(row).next(_time(row["settled"])) for row in rows}
        return {name: due for name, due in found.items() if due}

    def claim(self, name: str, now: dt.datetime) -> str | None:
        """Make the run that is due by `now`, of several the last; the name of its job, None if nothing is due."""
        with self._catalog.transaction():
            row = self._row(name)
            due = _trigger(row).latest(_time(row["settled"]), now) if row and row["enabled"] else None
            if due is None:
                return None
            job = self._insert(name, due)
            self._catalog.rows("UPDATE schedules SET settled = ? WHERE name = ?", due.isoformat(), name)
        return job

    def claim_now(self, name: str) -> tuple[str, str]:
        """Make a run that is not due by itself; (name of its job, due time)."""
        due = self.clock()
        due = due.replace(microsecond=due.microsecond or 1)  # whole seconds are the keys of what is due by itself
        with self._catalog.transaction():
            return self._insert(name, due), due.isoformat()

    def unsubmitted(self) -> list[tuple[str, str]]:
        """(schedule, due time) of the runs that were claimed and are not known to be submitted."""
        rows = self._catalog.rows("SELECT schedule, due FROM schedule_runs WHERE submitted = 0 ORDER BY due")
        return [(row["schedule"], row["due"]) for row in rows]

    def submit(self, name: str, due: str) -> None:
        """Submit the job of a claimed run, unless that is done already.

        Raises:
            WorkspaceError: it can't be submitted; there is a failed job that says so.
        """
        run = self._catalog.row("SELECT job FROM schedule_runs WHERE schedule = ? AND due = ?", name, due)
        row = self._row(name)
        if run is None or row is None:
            return  # deleted meanwhile
        job, common = run["job"], _common(row["doc"], due)
        try:
            doc, plan = self._job(row, _time(due), job)
            properties = {**(doc.get("properties") or {}), **common["properties"]}
            self._ws.jobs.submit({**doc, **common, "properties": properties}, plan, job)
        except Conflict:
            # Submitted by somebody else, or by one who was killed before it could say so.
            if self._ws.jobs.get(job)["properties"].get(TIME) != due:
                raise
        except Exception as error:  # whatever it is, the run must not be lost without a word
            self._ws.jobs.record_failure(common, job, str(error) or repr(error))
            self._settle(name, due)
            raise
        self._settle(name, due)

    def _insert(self, name: str, due: dt.datetime) -> str:
        job = f"{name}-{_stamp(due)}"
        same = self._catalog.rows("SELECT job FROM schedule_runs WHERE job GLOB ?", f"{job}*")  # of the same second
        job += f"-{len(same) + 1}" if same else ""
        self._catalog.insert("schedule_runs", schedule=name, due=due.isoformat(), job=job)
        return job

    def _settle(self, name: str, due: str) -> None:
        self._catalog.rows("UPDATE schedule_runs SET submitted = 1 WHERE schedule = ? AND due = ?", name, due)

    def _row(self, name: str) -> Row | None:
        return self._catalog.row("SELECT * FROM schedules WHERE name = ?", name)

    def _job(self, row: Row, due: dt.datetime, job: str) -> tuple[Row, Plan]:
        if "create_job" in row["doc"]:
            return scheduled_jobs.filled(row["doc"]["create_job"], Plan.load(row["plan"]), due, job)
        return monitors.job(self._ws, row["doc"], due, job)


def _common(doc: Row, due: str) -> Row:
    """What the jobs of a schedule have in common."""
    return {
        "display_name": f"{doc['name']}-{_stamp(_time(due))}",
        "experiment_name": doc.get("create_job", {}).get("experiment_name") or doc["name"],
        "properties": {SCHEDULE: doc["name"], TIME: due},
    }


def _trigger(row: Row) -> Trigger:
    return trigger.parse(row["doc"]["trigger"], _time(row["since"]), lambda warning: None)


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _stamp(time: dt.datetime) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ")
