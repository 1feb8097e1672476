"""Rules, by theme. A rule is a generator of problems of one spec."""

from collections.abc import Callable, Iterator

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.repository import Subject

Rule = Callable[[Subject], Iterator[Problem]]
