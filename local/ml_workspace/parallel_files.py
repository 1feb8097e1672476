"""What a parallel job reads and writes as files: mini-batches of paths, and the rows that run() returns."""

import os
import shutil
from pathlib import Path


def cut(place: Path, size: int) -> list[tuple[str, list[str]]]:
    """Cuts a folder, or one file, into mini-batches.

    Args:
        place: what `input_data` names.
        size: number of files of a mini-batch.

    Returns:
        (name for the log, paths) of each mini-batch, in the order of the paths.
    """
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    root = place.parent if place.is_file() else place
    groups = [files[start : start + size] for start in range(0, len(files), size)]
    return [(_name([str(path.relative_to(root)) for path in group]), [str(path) for path in group]) for group in groups]


def _name(files: list[str]) -> str:
    return f"({files[0]})" if len(files) == 1 else f"({files[0]} and {len(files) - 1} more)"


def join_rows(parts: Path, target: Path) -> None:
    """Writes the rows of all mini-batches to one file, in the order of the mini-batches, whichever was finished first.

    Args:
        parts: folder with a file for each mini-batch that has rows, as parallel_worker.py names them.
        target: appears whole or not at all.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with draft.open("wb") as whole:
        for part in sorted(parts.glob("*.rows")):
            with part.open("rb") as rows:
                shutil.copyfileobj(rows, whole)
    draft.replace(target)
