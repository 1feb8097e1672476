"""The script of a parallel job: a row for each file with its number of lines."""

from pathlib import Path


def init() -> None:
    """Nothing to prepare."""


def run(mini_batch: list[str]) -> list[str]:
    """`<file> <lines>` for each file."""
    return [f"{Path(file).name} {len(Path(file).read_text(encoding='utf-8').splitlines())}" for file in mini_batch]
