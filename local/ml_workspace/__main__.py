"""Processes of the engine, started by its folder: `python ml_workspace run WORKSPACE JOB`, `… stop [--cancel] ROOT`."""

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Appended, not put first: the extension's folder holds packages that must not hide the standard library.
    sys.path = [entry for entry in sys.path if Path(entry) != Path(__file__).parent] + [
        str(Path(__file__).parent.parent)
    ]

from ml_workspace.errors import WorkspaceError
from ml_workspace.runner import run_job
from ml_workspace.shutdown import stop_servers

if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "run":
        run_job(*arguments)
    else:
        try:
            stop_servers(Path(arguments[-1]), cancel="--cancel" in arguments[:-1])
        except WorkspaceError as error:
            sys.exit(f"ERROR: {error}")
