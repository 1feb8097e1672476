"""Assets by literal id, whose an asset is, and local paths."""

import re
from collections.abc import Iterator

from scripts.specs.files import local_paths
from scripts.specs.lint.expressions import strings
from scripts.specs.lint.findings import Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, resolved

LITERAL = re.compile(r"azureml:([\w.-]+):([\w.-]+)")
KINDS = {"environment": "environment", "component": "component", "trial": "component", "path": "data"}


def literal_ids(subject: Subject) -> Iterator[Problem]:
    """Ids of this repository's own assets that don't come from ref(): they miss the next version."""
    for position, value in strings(subject.document):
        match = LITERAL.fullmatch(value)
        kind = KINDS.get(str(position[-1])) if match and position else None
        if match is None or kind is None:
            continue
        asset = subject.repository.assets.get((kind, match[1]))
        if asset is not None and not (asset.key in subject.spec.refs and asset.id == value):
            message = f'{value} is an asset of this repository; write << ref("{asset.key}") >>'
            yield Problem("AML008", position, message)


def owner(subject: Subject) -> Iterator[Problem]:
    """Assets that don't tell by a tag which repository they are of."""
    if subject.spec.kind.asset and "repository" not in mapping(subject.document, "tags"):
        position = ("tags",) if "tags" in subject.document else ("name",)
        message = "has no tag `repository`, so PRUNE=1 never archives an old version; write `tags: << tags >>`"
        yield Problem("AML010", position, message)


def local_files(subject: Subject) -> Iterator[Problem]:
    """Local paths that the build folder doesn't have."""
    for position, path in local_paths(subject.document):
        target = resolved(subject.home, path)
        if not subject.repository.has(target):
            yield Problem(
                "AML009", position, f"{path}: there is no {target}, or .gitignore or .amlignore leaves it out"
            )
