"""`make doctor` with the real az: on this machine, in a rehearsal, and without a login to Azure."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "REHEARSE", "TF_BUILD")
pytestmark = pytest.mark.slow


def look(folder: Path, *words: str) -> tuple[int, dict[str, str]]:
    """Exit code and state of each check."""
    variables = {name: text for name, text in os.environ.items() if name not in INHERITED and "AZURE" not in name}
    variables |= {"AZURE_CONFIG_DIR": str(folder / "config"), "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"}
    line = ["make", "-s", "doctor", "FORMAT=json", *words]
    done = subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, {check["name"]: check["state"] for check in json.loads(done.stdout)}


def test_this_machine_has_all_that_the_local_workspace_and_a_rehearsal_need(tmp_path):
    for words in ([], ["ENV=dev", "REHEARSE=1"]):
        code, states = look(tmp_path, f"AZUREML_LOCAL_ROOT={tmp_path / 'root'}", *words)
        assert code == 0
        assert {states[name] for name in ("python", "make", "az", "ml extension", "workspace", "disk")} == {"ok"}


def test_without_a_login_azure_is_not_asked(tmp_path):
    code, states = look(tmp_path, "ENV=prod")
    assert code != 0
    assert (states["az"], states["login"], states["config"]) == ("ok", "missing", "missing")
    assert states["workspace"] == "unknown"
