"""Write the golden renders and `az` lines anew, after a change that is meant, then review the diff.

python -m tests.golden.update
"""

import tempfile
from pathlib import Path

import pytest

from scripts.specs.config import environments
from scripts.specs.project import Project
from tests.release import recorded
from tests.specs_repository import GOLDEN, copied
from tests.verbs import Verbs


def rendered(root: Path, env: str) -> str:
    """All files of a build folder as one text, each under a line with its path."""
    files = sorted(Project(root, env).files.items())
    return "".join(f"=== {path}\n{content.decode()}" for path, content in files)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = copied(Path(folder))
        for env in environments(root):
            (GOLDEN / "renders" / f"{env}.txt").write_text(rendered(root, env), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            texts = recorded(Verbs(Path(folder) / "verbs", patch))
        for env, text in texts.items():
            (GOLDEN / "az" / f"{env}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
