"""What a check finds: a problem at a position of a spec, and a finding at a line of a template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scripts.specs.lint.codes import WARNINGS

# Keys and indexes that lead to a value of a parsed spec, such as ("jobs", "prep", "inputs", "flights").
Position = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """What a rule yields.

    Args:
        code: a key of CODES.
        position: where in the parsed spec.
        message: what is wrong and what to do.
        text: part of the value at `position` that is meant; it tells the line inside a value of several lines.
    """

    code: str
    position: Position
    message: str
    text: str = ""


@dataclass(frozen=True, order=True)
class Finding:
    """A problem as people read it.

    Args:
        path: template, or a file beside one, relative to the repository.
        line: 1-based line in it.
        environments: environments that have it; empty if only one was asked for.
    """

    path: str
    line: int
    code: str
    message: str
    environments: tuple[str, ...] = ()

    @property
    def warning(self) -> bool:
        """Whether Azure may take what was found as it is meant."""
        return self.code in WARNINGS

    def __str__(self) -> str:
        where = f" [{', '.join(self.environments)}]" if self.environments else ""
        return f"{self.path}:{self.line}: {self.code} {'warning: ' * self.warning}{self.message}{where}"


def merged(found: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """Findings of several environments, sorted, each one once with the environments that have it."""
    having: dict[Finding, list[str]] = {}
    for env, findings in found.items():
        for finding in dict.fromkeys(findings):
            having.setdefault(finding, []).append(env)
    return sorted(replace(finding, environments=tuple(envs)) for finding, envs in having.items())
