"""YAML whose mappings know the file and line that they come from, so that a finding can point there."""

from pathlib import Path
from typing import Any

import yaml


class Unreadable(Exception):
    """A CI file can't be followed.

    Args:
        path: file, relative to the repository.
        line: 1-based.
        message: what is wrong.
    """

    def __init__(self, path: str, line: int, message: str) -> None:
        self.path, self.line, self.message = path, line, message
        super().__init__(f"{path}:{line}: {message}")


class Marked(dict[str, Any]):
    """A mapping of a YAML file.

    Args:
        path: file, relative to the repository.
        line: 1-based line of its first key.
        lines: key -> 1-based line.
    """

    def __init__(self, path: str, line: int) -> None:
        super().__init__()
        self.path, self.line = path, line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: Any, line: int) -> None:
        self[key] = value
        self.lines[key] = line


def read_marked(root: Path, path: str) -> Marked:
    """The document of `path`, a file relative to `root`; keys are text, also `on`.

    Raises:
        Unreadable: there is no such file, or it is no YAML mapping.
    """
    try:
        text = (root / path).read_text(encoding="utf-8")
        loader = yaml.CSafeLoader(text)
        document = _value(loader, loader.get_single_node(), path)
    except FileNotFoundError as error:
        raise Unreadable(path, 1, "there is no such file") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(path, line, f"not valid YAML: {error.problem}") from error
    if not isinstance(document, Marked):
        raise Unreadable(path, 1, "must be a mapping (key: value lines)")
    return document


def _value(loader: yaml.CSafeLoader, node: yaml.Node | None, path: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        marked = Marked(path, node.start_mark.line + 1)
        for key, value in node.value:
            marked.put(key.value, _value(loader, value, path), key.start_mark.line + 1)
        return marked
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, path) for item in node.value]
    return loader.construct_object(node) if node else None
