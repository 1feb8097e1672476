"""The release file of an environment, build/releases/<env>.yml: which model it is to serve, and whence that comes."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from scripts.looking.files import write_whole
from scripts.releasing.errors import ReleaseError
from scripts.releasing.evidence import Evidence
from scripts.releasing.lineage import Lineage
from scripts.specs.ids import asset_id

FOLDER = Path("build") / "releases"
HEAD = "# Written by `make promote`, handed on by CI, read by `make deploy`. A file that was edited is refused.\n"
FORM: dict[str, type] = {
    "from": str, "to": str, "registry": str, "time": str, "approved_by": str, "model": dict, "data": dict,
    "metrics": dict, "gate": str, "specs": dict, "tests": dict, "digest": str,
}  # fmt: skip
TEXTS = {"model": ("name", "version", "model_uuid", "job", "commit"), "specs": ("commit",)}  # within those


@dataclass(frozen=True)
class Release:
    """A release.

    Args:
        document: what the file holds, the digest included.
    """

    document: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.document["model"]["name"])

    @property
    def version(self) -> str:
        return str(self.document["model"]["version"])

    @property
    def model_id(self) -> str:
        """What deployments serve."""
        return asset_id("model", self.model, self.version, self.document["registry"])

    @property
    def commit(self) -> str:
        """Of the specs."""
        return str(self.document["specs"]["commit"])

    @property
    def reference(self) -> str:
        """Version of the data that a monitor compares with."""
        return str(self.document["data"][f"{self.model}-reference"])

    @property
    def digest(self) -> str:
        return str(self.document["digest"])

    @property
    def lineage(self) -> Lineage:
        model = self.document["model"]
        data, metrics, gate = (self.document[key] for key in ("data", "metrics", "gate"))
        return Lineage(model["model_uuid"], model["job"], model["commit"], data, metrics, gate)

    def write(self) -> Path:
        path = path_of(self.document["to"])
        write_whole(path, HEAD + yaml.safe_dump(self.document, sort_keys=False, allow_unicode=True, width=120))
        return path


def path_of(env: str) -> Path:
    return FOLDER / f"{env}.yml"


def new_release(
    route: tuple[str, str, str],
    model: tuple[str, str],
    lineage: Lineage,
    specs: dict[str, Any],
    tests: Evidence,
    approved_by: str,
    now: datetime,
) -> Release:
    """The release of a version that all checks have let through.

    Args:
        route: from, to, registry.
        model: name and version.
        specs: commit, and versions of the environments, components and data that deployments use.
    """
    document = {
        **dict(zip(("from", "to", "registry"), route, strict=True)),
        "time": now.astimezone(UTC).isoformat(timespec="seconds"),
        "approved_by": approved_by,
        "model": {
            **dict(zip(("name", "version"), model, strict=True)),
            "model_uuid": lineage.model_uuid,
            "job": lineage.job,
            "commit": lineage.commit,
        },
        "data": lineage.data,
        "metrics": lineage.metrics,
        "gate": lineage.gate,
        "specs": specs,
        "tests": {"number": tests.number, "commit": tests.commit},
    }
    return Release({**document, "digest": digest_of(document)})


def read_release(env: str) -> Release | None:
    """The release of an environment; None if there is no file.

    Raises:
        ReleaseError: the file is none of `make promote`, or was edited since.
    """
    path = path_of(env)
    again = f"promote again: make promote …, or take the file of the pipeline's artifact `release-{env}`"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ReleaseError(f"{path}: not readable as YAML: {str(error).splitlines()[0]}; {again}") from error
    if wrong := malformed(document):
        raise ReleaseError(f"{path}: {', '.join(wrong)} missing or of another type than `make promote` writes; {again}")
    if digest_of(document) != document["digest"]:
        raise ReleaseError(f"{path}: its digest is of other content, so it was edited; {again}")
    return Release(document)


def malformed(document: Any) -> list[str]:
    """What of a release is missing or of another type, as dotted keys."""
    if not isinstance(document, dict):
        return list(FORM)
    wrong = [key for key, kind in FORM.items() if not isinstance(document.get(key), kind)]
    if wrong:
        return wrong
    texts = [(key, name) for key, names in TEXTS.items() for name in names]
    texts.append(("data", f"{document['model'].get('name')}-reference"))
    return [f"{key}.{name}" for key, name in texts if not isinstance(document[key].get(name), str)]


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of all but the digest."""
    content = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
