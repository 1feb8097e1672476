"""How jobs end when not all goes well, and what is left of them."""

import re
import shutil
import time
import tracemalloc

import pytest
from job_documents import children, command, ended, log_of, node
from ml_workspace import NotFound, WorkspaceError
from ml_workspace.processes import identity
from ml_workspace.streaming import stream

pytestmark = pytest.mark.slow

FOLDER = {"d": {"type": "uri_folder"}}
MEGABYTE = 1 << 20


def test_pipeline_with_a_canceled_step_has_not_completed(ws, submit):
    job = submit({"type": "pipeline", "jobs": {"long": node(command("sleep 60; true"))}}, wait=False)
    while not children(ws, job["name"]):
        time.sleep(0.05)
    ws.jobs.cancel(children(ws, job["name"])["long"]["name"])
    job = ended(ws, job["name"], 20)
    assert job["status"] == "Failed"
    assert "long" in job["error"]["message"]


def test_step_that_was_never_started_may_share_its_name_with_a_job(ws, submit):
    submit(node(command("true")), name="outer_after")
    broken = node(command("exit 3", outputs=FOLDER))
    after = node(command("true", FOLDER), inputs={"d": "${{parent.jobs.broken.outputs.d}}"})
    job = submit({"type": "pipeline", "jobs": {"broken": broken, "after": after}}, name="outer")
    assert job["error"]["message"] == "broken: the command ended with exit code 3"
    assert children(ws, "outer")["after"]["status"] == "Canceled"


def test_long_log_is_shown_in_parts(ws, submit):
    # The last line is cut, as by a kill; a multi-byte character lies across every boundary sooner or later.
    job = submit(node(command("yes 'žluťoučký kůň' | head -c 50000000; exit 3")))
    sizes: list[int] = []
    tracemalloc.start()
    assert stream(ws, job["name"], lambda text: sizes.append(len(text.encode()))) == "Failed"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) > 50_000_000
    assert peak < 10 * MEGABYTE


def test_failing_step_with_a_long_log_does_not_fill_the_runners_memory(ws, submit):
    # The step reads what its parent, the runner, has needed at most, and the step after the failed one does so too.
    noisy = command("head -c 300000000 /dev/zero | tr '\\0' x; exit 3")
    watch = command("sleep 3; grep VmHWM /proc/$PPID/status")
    jobs = {"noisy": node(noisy), "watch": node(watch)}
    job = submit({"type": "pipeline", "settings": {"continue_on_step_failure": True}, "jobs": jobs})
    lines: list[str] = []
    stream(ws, children(ws, job["name"])["watch"]["name"], lines.append)
    peak = re.search(r"VmHWM:\s*(\d+) kB", "".join(lines))
    assert peak, log_of(ws, job["name"])
    assert int(peak[1]) * 1024 < 150 * MEGABYTE


def test_sockets_of_a_job_fit_into_its_temporary_folder(ws, submit):
    of_others = set((ws.path / "tmp").glob("*"))  # jobs that earlier tests have killed
    job = submit({"type": "pipeline", "jobs": {"a": node(command("echo ${#TMPDIR} ${#HOME}"))}})
    lines: list[str] = []
    stream(ws, children(ws, job["name"])["a"]["name"], lines.append)
    temporary, home = map(int, re.findall(r"^(\d+) (\d+)$", "".join(lines), re.M)[0])
    # A path of a socket has at most 107 characters; multiprocessing adds 32. HOME is the workspace's folder and /home.
    assert temporary - (home - len("/home")) <= 13  # a slash, tmp, a slash, 8 digits
    assert set((ws.path / "tmp").iterdir()) <= of_others


def test_output_that_was_removed_cannot_be_downloaded(ws, submit, tmp_path):
    job = submit(node(command("touch ${{outputs.d}}/f", outputs=FOLDER)))
    shutil.rmtree(ws.resolve.job_output(job["name"], "d"))
    with pytest.raises(NotFound, match=r"outputs\.d"):
        ws.jobs.download(job["name"], tmp_path, "d")


def test_link_to_nothing_in_the_outputs_folder_is_no_reason_to_fail(ws, submit):
    job = submit(node(command("mkdir outputs; ln -s nowhere outputs/link; touch outputs/f")))
    assert job["status"] == "Completed", log_of(ws, job["name"])


def test_name_with_a_line_break_is_refused(submit):
    with pytest.raises(WorkspaceError, match="job name"):
        submit(node(command("true")), name="job\n")


def test_what_a_canceled_command_started_has_time_to_end_by_itself(ws, submit, tmp_path):
    program = (
        "import signal, sys, time\n"
        f"signal.signal(15, lambda *_: (time.sleep(0.5), open({str(tmp_path / 'saved')!r}, 'w').close(), sys.exit()))\n"
        f"open({str(tmp_path / 'ready')!r}, 'w').close()\n"
        "time.sleep(60)\n"
    )
    (tmp_path / "work.py").write_text(program)
    job = submit(node(command(f"python {tmp_path}/work.py; echo after")), wait=False)
    while not (tmp_path / "ready").exists():
        time.sleep(0.05)
    ws.jobs.cancel(job["name"])
    assert ended(ws, job["name"], 20)["status"] == "Canceled"
    assert (tmp_path / "saved").exists()


def test_nothing_of_a_job_survives_it(ws, submit, tmp_path):
    marker = tmp_path / "pid"
    job = submit(
        node(command(f"setsid bash -c 'echo $$ > {marker}; exec sleep 60' & while [ ! -s {marker} ]; do :; done"))
    )
    assert job["status"] == "Completed"
    assert identity(int(marker.read_text())) is None


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"../../x": {"type": "uri_folder"}}, "the name of an output has letters"),
        (
            {"d": {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/"}},
            "the whole datastore",
        ),
    ],
)
def test_output_that_would_write_elsewhere_is_refused(submit, outputs, message):
    with pytest.raises(WorkspaceError, match=message):
        submit(node(command("true", outputs=outputs), outputs=outputs))
