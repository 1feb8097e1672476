"""From a position in a parsed spec to its line, by the marks that the YAML parser leaves on nodes."""

from collections.abc import Iterator
from functools import cached_property

import yaml

from scripts.specs.lint.findings import Position


class Positions:
    """Lines of everything in a rendered spec.

    Args:
        text: the rendered spec; must be valid YAML.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._root = yaml.compose(text, Loader=yaml.CSafeLoader)

    def line(self, position: Position, text: str = "") -> int:
        """0-based line of `position`, or of its nearest ancestor that is there: the line of its key, or the line of
        its value that contains `text`."""
        node, line = self._root, 0
        for step in position:
            found = _child(node, step)
            if found is None:
                return line
            node, line = found
        if text and node is not None:
            last = min(node.end_mark.line, len(self._lines) - 1)
            lines = range(node.start_mark.line, last + 1)
            return next((number for number in lines if text in self._lines[number]), line)
        return line

    @cached_property
    def duplicates(self) -> list[tuple[Position, int]]:
        """Keys that a mapping has twice, with the 0-based line of the second one."""
        return list(_duplicates(self._root, ()))


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        # The last one counts, as in the parsed spec.
        for key, value in reversed(node.value):
            if key.value == str(step):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line
    return None


def _duplicates(node: yaml.Node | None, position: Position) -> Iterator[tuple[Position, int]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if (key.tag, key.value) in seen:
                yield (*position, str(key.value)), key.start_mark.line
            seen.add((key.tag, key.value))
            yield from _duplicates(value, (*position, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*position, index))
