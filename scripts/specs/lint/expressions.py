"""Azure ML's expressions: ${{parent.jobs.prep.outputs.prepared}}, ${{inputs.rate}}, and $[[ optional parts ]]."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.specs.lint.findings import Position

EXPRESSION = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
OPTIONAL = re.compile(r"\$\[\[.*?\]\]", re.DOTALL)


@dataclass(frozen=True)
class Expression:
    """One ${{…}} of a spec.

    Args:
        position: of the string that it stands in.
        text: as written, braces included.
        parts: names between the dots.
        whole: it is all that the string holds, so that it has the type of what it names.
        optional: it stands inside $[[ ]].
    """

    position: Position
    text: str
    parts: tuple[str, ...]
    whole: bool = False
    optional: bool = False

    def name_after(self, *root: str) -> str | None:
        """What follows `root`, such as ("parent", "inputs"); a group's member keeps its dot: "group.member"."""
        if self.parts[: len(root)] != root or len(self.parts) == len(root):
            return None
        return ".".join(self.parts[len(root) :])


def expressions(document: Any, position: Position = ()) -> Iterator[Expression]:
    """Every expression below `document`, which stands at `position` of its spec."""
    for where, value in strings(document, position):
        if "${{" not in value:
            continue
        optional = [match.span() for match in OPTIONAL.finditer(value)]
        for match in EXPRESSION.finditer(value):
            inside = any(start <= match.start() and match.end() <= end for start, end in optional)
            whole = match.group() == value.strip()
            yield Expression(where, match.group(), tuple(match[1].split(".")), whole, inside)


def strings(document: Any, position: Position = ()) -> Iterator[tuple[Position, str]]:
    """Every string below `document` with its position."""
    if isinstance(document, str):
        yield position, document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield from strings(value, (*position, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from strings(value, (*position, index))
