"""What commands do with a workspace's scheduler: see that it is up, stop it."""

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import processes
from .holder import write_document
from .names import JOB

POLL = 0.05  # seconds between looks at a scheduler that is to end
OFF = "AZUREML_LOCAL_SCHEDULER"  # the environment variable that is `off` where nothing shall run by itself


class SchedulerControl:
    """The scheduler of one workspace, from outside: a process that holds a lock for as long as it lives."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self.folder = workspace / "scheduler"
        self.lock, self._record = self.folder / "lock", self.folder / "process.json"
        self.log = self.folder / "scheduler.log"

    def ensure(self) -> bool:
        """Start the scheduler if it is not up; whether it is wanted at all."""
        if os.environ.get(OFF, "").lower() == "off":
            return False
        self.folder.mkdir(exist_ok=True)
        # The lock is taken here and inherited, so there is no moment at which two could start.
        lock = os.open(self.lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with suppress(BlockingIOError):  # it is up, or another command is faster
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._spawn(lock)
        finally:
            os.close(lock)
        return True

    def is_up(self) -> bool:
        """Whether the scheduler runs."""
        process = self._process()
        return process is not None and processes.alive(process["pid"], process["identity"])

    def stop(self) -> bool:
        """End the scheduler; whether it ran. What is due meanwhile is caught up with when it is started again."""
        ran = False
        while not self._is_free():  # one that has just been started is yet to be recorded
            if process := self._process():
                ran = processes.kill_group(process["pid"], process["identity"]) or ran
            time.sleep(POLL)
        return ran

    def _process(self) -> dict[str, Any] | None:
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
            return found
        return None

    def _is_free(self) -> bool:
        with suppress(FileNotFoundError), self.lock.open("a", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _spawn(self, lock: int) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent), "schedule", str(self._workspace)],
                pass_fds=(lock,), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self.folder, env={key: value for key, value in os.environ.items() if key != JOB},
            )  # fmt: skip
        write_document(self._record, {"pid": process.pid, "identity": processes.identity(process.pid)})
