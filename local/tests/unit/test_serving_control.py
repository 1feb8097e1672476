"""Commands and a supervisor: who has the lock, and how `make down` ends what has it."""

import fcntl
import os
import subprocess
import sys
import threading

import pytest
from ml_workspace import Workspace, processes, serving_control
from ml_workspace.serving_folder import MARK, SUPERVISOR, mark

HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("holds it", flush=True)
time.sleep(60)
"""


@pytest.fixture
def serving(tmp_path):
    serving = Workspace.create(tmp_path / "root", "rg", "ws").online.serving
    serving.folder.make()
    return serving


@pytest.fixture
def hold(serving):
    """Starts a process that plays a supervisor: it gets the lock as soon as it can."""
    holders = []

    def start(**variables):
        line = [sys.executable, "-c", HOLDER, str(serving.folder.lock)]
        holders.append(
            subprocess.Popen(line, stdout=subprocess.PIPE, start_new_session=True, env={**os.environ, **variables})
        )
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


def has_lock(holder):
    return holder.stdout.readline() == b"holds it\n"


def stop_beside(serving):
    """What `stop` returns, unless it waits for ever."""
    found = []
    thread = threading.Thread(target=lambda: found.append(serving.stop()), daemon=True)
    thread.start()
    thread.join(20)
    assert found, "stop waits for a lock that nobody lets go of"
    return found[0]


def test_a_supervisor_that_holds_the_lock_is_ended(serving, hold):
    holder = hold()
    assert has_lock(holder)
    serving.folder.keep({"supervisor": {"pid": holder.pid, "identity": processes.identity(holder.pid)}})
    assert stop_beside(serving)
    assert processes.identity(holder.pid) is None
    assert not stop_beside(serving)


def test_another_supervisor_gets_no_chance_between_the_end_of_the_first_and_that_of_the_rest(
    serving, hold, monkeypatch
):
    lock = fcntl.flock
    waits: list = []

    def flock(descriptor, how):
        if waits:
            has_lock(waits[0])
        lock(descriptor, how)
        waits.append(hold())  # until this lock is released

    monkeypatch.setattr(fcntl, "flock", flock)
    stop_beside(serving)
    assert has_lock(waits[0])


def test_a_supervisor_that_never_came_to_record_itself_is_ended_too(serving, hold, monkeypatch):
    monkeypatch.setattr(serving_control, "START", 0.2)
    holder = hold(**{MARK: mark(serving.folder.path.parent, SUPERVISOR)})
    assert has_lock(holder)
    assert stop_beside(serving)
    assert processes.identity(holder.pid) is None
