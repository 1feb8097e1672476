"""What can go wrong in a parallel job: retries, time-outs, limits on errors, processes that die."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from ml_workspace import parallel
from ml_workspace.steps import StepCanceled, StepFailed

FLAKY = """
import os, signal, time
from pathlib import Path
def run(mini_batch):
    name = Path(mini_batch[0]).name
    if name == "1.txt" and not Path("seen").exists():
        Path("seen").touch()
        {trouble}
    return mini_batch
"""


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("raise ValueError('not now')", "ValueError: not now"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the worker process was ended by signal 9"),
        ("os._exit(3)", "the worker process ended with exit code 3"),
        ("time.sleep(60)", "run() took longer than retry_settings.timeout, 1 s"),
    ],
    ids=["raises", "killed", "exits", "hangs"],
)
def test_a_mini_batch_is_tried_again(make_bench, node, trouble, reason):
    bench = make_bench(FLAKY.format(trouble=trouble))
    retry = {"max_retries": 1, "timeout": 1}
    result = parallel.run(
        bench.context(node(retry_settings=retry, mini_batch_error_threshold=0), {"data": bench.files(3)})
    )
    assert result.properties["items"] == "3"
    assert f"(1.txt): attempt 1 failed, trying again: {reason}" in bench.output
    assert "(1.txt): 1 items in" in bench.output
    assert "attempt 2" in bench.output


BROKEN = """
def run(mini_batch):
    if mini_batch[0].endswith("1.txt"):
        value = {}["missing"]
    return mini_batch
"""


def test_one_failed_mini_batch_more_than_allowed_fails_the_job_and_shows_its_traceback(make_bench, node):
    bench = make_bench(BROKEN)
    with pytest.raises(StepFailed) as failure:
        parallel.run(
            bench.context(
                node(mini_batch_error_threshold=0, retry_settings={"max_retries": 1}), {"data": bench.files(3)}
            )
        )
    message = str(failure.value)
    assert "Mini-batch (1.txt) failed 2 times; 1 of 3 mini-batches failed" in message
    assert "mini_batch_error_threshold allows 0" in message
    assert 'value = {}["missing"]' in message
    assert message.endswith("KeyError: 'missing'")
    assert "parallel_worker.py" not in message


@pytest.mark.parametrize("threshold", [-1, 1])
def test_failed_mini_batches_that_are_allowed_are_counted(make_bench, node, threshold):
    bench = make_bench(BROKEN)
    context = bench.context(
        node(mini_batch_error_threshold=threshold, retry_settings={"max_retries": 0}), {"data": bench.files(3)}
    )
    assert parallel.run(context).properties["failed_mini_batches"] == "1"


def test_allowed_failed_percent_comes_among_the_arguments(make_bench, node):
    bench = make_bench(BROKEN)
    context = bench.context(
        node({"program_arguments": "--allowed_failed_percent 10"}, retry_settings={"max_retries": 0}),
        {"data": bench.files(3)},
    )
    with pytest.raises(StepFailed, match="allowed_failed_percent allows 10"):
        parallel.run(context)


SHORT = """
def run(mini_batch):
    return mini_batch[:1]
"""


def test_items_without_a_row_are_errors(make_bench, node):
    bench = make_bench(SHORT)
    context = bench.context(node(mini_batch_size="3", error_threshold=1), {"data": bench.files(3)})
    with pytest.raises(StepFailed, match=r"2 items failed, more than error_threshold, 1: .* 1 for the 3 of mini-batch"):
        parallel.run(context)


def test_item_errors_up_to_the_threshold_are_counted(make_bench, node):
    bench = make_bench(SHORT)
    context = bench.context(node(mini_batch_size="3", error_threshold=2), {"data": bench.files(3)})
    properties = parallel.run(context).properties
    assert (properties["items"], properties["failed_items"]) == ("1", "2")


@pytest.mark.parametrize(("threshold", "fails"), [(2, True), (3, False), (-1, False)])
def test_all_items_of_a_failed_mini_batch_are_errors(make_bench, node, threshold, fails):
    bench = make_bench(BROKEN.replace("mini_batch[0]", "mini_batch[-1]"))
    (Path(bench.files(5)) / "0.txt").rename(bench.folder / "data" / "00.txt")
    job = node(mini_batch_size="3", error_threshold=threshold, retry_settings={"max_retries": 0})
    (bench.folder / "data" / "2.txt").rename(bench.folder / "data" / "01.txt")  # 00, 01, 1 and 3, 4
    context = bench.context(job, {"data": str(bench.folder / "data")})
    if fails:
        with pytest.raises(
            StepFailed, match=r"(?s)3 items failed, more than error_threshold, 2: .*KeyError: 'missing'"
        ):
            parallel.run(context)
    else:
        assert parallel.run(context).properties.items() >= {"items": "2", "failed_items": "3"}.items()


def test_a_run_that_returns_nothing_is_an_error(make_bench, node):
    bench = make_bench("def run(mini_batch): pass")
    with pytest.raises(StepFailed, match="No item was processed"):
        parallel.run(bench.context(node(retry_settings={"max_retries": 0}), {"data": bench.files(1)}))
    assert "run() returned NoneType; it must return a list, a tuple or a DataFrame" in bench.output


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        ("def init(): raise RuntimeError('no model')\ndef run(batch): pass", "RuntimeError: no model"),
        ("import sys\ndef init(): sys.exit(2)\ndef run(batch): pass", "SystemExit: 2"),
        ("def rum(batch): pass", r"entry.py defines no run\(mini_batch\)"),
    ],
    ids=["import", "init", "exit", "no run"],
)
def test_a_script_that_can_not_be_started_fails_the_job(make_bench, node, entry, reason):
    bench = make_bench(entry)
    with pytest.raises(StepFailed, match=rf"(?s)entry.py can't be started.*{reason}"):
        parallel.run(bench.context(node(), {"data": bench.files(2)}))


def test_a_worker_that_always_dies_in_init_fails_the_job(make_bench, node):
    bench = make_bench("import os\ndef init(): os._exit(9)\ndef run(batch): pass")
    with pytest.raises(StepFailed, match=r"could not be started: the worker process ended with exit code 9"):
        parallel.run(bench.context(node(), {"data": bench.files(2)}))


def test_an_empty_input_is_an_error(make_bench, node):
    bench = make_bench()
    with pytest.raises(StepFailed, match="is empty"):
        parallel.run(bench.context(node(), {"data": bench.files(0)}))


ENDLESS = """
import os, time
from pathlib import Path
def run(mini_batch):
    Path(f"pid.{os.getpid()}").touch()
    time.sleep(300)
"""


def workers_of(bench):
    """Process ids of the two workers, when both are busy."""
    end = time.monotonic() + 20
    while len(pids := [int(path.suffix[1:]) for path in bench.work.glob("pid.*")]) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    return pids


def gone(pid):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_no_worker_survives_a_driver_that_is_killed(make_bench, node):
    bench = make_bench(ENDLESS)
    found: list[int] = []

    def kill_the_driver_alone():
        found.extend(workers_of(bench))
        os.kill(bench.pid, signal.SIGKILL)

    threading.Thread(target=kill_the_driver_alone, daemon=True).start()
    with pytest.raises(StepFailed, match="was ended by signal 9 before it was finished"):
        parallel.run(bench.context(node(), {"data": bench.files(2)}))
    assert len(found) == 2
    assert all(gone(pid) for pid in found)


def test_cancellation_leaves_no_worker(make_bench, node):
    bench = make_bench(ENDLESS)
    found: list[int] = []

    def cancel():
        found.extend(workers_of(bench))
        bench.cancel.set()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(StepCanceled):
        parallel.run(bench.context(node(), {"data": bench.files(2)}))
    assert len(found) == 2
    assert all(gone(pid) for pid in found)
