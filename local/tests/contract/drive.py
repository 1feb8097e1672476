"""Runs az lines in one process; for azure-cli's own Python.

Arguments: the extension's folder, the root of a workspace, and the parts of the engine, `online` or `batch`, for which
one stands that only writes down how it is called. For each JSON list of lines on stdin it prints a list of
{code, out, err, calls}, where a call is [part, method, *arguments].
"""

import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from azure.cli.core import get_default_cli

CALLS: list[Any] = []


class Engine:
    """Stands for `ws.online` or `ws.batch`: answers from a file beside this one."""

    def __init__(self, part: str, answers: dict[str, Any]) -> None:
        self.part = self.kind = part
        self.answers = answers

    def __getattr__(self, method: str) -> Any:
        """A method that writes its call down."""

        def called(*args: Any, **kwargs: Any) -> Any:
            from ml_workspace import NotFound, WorkspaceError

            given = [arg.decode() if isinstance(arg, bytes) else arg for arg in args if not callable(arg)]
            CALLS.append([self.part, method, *given, *([kwargs] if kwargs else [])])
            if args and args[0] == "absent":
                raise NotFound("Endpoint 'absent' was not found.")
            if args and args[0] == "broken":
                raise WorkspaceError("The model's init() raised.")
            for tick in filter(callable, args):
                tick()
            return json.loads(json.dumps(self.answers.get(method, {})))

        return called


def run(line: str, errors: io.StringIO) -> dict[str, Any]:
    """One az line; logging writes to `errors`, the stderr that it saw first."""
    CALLS.clear()
    errors.truncate(0)
    errors.seek(0)
    sys.stdout = out = io.StringIO()
    try:
        code = get_default_cli().invoke(["ml", *shlex.split(line)], out_file=out)
    except SystemExit as end:  # how argparse ends
        code = end.code
    calls = json.loads(json.dumps(CALLS, default=str))
    return {"code": code, "out": out.getvalue(), "err": errors.getvalue(), "calls": calls}


def main(extension: str, root: str, *parts: str) -> None:
    """Run what comes on stdin, up to its end."""
    sys.path.append(extension)
    from ml_workspace import Workspace

    answers = json.loads(Path(__file__).with_name("engine_answers.json").read_text(encoding="utf-8"))
    for part in parts:
        setattr(Workspace, part, Engine(part, answers[part]))
    Workspace.create(Path(root), "g", "w")
    stdout, sys.stderr = sys.stdout, io.StringIO()
    for lines in sys.stdin:
        print(json.dumps([run(line, sys.stderr) for line in json.loads(lines)]), file=stdout, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
