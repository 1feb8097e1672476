"""Files that reports leave in build/."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all, with the line ends that `text` has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
