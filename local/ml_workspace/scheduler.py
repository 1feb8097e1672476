"""The scheduler of a workspace: submits what is due, as long as it is up; see `schedule_runs`."""

import datetime as dt
import time
import traceback
from pathlib import Path

from .schedule_runs import ScheduleRuns
from .scheduler_control import SchedulerControl
from .workspace import Workspace

TICK = 0.5  # seconds between looks at the clock and the catalog
RECOVERY = 5.0  # seconds before another round after one that failed


def schedule(folder: str) -> None:
    """Run until the workspace is gone. Whoever starts it holds its lock and hands it down to this process."""
    lock = SchedulerControl(Path(folder)).lock
    scheduler, inode = Scheduler(Workspace(Path(folder)).schedules.runs), lock.stat().st_ino
    while lock.exists() and lock.stat().st_ino == inode:
        try:
            scheduler.tick()
            time.sleep(TICK)
        except Exception:  # noqa: BLE001 - a full disk, say: the next round may do it, and schedules must go on
            traceback.print_exc()
            time.sleep(RECOVERY)


class Scheduler:
    """One round after the other. It can be killed at any moment: what it has claimed, the next one submits."""

    def __init__(self, runs: ScheduleRuns) -> None:
        self._runs = runs
        self._seen: int | None = None
        self._next: dict[str, dt.datetime] = {}

    def tick(self) -> None:
        """Claim and submit what is due; of what a schedule has missed, only the last."""
        now = self._runs.clock()
        self._look()
        for name in [name for name, due in self._next.items() if due <= now]:
            if job := self._runs.claim(name, now):
                print(f"{now.isoformat(timespec='seconds')} {name} is due: {job}", flush=True)
            self._seen = None
        for name, due in self._runs.unsubmitted():
            try:
                self._runs.submit(name, due)
            except Exception as error:  # noqa: BLE001 - it is recorded as a failed job; other schedules must go on
                print(f"{now.isoformat(timespec='seconds')} {name}: {error!r}", flush=True)

    def _look(self) -> None:
        """Find out when each schedule is due next, if anything has changed."""
        seen = self._runs.changes()
        if seen != self._seen:
            self._next = self._runs.next_times()
            self._seen = seen
