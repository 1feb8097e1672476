"""Batch deployments of models: settings of mini-batches, failures and the output file."""

from collections.abc import Iterator
from typing import Any

from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.ports import mapping, type_of
from scripts.specs.lint.repository import Subject

LEAST = {
    "mini_batch_size": 1,  # files
    "error_threshold": -1,  # files; -1: any number may fail
    "max_concurrency_per_instance": 1,
    "max_retries": 0,
    "timeout": 1,  # seconds
    "instance_count": 1,
}
PLACES: tuple[Position, ...] = ((), ("retry_settings",), ("resources",))
LEVELS = ("warning", "info", "debug")


def batch_settings(subject: Subject) -> Iterator[Problem]:
    """Numbers below what makes sense, an unknown logging level, a file name that is none or that nothing writes."""
    if subject.spec.kind.name != "batch deployment" or type_of(subject.document) == "pipeline":
        return
    for base in ((), ("settings",)):
        document = mapping(subject.document, base[0]) if base else subject.document
        for place in PLACES:
            yield from _too_low(mapping(document, str(place[0])) if place else document, (*base, *place))
        yield from _texts(document, base)


def _too_low(document: dict[str, Any], position: Position) -> Iterator[Problem]:
    for key, least in LEAST.items():
        value = document.get(key)
        if isinstance(value, int) and value < least:
            every = "; -1 lets any number of files fail" if key == "error_threshold" else ""
            yield Problem("AML420", (*position, key), f"{key} is {value}; the least is {least}{every}")


def _texts(document: dict[str, Any], position: Position) -> Iterator[Problem]:
    level, name = document.get("logging_level"), document.get("output_file_name")
    if isinstance(level, str) and level.lower() not in LEVELS:
        yield Problem("AML420", (*position, "logging_level"), f"{level!r} is none of {', '.join(LEVELS)}")
    if isinstance(name, str) and "/" in name:
        message = f"{name!r} is no file name; the folder is chosen when the endpoint is invoked"
        yield Problem("AML420", (*position, "output_file_name"), message)
    elif name is not None and document.get("output_action") == "summary_only":
        message = "output_action: summary_only writes no file; make it append_row, or leave the name out"
        yield Problem("AML420", (*position, "output_file_name"), message)
