"""Processes of the engine, started by its folder: `python ml_workspace run WORKSPACE JOB` or `… stop ROOT`."""

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Appended, not put first: the extension's folder holds packages that must not hide the standard library.
    sys.path = [entry for entry in sys.path if Path(entry) != Path(__file__).parent] + [
        str(Path(__file__).parent.parent)
    ]

from ml_workspace.runner import run_job, stop_servers

if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    run_job(*arguments) if verb == "run" else stop_servers(*arguments)
