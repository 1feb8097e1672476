"""`az` lines that only ask, several at once, and what their errors mean."""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from scripts.doctoring.check import Check

AT_ONCE = 4  # each is mostly start-up
SECONDS = 180  # after which a line is given up
NOT_FOUND = 3  # exit code of az
REFUSED = re.compile(
    r"client '(?P<client>[^']*)' with object id '(?P<object>[^']*)' does not have authorization to perform action "
    r"'(?P<action>[^']*)' over scope '(?P<scope>[^']*)'"
)
FORBIDDEN = re.compile(r"AuthorizationFailed|\bForbidden\b|\b403\b|does not have authorization")
NO_LOGIN = re.compile(r"az login|az devops login|AADSTS\d+")
ROLES = (  # the built-in role that allows an action; the first whose prefix fits
    ("Microsoft.MachineLearningServices/registries", "AzureML Registry User"),
    ("Microsoft.MachineLearningServices", "AzureML Data Scientist"),
    ("", "Reader"),
)


@dataclass(frozen=True)
class Answer:
    """What an `az` line answered: exit code, standard output, standard error."""

    line: Sequence[str]
    code: int
    out: str
    error: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    def json(self) -> Any:
        """The document that it printed; None where it printed none."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


def ask(line: Sequence[str]) -> Answer:
    """Run `az` with `line` and JSON as output. No `az` answers as a shell does, with 127; one that hangs with 124."""
    command = ["az", *line, "--output", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    except FileNotFoundError:
        return Answer(line, 127, "", "az: not found on PATH")
    except subprocess.TimeoutExpired:
        return Answer(line, 124, "", f"no answer within {SECONDS} seconds")
    return Answer(line, done.returncode, done.stdout, done.stderr)


def ask_all(lines: Mapping[str, Sequence[str]]) -> dict[str, Answer]:
    """The answers to several lines, by the names of the lines."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(lines, pool.map(ask, lines.values()), strict=True))


def refusal(name: str, answer: Answer, absent: str, create: str) -> Check:
    """Check `name`, whose line failed.

    Args:
        absent: what it means if Azure has not found it.
        create: what to do then.
    """
    if answer.code == NOT_FOUND:
        return Check(name, "missing", absent, create)
    if match := REFUSED.search(answer.error):
        action, scope = match["action"], match["scope"]
        why = f"403: {match['client']} may not {action} on {scope}"
        return Check(name, "missing", why, grant(role_for(action), match["object"], scope))
    if FORBIDDEN.search(answer.error):
        return Check(name, "missing", f"403: {said(answer)}", "ask an owner of it for a role that allows this")
    if NO_LOGIN.search(answer.error):
        return Check(name, "missing", said(answer), "az login; in a pipeline, look at the service connection")
    return Check(name, "unknown", said(answer), f"see what it says: {shlex.join(['az', *answer.line])}")


def role_for(action: str) -> str:
    return next(role for prefix, role in ROLES if action.lower().startswith(prefix.lower()))


def grant(role: str, assignee: str, scope: str) -> str:
    line = ["az", "role", "assignment", "create", "--role", role, "--assignee", assignee, "--scope", scope]
    return f"an owner of the scope runs: {shlex.join(line)} (it takes some minutes to hold)"


def said(answer: Answer) -> str:
    """The line of an error that says most, without az's warnings and what could steer a terminal."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in answer.error.splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or [line for line in lines if line] or [f"exit code {answer.code}"])[0][:300]
