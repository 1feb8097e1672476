"""Jinja with this repository's delimiters, errors that name line and key, and a map from rendered to template lines."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from scripts.specs.errors import SpecError

# Azure ML owns ${{ }} and $[[ ]], so the delimiters are << >>. Statements leave no blank line behind:
# one inside a folded `command: >` would split the command.
SYNTAX: dict[str, Any] = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": False,
}
OPEN, CLOSE = "\ue000", "\ue001"  # around the template and line that text came from
MARK = re.compile(rf"{OPEN}([^{CLOSE}]*){CLOSE}")
START = re.compile(rf"(?:{MARK.pattern})+")


class Refused(Exception):
    """Raised by a function that templates call; the message is what the person reads."""


class _Missing(StrictUndefined):
    """A value that is not there; its message names the key and the ones that are."""

    @property
    def _undefined_message(self) -> str:
        key = self._undefined_name
        if not isinstance(self._undefined_obj, Mapping):
            return f"{key!r} is not defined"
        return f"{key!r} is not defined here; there are: {', '.join(map(str, self._undefined_obj)) or 'no keys'}"


class _LineMarks(Extension):
    """Writes `template:line` in front of every line, and every piece, of template text."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                lines = enumerate(token.value.split("\n"), token.lineno)
                marked = "\n".join(f"{OPEN}{stream.name}:{number}{CLOSE}{line}" for number, line in lines)
                token = Token(token.lineno, token.type, marked)
            yield token


class Templates:
    """All templates under `root`; names are paths relative to it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._plain = self._environment()
        self._marked: Environment | None = None

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """Text of template `name`.

        Raises:
            SpecError: bad syntax or a value that is not defined, at its line of the template.
        """
        return self._render(self._plain, name, context)

    def line_map(self, name: str, context: Mapping[str, Any]) -> list[tuple[str, int]]:
        """Template and line behind each rendered line. Only findings need it, so it renders once more, with marks."""
        if self._marked is None:
            self._marked = self._environment(_LineMarks)
        origin, origins = (name, 1), []
        for line in self._render(self._marked, name, context).split("\n"):
            # Marks before the line's text say where it starts; a line without continues a value of several lines.
            start = START.match(line)
            if start:
                origin = _origin(MARK.findall(start.group())[-1])
            origins.append(origin)
            if marks := MARK.findall(line):
                origin = _origin(marks[-1])
        return origins

    def _environment(self, *extensions: type[Extension]) -> Environment:
        return Environment(loader=FileSystemLoader(self._root), undefined=_Missing, extensions=extensions, **SYNTAX)

    def _render(self, environment: Environment, name: str, context: Mapping[str, Any]) -> str:
        try:
            return environment.get_template(name).render(context)
        except TemplateSyntaxError as error:
            raise SpecError(error.name or name, f"template syntax: {error.message}", error.lineno) from error
        except TemplateNotFound as error:
            raise SpecError(*self._raised_at(error, f"there is no template {error.name!r}", name)) from error
        except UndefinedError as error:
            files = f"config/common.yml or config/{context['env']}.yml"
            near = difflib.get_close_matches(str(error).split("'")[1], list(context), n=3)
            hint = f" (did you mean {' or '.join(near)}?)" if near else ""
            message = f"{error}{hint}; correct the name or add it to {files}"
            raise SpecError(*self._raised_at(error, message, name)) from error
        except Refused as error:
            raise SpecError(*self._raised_at(error, str(error), name)) from error
        except (TypeError, ValueError, ArithmeticError) as error:
            raise SpecError(*self._raised_at(error, f"{type(error).__name__}: {error}", name)) from error

    def _raised_at(self, error: BaseException, message: str, name: str) -> tuple[str, str, int | None]:
        """Innermost template and line of a traceback: Jinja gives template frames their template's file and line."""
        where, line, trace = name, None, error.__traceback__
        while trace:
            file = Path(trace.tb_frame.f_code.co_filename)
            if file.name.endswith(".j2") and file.is_relative_to(self._root):
                where, line = file.relative_to(self._root).as_posix(), trace.tb_lineno
            trace = trace.tb_next
        return where, message, line


def _origin(mark: str) -> tuple[str, int]:
    name, line = mark.rsplit(":", 1)
    return name, int(line)
