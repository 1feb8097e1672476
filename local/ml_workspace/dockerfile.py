"""A Dockerfile's Python and pip parts: all that the local workspace can do of it. Anything else is refused by line."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .errors import Unsupported, WorkspaceError

# They change nothing about which packages a job finds.
WITHOUT_EFFECT = ("WORKDIR", "LABEL", "MAINTAINER", "EXPOSE", "USER", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL")
HARMLESS = ("rm", "echo", "true", "set", "mkdir", "chmod", "cd")
FLAGS = ("--no-cache-dir", "--no-cache", "--upgrade", "-U", "--quiet", "-q", "--disable-pip-version-check", "--user",
         "--ignore-installed", "--no-warn-script-location", "--root-user-action=ignore", "--pre")  # fmt: skip
INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
IGNORED_VALUES = ("--default-timeout", "--timeout", "--retries", "--progress-bar", "--trusted-host")
PIP = re.compile(r"^(?:\S*python[\d.]*\s+-m\s+)?(?:\S*/)?pip[\d.]*\s+install(?:\s|$)")
CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*")


@dataclass
class Dockerfile:
    """What was understood: the base image, lines of a pip requirements file, environment variables."""

    image: str = ""
    lines: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def read(folder: Path, name: str) -> Dockerfile:
    """The Python parts of the Dockerfile `name` of the build context `folder`.

    Raises:
        Unsupported: it does something other than to install packages with pip.
        WorkspaceError: there is no such file, or a requirements file is not in the context.
    """
    file = folder / name
    if not file.is_file():
        raise WorkspaceError(f"build: there is no {name} in {folder}.")
    return _Reader(folder, name).read(file.read_text(encoding="utf-8"))


class _Reader:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._found = Dockerfile()
        self._copied: list[tuple[str, str]] = []  # (in the context, in the image)

    def read(self, text: str) -> Dockerfile:
        uncommented = re.sub(r"^[ \t]*#[^\n]*\n?", "", text, flags=re.MULTILINE)
        for line in CONTINUED.sub(" ", uncommented).splitlines():
            instruction, _, rest = line.strip().partition(" ")
            if instruction:
                self._instruction(instruction.upper(), rest.strip(), line.strip())
        if not self._found.image:
            raise WorkspaceError(f"build: {self._name} has no FROM.")
        return self._found

    def _instruction(self, name: str, rest: str, line: str) -> None:
        if name == "FROM":
            image = next((word for word in rest.split() if not word.startswith("--")), "")
            if self._found.image or "$" in image:
                raise self._refused(line, "only one FROM, without variables, can be honoured")
            self._found.image = image
        elif name in ("COPY", "ADD"):
            words = [word for word in rest.split() if not word.startswith("--")]
            self._copied += [(source.removeprefix("./"), words[-1]) for source in words[:-1]]
        elif name == "ENV":
            self._variables(rest, line)
        elif name == "RUN":
            for command in re.split(r"&&|;|\n", rest):
                self._run(command.strip(), line)
        elif name not in WITHOUT_EFFECT:
            raise self._refused(line, "only FROM, COPY, ENV and RUN pip install can be honoured")

    def _variables(self, rest: str, line: str) -> None:
        words = shlex.split(rest)
        pairs = [word.partition("=")[::2] for word in words] if "=" in words[0] else [(words[0], " ".join(words[1:]))]
        if "$" in rest:
            raise self._refused(line, "a variable made of others can't be honoured")
        self._found.variables |= dict(pairs)

    def _run(self, command: str, line: str) -> None:
        if not command or command.split()[0] in HARMLESS:
            return
        if not PIP.match(command) or any(sign in command for sign in ("|", "`", "$")):
            raise self._refused(line, "of RUN only pip install can be honoured")
        words = shlex.split(command[PIP.match(command).end() :])  # type: ignore[union-attr]
        while words:
            word = words.pop(0)
            option, given, value = word.partition("=")
            if word in FLAGS:
                continue
            if word == "--no-index":
                self._found.lines.append(word)
                continue
            if option in ("-r", "--requirement", *INDEXES, *IGNORED_VALUES) and word.startswith("-"):
                value = value if given else (words.pop(0) if words else "")
                if option in ("-r", "--requirement"):
                    self._found.lines += self._requirements(value, line)
                elif option in INDEXES:
                    self._found.lines.append(f"{option} {value}")
            elif word.startswith(("-", ".", "/")):
                raise self._refused(line, f"pip install {word} can't be honoured")
            else:
                self._found.lines.append(word)

    def _requirements(self, path: str, line: str) -> list[str]:
        file = self._in_context(path)
        if file is None:
            raise self._refused(line, f"{path} is not copied from the build context")
        lines = []
        for raw in file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
            wanted = " ".join(re.sub(r"(^|\s)#.*$", "", raw).split())
            option, _, value = wanted.partition(" ")
            if option in ("-r", "--requirement"):
                lines += self._requirements(str(PurePosixPath(path).parent / value.strip()), line)
            elif wanted:
                lines.append(wanted)
        return lines

    def _in_context(self, path: str) -> Path | None:
        """The file of the context that COPY has put at `path` of the image; its name decides."""
        name = PurePosixPath(path).name
        for source, target in self._copied:
            here = self._folder / source
            if here.is_file() and name in (here.name, PurePosixPath(target).name):
                return here
            inside = here / PurePosixPath(path).relative_to(target) if path.startswith(f"{target}/") else here / path
            if here.is_dir() and inside.is_file():
                return inside
        return None

    def _refused(self, line: str, why: str) -> Unsupported:
        shown = " ".join(line.split())
        return Unsupported(
            f"build: {self._name}: {shown[:100]}{'…' if len(shown) > 100 else ''}: the local workspace runs no "
            f"containers, and {why}. Give the environment a conda_file instead."
        )
