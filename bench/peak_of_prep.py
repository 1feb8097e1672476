"""Entry script of the memory section: prep, which tells at the end how much memory its worker has taken at most.

It is copied beside prep.py and runs in the job's environment. The parallel runner calls `shutdown` once in each worker.
"""

import os
import resource
from pathlib import Path

import prep  # type: ignore[import-not-found]  # beside it in the job

init, run = prep.init, prep.run


def shutdown() -> None:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(prep.args.prepared, f"worker-{os.getpid()}.peak").write_text(str(kilobytes), encoding="utf-8")
