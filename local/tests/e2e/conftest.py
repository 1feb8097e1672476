"""The real az, as `make env` sets it up, with a workspace root and a configuration of its own."""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / ".tools"


@dataclass(frozen=True)
class Az:
    """Runs az lines in one workspace."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, line: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `az ml LINE` in `folder`; the exit code has to be `code`."""
        done = subprocess.run(
            [TOOLS / "az/bin/az", "ml", *shlex.split(line)],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"az ml {line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, line: str) -> Any:
        """What `az ml LINE` prints, parsed."""
        return json.loads(self(line).stdout)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder in which the lines run."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Az:
    """az in an empty folder, with a fresh workspace `w` in group `g` as its default."""
    place = tmp_path_factory.mktemp("az")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AZURE")},
        "AZURE_CONFIG_DIR": str(place / "config"),
        "AZURE_EXTENSION_DIR": str(TOOLS / "extensions"),
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_DEFAULTS_GROUP": "g",
        "AZURE_DEFAULTS_WORKSPACE": "w",
        "AZUREML_LOCAL_ROOT": str(place / "root"),
    }
    (place / "specs").mkdir()
    commands = Az(environment, place / "specs")
    commands("workspace create --name w --output none")
    return commands
