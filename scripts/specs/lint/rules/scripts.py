"""Scripts that a spec starts must be among the files of its `code`."""

import re
from collections.abc import Iterator
from typing import Any

from scripts.specs.files import is_local
from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.jobs import runnables
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, resolved

# `python [options] script.py`, `bash script.sh`. With -m module or -c code, it is no script that starts.
SCRIPT = re.compile(r"(?:^|[\s;&|(])(?:python[\d.]*|bash|sh)(?:\s+-(?![mc]\b)\S+)*\s+([\w./-]+\.(?:py|sh))\b")

MOVES = re.compile(r"\b(?:cd|pushd|git|curl|wget|az|azcopy|tar|unzip|cp|mv|ln|cat|tee)\s|>")


def scripts(subject: Subject) -> Iterator[Problem]:
    """Scripts in commands, entry scripts of parallel and spark, and scoring scripts of deployments."""
    for position, script, code in _started(subject):
        if not isinstance(code, str) and code is not None:
            continue
        if code is None:
            yield Problem("AML205", position, f"{script}: there is no `code`, so there is no script", script)
        elif is_local(code) and not subject.repository.has(resolved(subject.home, f"{code}/{script}")):
            folder = resolved(subject.home, code)
            message = f"{script} is not in {folder}/ (code: {code}), or .gitignore or .amlignore leaves it out"
            yield Problem("AML205", position, message, script)


def _started(subject: Subject) -> Iterator[tuple[Position, str, Any]]:
    """Position and path of each script, and the `code` that it must be in."""
    for runnable in runnables(subject):
        document, position = runnable.document, runnable.position
        if "additional_includes" in document:  # code from elsewhere, merged in on submission
            continue
        for script in _in_command(document.get("command")):
            yield (*position, "command"), script, document.get("code")
        task, entry = mapping(document, "task"), mapping(document, "entry")
        if isinstance(task.get("entry_script"), str):
            yield (*position, "task", "entry_script"), task["entry_script"], task.get("code")
        if isinstance(entry.get("file"), str):
            yield (*position, "entry", "file"), entry["file"], document.get("code")
    scoring = mapping(subject.document, "code_configuration")
    if isinstance(scoring.get("scoring_script"), str):
        yield ("code_configuration", "scoring_script"), scoring["scoring_script"], scoring.get("code")


def _in_command(command: Any) -> Iterator[str]:
    """Scripts that a command starts by a path in its code folder, unless it may have moved or made files before."""
    for match in SCRIPT.finditer(command if isinstance(command, str) else ""):
        if not match[1].startswith("/") and not MOVES.search(match.string[: match.start(1)]):
            yield match[1]
