"""Processes are told apart from their successors, and ended as a group; locks make them take turns."""

import os
import signal
import subprocess
import sys
import threading
import time

from ml_workspace import processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def start(command, **options):
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True, **options)


def test_an_identity_lasts_as_long_as_its_process():
    process = start(SLEEPER)
    who = processes.identity(process.pid)
    assert who
    assert processes.alive(process.pid, who)
    assert not processes.alive(process.pid, "somebody else")
    process.kill()
    time.sleep(0.1)
    # Not waited for yet: a zombie does not count as alive.
    assert not processes.alive(process.pid, who)
    process.communicate()
    assert processes.identity(process.pid) is None


def test_processes_are_found_by_a_variable_of_their_environment():
    process = start(SLEEPER, env={**os.environ, "MARK_OF_THIS_TEST": "a=b"})
    assert list(processes.marked("MARK_OF_THIS_TEST")) == [(process.pid, "a=b")]
    processes.kill_marked("MARK_OF_THIS_TEST=other")
    assert process.poll() is None
    processes.kill_marked("MARK_OF_THIS_TEST=a=b")
    process.communicate()
    assert list(processes.marked("MARK_OF_THIS_TEST")) == []


def test_a_stranger_with_the_same_number_is_left_alone():
    stranger = start(SLEEPER)
    assert processes.kill_group(stranger.pid, "who had this number before") is False
    assert stranger.poll() is None
    stranger.kill()
    stranger.communicate()


def test_the_whole_group_ends_though_it_ignores_sigterm(monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.3)
    script = "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"
    process = start(["bash", "-c", script])
    assert process.stdout is not None
    child = int(process.stdout.readline())
    who = processes.identity(child)
    assert processes.kill_group(process.pid, processes.identity(process.pid)) is True
    time.sleep(0.1)
    assert not processes.alive(child, who)


def test_a_group_that_ends_politely_is_not_waited_for():
    process = start(SLEEPER)
    began = time.monotonic()
    processes.kill_group(process.pid, processes.identity(process.pid))
    assert time.monotonic() - began < processes.GRACE / 2


def test_one_holder_at_a_time(tmp_path):
    lock, order = tmp_path / "x.lock", []

    def second():
        with processes.exclusive(lock, lambda: order.append("waits")):
            order.append("second")

    with processes.exclusive(lock):
        thread = threading.Thread(target=second)
        thread.start()
        while not order:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["waits", "first", "second"]


def test_a_killed_holder_lets_go(tmp_path):
    code = "import sys, time; from pathlib import Path; from ml_workspace import processes\n"
    code += "with processes.exclusive(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = start([sys.executable, "-c", code, str(tmp_path / "x.lock")], env=path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    with processes.exclusive(tmp_path / "x.lock"):
        pass
    holder.communicate()
