"""The small repository of tests/golden/repository, right in all it says, copied to where a test may spoil it."""

import shutil
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def copied(folder: Path) -> Path:
    """A copy of the repository at `folder`/repository, outside git: its provenance is `none`."""
    return Path(shutil.copytree(GOLDEN / "repository", folder / "repository"))


def replace(root: Path, path: str, old: str, new: str) -> None:
    """Replaces the one place where `old` stands in a file."""
    file = root / path
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def line_of(root: Path, path: str, text: str) -> int:
    """1-based number of the line where the one place with `text` starts."""
    content = (root / path).read_text(encoding="utf-8")
    assert content.count(text) == 1, f"{text!r} stands {content.count(text)} times in {path}"
    return content[: content.index(text)].count("\n") + 1
