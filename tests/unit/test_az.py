"""Calling `az`: its answers, its errors, and that there has to be one."""

import pytest

from scripts.az import AzError, az, az_json, workspace_flags
from scripts.specs.errors import SpecError


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts an `az` on PATH that does what a shell line says."""

    def make(line: str) -> None:
        path = tmp_path / "az"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return make


def test_an_answer_is_json_whatever_output_the_person_has_configured(fake):
    fake("""printf '{"arguments": "%s"}' "$*" """)
    assert az_json(["ml", "job", "list"]) == {"arguments": "ml job list --output json"}


def test_an_error_is_the_line_its_exit_code_and_what_az_said(fake):
    fake("echo 'ERROR: no such job' >&2; exit 3")
    with pytest.raises(AzError, match=r"^az ml job show\nexit code 3: ERROR: no such job$"):
        az(["ml", "job", "show"])


def test_an_expected_exit_code_is_an_answer(fake):
    fake("exit 3")
    assert az(["ml", "job", "show"], expected=(0, 3)).returncode == 3


def test_an_answer_that_is_no_json_is_an_error(fake):
    """azure-cli may end with 0 and print nothing, when it can't read what the service sent."""
    fake("exit 0")
    with pytest.raises(AzError, match="printed no JSON but: nothing"):
        az_json(["ml", "job", "show"])


def test_without_az_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AzError, match="make -s env"):
        az(["version"])


def test_without_the_ml_extension_the_error_says_how_to_get_it(fake):
    fake("""echo "ERROR: 'ml' is misspelled or not recognized by the system." >&2; exit 2""")
    with pytest.raises(AzError, match="az extension add --name ml"):
        az(["ml", "job", "list"])


def test_a_config_that_names_no_workspace_is_an_error_that_says_where():
    with pytest.raises(SpecError, match=r"^config/dev.yml: .*workspace.*is missing"):
        workspace_flags({"env": "dev", "resource_group": "g"})


def test_a_workspace_is_named_by_group_and_name():
    flags = workspace_flags({"resource_group": "g", "workspace": "w"})
    assert flags == ["--resource-group", "g", "--workspace-name", "w"]
