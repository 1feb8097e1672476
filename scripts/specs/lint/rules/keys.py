"""Keys that azure-ai-ml doesn't know, among them names of monitor metrics."""

from collections.abc import Iterator

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.repository import Subject, hint
from scripts.specs.lint.schemas import unknown_keys


def keys(subject: Subject) -> Iterator[Problem]:
    """Unknown keys: most have no effect at all, without a word from azure-ai-ml."""
    for position, known in unknown_keys(subject.spec):
        name = str(position[-1])
        if "metric_thresholds" in position[:-1]:
            signal = position[2] if position[:2] == ("create_monitor", "monitoring_signals") else ""
            message = f"{name!r} is no metric that signal {signal!r} can have here; {hint(name, known)}"
            yield Problem("AML512", position, message)
        else:
            yield Problem(
                "AML007", position, f"{name!r} is unknown here, so it is ignored or refused; {hint(name, known)}"
            )
