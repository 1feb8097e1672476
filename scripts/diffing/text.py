"""Differences as text for a terminal, or as Markdown that fits into a comment on a pull request."""

import re
from collections.abc import Mapping, Sequence

from scripts.diffing.compare import Change, Difference, Moved
from scripts.looking.table import table

LONGEST = 60_000  # characters of a comment; GitHub takes 65,536, Azure Repos 150,000
NOTHING = "The rendered specs are the same."

# What is the same in several environments is told once, with their names.
Shared = dict[Moved | Change, list[str]]


def shared(items: Mapping[str, Sequence[Moved | Change]]) -> Shared:
    """Each item with the environments that have it."""
    having: Shared = {}
    for env, found in items.items():
        for item in found:
            having.setdefault(item, []).append(env)
    return dict(sorted(having.items(), key=lambda entry: (_key(entry[0]), entry[1])))


def as_text(differences: Mapping[str, Difference], base: str) -> str:
    lines = [f"Rendered specs against {base}", *notes(differences)]
    if not any(one.changes for one in differences.values()):
        return "\n".join(lines if notes(differences) else [*lines, NOTHING]) + "\n"
    if rows := version_rows(differences):
        lines += ["", *table(["asset", "before", "now", "environments"], rows)]
    for change, envs in shared({env: one.changes for env, one in differences.items()}).items():
        assert isinstance(change, Change)
        lines += ["", f"== {change.path} [{', '.join(envs)}]", *change.lines]
    return "\n".join(lines) + "\n"


def as_markdown(differences: Mapping[str, Difference], base: str) -> str:
    """A summary with the diffs folded away; what is too long is cut, and the last line names what is missing."""
    parts = [f"### Rendered specs against `{base}`", *(f"- {note}" for note in notes(differences))]
    files = shared({env: one.changes for env, one in differences.items()})
    if not files:
        return "\n\n".join(parts if notes(differences) else [*parts, NOTHING]) + "\n"
    if rows := version_rows(differences):
        head = ["| asset | before | now | environments |", "|---|---|---|---|"]
        parts.append(_within("\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)]), LONGEST // 3))
    left = LONGEST - sum(len(part) + 2 for part in parts)
    cut: list[str] = []
    for change, envs in files.items():
        assert isinstance(change, Change)
        block = details(change, envs)
        # Room for naming all that may still be cut.
        if len(block) + 2 > left - LONGEST // 12:
            cut.append(change.path)
            continue
        parts.append(block)
        left -= len(block) + 2
    if cut:
        parts.append(
            _within(f"Cut, too long for a comment ({len(cut)} files; `make diff`): {', '.join(cut)}", left - 3)
        )
    return "\n\n".join(parts) + "\n"


def details(change: Change, envs: Sequence[str]) -> str:
    """One file, folded away; a fence longer than any in the file keeps its text a block of code."""
    text = "\n".join(change.lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    title = f"<summary><code>{_escaped(change.path)}</code> {', '.join(envs)}</summary>"
    return f"<details>{title}\n\n{fence}diff\n{text}\n{fence}\n\n</details>"


def notes(differences: Mapping[str, Difference]) -> list[str]:
    return [f"{env}: {one.note}" for env, one in differences.items() if one.note]


def version_rows(differences: Mapping[str, Difference]) -> list[list[str]]:
    rows = []
    for item, envs in shared({env: one.moved for env, one in differences.items()}).items():
        assert isinstance(item, Moved)
        rows.append([item.key, item.before or "new", item.after or "gone", ", ".join(envs)])
    return rows


def _key(item: Moved | Change) -> str:
    return item.key if isinstance(item, Moved) else item.path


def _within(text: str, longest: int) -> str:
    """`text` cut at the end of a line or word."""
    if len(text) <= longest:
        return text
    return re.sub(r"\S*$", "", text[: longest - 1]).rstrip() + "…"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
