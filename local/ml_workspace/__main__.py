"""Processes of the engine, started by its folder: `python ml_workspace VERB …`.

run WORKSPACE JOB: one job. serve WORKSPACE: the supervisor of its online endpoints. schedule WORKSPACE: its scheduler.
start ROOT: bring back the online endpoints and schedulers of all workspaces. scheduler ROOT: start the schedulers and
say what is due next. stop [--cancel] ROOT: end all servers and schedulers of all workspaces.
"""

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Appended, not put first: the extension's folder holds packages that must not hide the standard library.
    sys.path = [entry for entry in sys.path if Path(entry) != Path(__file__).parent] + [
        str(Path(__file__).parent.parent)
    ]

if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "run":
        from ml_workspace.runner import run_job

        run_job(*arguments)
    elif verb == "serve":
        from ml_workspace.serving import serve

        serve(*arguments)
    elif verb == "schedule":
        from ml_workspace.scheduler import schedule

        schedule(*arguments)
    else:
        from ml_workspace import machine_verbs

        sys.exit(machine_verbs.main(verb, arguments))
