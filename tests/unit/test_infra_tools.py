"""infra/ and the tools that others made: flags that the pinned `az` knows, and the scan of `make check-infra`."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts import infra
from scripts.specs.project import Project
from tests.infrastructure import ROOT, copied
from tests.specs_repository import replace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("plan", [True, False], ids=["what-if", "create"])
def test_az_knows_the_flags(plan: bool) -> None:
    *command, verb = (line := infra.deployment(Project(ROOT, "dev"), plan=plan))[:3]
    asked = [str(ROOT / ".tools/az/bin/az"), *command, verb, "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    known = {word for word in said.split() if word.startswith("--")}
    assert {word for word in line if word.startswith("--")} <= known


def test_the_scan_finds_a_spoilt_setting_and_nothing_else(tmp_path: Path) -> None:
    """One run for both: that a weak setting is found, and that all the rest passes, each check having run."""
    root = copied(tmp_path)
    replace(root, "infra/modules/storage.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'")
    replace(root, "infra/modules/containers.bicep", "adminUserEnabled: false", "adminUserEnabled: true")
    subprocess.run(["make", ".tools/infra/.ready"], cwd=ROOT, capture_output=True, check=True)
    flags = ["--framework", "bicep", "--skip-download", "--output", "json"]
    line = [str(ROOT / ".tools/infra/bin/checkov"), "--directory", str(root / "infra"), *flags]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Failed to run check" not in done.stderr
    scanned = json.loads(done.stdout)
    assert scanned["summary"]["parsing_errors"] == 0
    failed = {(check["check_id"], check["file_path"]) for check in scanned["results"]["failed_checks"]}
    assert failed == {("CKV_AZURE_44", "/modules/storage.bicep"), ("CKV_AZURE_137", "/modules/containers.bicep")}
    assert all(len(check["check_result"]["suppress_comment"]) > 5 for check in scanned["results"]["skipped_checks"])
