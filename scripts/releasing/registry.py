"""The registry between the environments: what it has, and the `az ml` lines that fill it.

Versions in a registry are immutable, and `az ml … share` refuses one that is there, so each is asked for first.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.az import az, workspace_flags
from scripts.releasing.errors import ReleaseError
from scripts.specs.project import Spec

UUID = "model_uuid"  # tag by which content is known
MISSING = 3  # az's exit code for what is not found


class Registry:
    """The registry that an environment takes its assets from.

    Args:
        name: of the registry.
        config: of the environment that is promoted to.
    """

    def __init__(self, name: str, config: dict[str, Any]) -> None:
        self.name, self.flags = name, ["--registry-name", name]
        self._where = workspace_flags(config)

    def has(self, kind: str, name: str, version: str) -> bool:
        """Whether it has this version of an asset."""
        return found(kind, name, version, self.flags)

    def has_spec(self, spec: Spec) -> bool:
        return self.has(spec.kind.group, spec.name, str(spec.version))

    def tags(self, kind: str, name: str, version: str) -> dict[str, str] | None:
        """Tags of a version; None if it has none such."""
        line = ["ml", kind, "show", "--name", name, "--version", version, *self.flags, "--output", "json"]
        done = az(line, expected=(0, MISSING))
        return None if done.returncode == MISSING else dict(json.loads(done.stdout).get("tags") or {})

    def model_uuid(self, name: str, version: str) -> str | None:
        """Which model a version is; None if it has no such version.

        The tag tells. One that was shared and not yet tagged, since its promotion was interrupted, is looked into.

        Raises:
            ReleaseError: it is a model that nobody's training has marked.
        """
        tags = self.tags("model", name, version)
        return None if tags is None else tags.get(UUID) or self._marked(name, version)

    def _marked(self, name: str, version: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            line = ["ml", "model", "download", "--name", name, "--version", version, "--download-path", folder]
            az([*line, *self.flags, "--output", "none"])
            file = next(iter(sorted(Path(folder).rglob("MLmodel"))), None)
            found = yaml.safe_load(file.read_text(encoding="utf-8")).get(UUID) if file else None
        if not found:
            raise ReleaseError(
                f"registry {self.name} has a {name}:{version} without a model_uuid, so it is another one"
            )
        return str(found)

    def share(self, kind: str, name: str, version: str, source: Sequence[str]) -> None:
        """Copies a version from a workspace, under the same name and version.

        Args:
            source: flags that name the workspace.
        """
        target = ["--share-with-name", name, "--share-with-version", version, *self.flags]
        self._run(["ml", kind, "share", "--name", name, "--version", version, *target, *source])

    def create(self, spec: Spec, file: str) -> None:
        """Creates a version from its rendered spec."""
        self._run(["ml", spec.kind.group, "create", "--file", file, *self.flags])

    def tag(self, kind: str, name: str, version: str, tags: dict[str, str]) -> None:
        """Sets tags of a version; others stay."""
        self._run(self.tag_line(kind, name, version, tags))

    def tag_line(self, kind: str, name: str, version: str, tags: dict[str, str]) -> list[str]:
        values = [f"tags.{key}={text}" for key, text in tags.items()]
        line = ["ml", kind, "update", "--name", name, "--version", version, *self.flags, *self._where]
        return [*line, "--set", *values]

    def _run(self, line: list[str]) -> None:
        print(f"az {' '.join(line)}", flush=True)
        az([*line, "--output", "none"])


def found(kind: str, name: str, version: str, flags: list[str]) -> bool:
    """Whether a workspace or registry has a version of an asset.

    Args:
        flags: that name it.
    """
    line = ["ml", kind, "show", "--name", name, "--version", version, *flags, "--output", "none"]
    return az(line, expected=(0, MISSING)).returncode == 0
