"""One thing that `make doctor` looked at, and how a list of them is told."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from scripts.looking.table import table

State = Literal["ok", "missing", "unknown"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: as the guides in docs/ call it.
        state: `ok`, `missing` (absent or not as it has to be) or `unknown` (it could not be asked).
        why: what was found.
        todo: the command or the step that makes it ok; "" where it is.
        needed: whether the environment's verbs fail without it.
    """

    name: str
    state: State
    why: str
    todo: str = ""
    needed: bool = True

    @property
    def passed(self) -> bool:
        return self.state == "ok" or not self.needed


def text(checks: Sequence[Check]) -> list[str]:
    """Lines for a terminal: a table of all, then what to do, one after the other."""
    lines = table(["state", "check", "what was found"], [[check.state, check.name, check.why] for check in checks])
    todo = [check for check in checks if check.todo]
    return lines + (["", "What to do:"] if todo else []) + [f"  {check.name}: {check.todo}" for check in todo]


def as_json(checks: Sequence[Check]) -> str:
    return json.dumps([asdict(check) for check in checks], indent=2)
