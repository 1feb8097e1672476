"""What the tests of parallel jobs share: a context whose `spawn` runs the driver with real worker processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
from ml_workspace.steps import StepCanceled, StepContext

ENTRY = """
import os, sys
def init():
    print("arguments", *sys.argv[1:])
def run(mini_batch):
    return [os.path.basename(path) for path in mini_batch]
"""


class Bench:
    """A context whose `spawn` runs the driver for real, in a process group of its own."""

    def __init__(self, folder: Path, entry: str = ENTRY):
        self.folder, self.code, self.work = folder, folder / "code", folder / "work"
        self.code.mkdir()
        (self.code / "entry.py").write_text(dedent(entry))
        self.cancel = threading.Event()
        self.output = ""
        self.lines: list[str] = []
        self.pid = 0

    def spawn(self, command, cwd, env=None, timeout=None, stdin=None):
        with subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(self.folder)}, start_new_session=True,
        ) as process:  # fmt: skip
            self.pid = process.pid
            assert process.stdin is not None
            process.stdin.write(stdin)
            process.stdin.close()
            reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            reader.start()
            while process.poll() is None and not self.cancel.is_set():
                time.sleep(0.02)
            if self.cancel.is_set():
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join(10)
            assert not reader.is_alive(), "a worker has survived the driver and holds its output open"
        if self.cancel.is_set():
            raise StepCanceled("canceled")
        return process.returncode

    def _read(self, process):
        for line in process.stdout:
            self.output += line

    def context(self, node, inputs, outputs=None):
        ws: Any = SimpleNamespace()
        return StepContext(
            ws=ws,
            job="job",
            display_name="job",
            node=node,
            inputs=inputs,
            outputs=outputs or {},
            code=self.code,
            python=Path(sys.executable),
            environment={},
            run_id="run",
            log=self.lines.append,
            cancel=self.cancel,
            cores=threading.Semaphore(2),
            spawn=self.spawn,
            work=self.copy,
            run_child=lambda *args, **kwargs: pytest.fail("a parallel job has no children"),
        )

    def copy(self):
        """A fresh copy of the code, as each job gets it."""
        shutil.rmtree(self.work, ignore_errors=True)
        return Path(shutil.copytree(self.code, self.work))

    def files(self, count):
        folder = self.folder / "data"
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.txt").write_text(str(number))
        return str(folder)


@pytest.fixture
def make_bench(tmp_path):
    """Makes a bench with an entry script: one that names the files it gets, if none is given."""
    return lambda entry=ENTRY: Bench(tmp_path, entry)


@pytest.fixture
def node():
    """Makes the document of a parallel job over files."""

    def make(task=None, **changes):
        return {
            "type": "parallel",
            "inputs": {"data": {"type": "uri_folder"}},
            "input_data": "${{inputs.data}}",
            "mini_batch_size": "1",
            "max_concurrency_per_instance": 2,
            "resources": {"instance_count": 1},
            "task": {"type": "run_function", "entry_script": "entry.py", **(task or {})},
            **changes,
        }

    return make
