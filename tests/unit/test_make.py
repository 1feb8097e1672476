"""What the Makefile itself decides: the shell that `make env` gives, and what comes first."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "AZURE_EXTENSION_DIR", "AZURE_CONFIG_DIR")


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """Variables of a person who has an `az` and a `python` of their own."""
    for name in ("az", "python"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    search = [str(tmp_path), *(part for part in os.environ["PATH"].split(":") if ".tools" not in part)]
    return {k: v for k, v in os.environ.items() if k not in INHERITED} | {"PATH": ":".join(search)}


def found(names: str, lines: str, variables: dict[str, str]) -> list[str]:
    """Where a shell finds commands after `lines`."""
    script = f"set -e\n{lines}\ncommand -v {names}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_local_shell_has_the_pinned_az_and_the_persons_python(person: dict[str, str], tmp_path: Path) -> None:
    az, python = found("az python", 'eval "$(make -s env)"', person)
    assert Path(az).is_relative_to(ROOT / ".tools")
    assert python == str(tmp_path / "python")


def test_in_the_local_shell_azure_is_still_reached_by_the_persons_az(person: dict[str, str], tmp_path: Path) -> None:
    assert found("az", 'eval "$(make -s env)"\neval "$(make -s env ENV=dev)"', person) == [str(tmp_path / "az")]


@pytest.mark.parametrize("verb", [["deploy"], ["batch", "INPUT=README.md"]])
def test_without_a_model_nothing_is_applied(person: dict[str, str], tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "az").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\necho "[]"\n')
    made = subprocess.run(["make", *verb, "ENV=dev"], cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "has no version yet; `make train` registers one" in made.stderr
    [asked] = (tmp_path / "asked").read_text().splitlines()
    assert asked.startswith("ml model list ")


def test_without_what_it_would_score_a_batch_asks_nobody(person: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "az").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    line = ["make", "batch", "ENV=dev", """INPUT=no such/$$(touch 'a') "ü" `b`.csv"""]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert """INPUT=no such/$(touch 'a') "ü" `b`.csv: there is no such file or folder here""" in made.stderr
    assert not (tmp_path / "asked").exists()
