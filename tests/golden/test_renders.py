"""The renders of a small repository, byte for byte: what a change of the renderer would do to everybody's specs."""

from pathlib import Path

import pytest

from scripts.specs.config import environments
from tests.golden.update import rendered
from tests.specs_repository import GOLDEN, copied

CI_VARIABLES = ("BUILD_SOURCEBRANCHNAME", "BUILD_BUILDID", "BUILD_REPOSITORY_URI")


@pytest.mark.parametrize("env", ["dev", "local", "prod", "test"])
def test_an_environment_renders_as_it_did(env: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in CI_VARIABLES:
        monkeypatch.delenv(variable, raising=False)

    text = rendered(copied(tmp_path), env)

    golden = (GOLDEN / "renders" / f"{env}.txt").read_text(encoding="utf-8")
    assert text == golden, "if this is meant: python -m tests.golden.update, and review the diff"


def test_every_environment_has_its_golden_render() -> None:
    assert environments(GOLDEN / "repository") == sorted(path.stem for path in (GOLDEN / "renders").iterdir())
