"""Versioned assets of a workspace or registry: data, environments, components, a registry's models too.

A workspace's compute targets and datastores are kept in the same way, without versions.
"""

import builtins
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import model_versions, snapshots
from .catalog import Row, created, now
from .errors import Conflict, NotFound, WorkspaceError
from .resolve import REGISTRY_ASSET, asset_reference
from .workspace import DATASTORES, NAME

if TYPE_CHECKING:
    from .holder import Holder

PLURAL = {
    "data": "data",
    "environment": "environments",
    "component": "components",
    "compute": "computes",
    "datastore": "datastores",
    "model": "models",
    "code": "codes",
}
UNVERSIONED = ("compute", "datastore")
# What may change after a version exists, and what the workspace itself adds: neither is part of a version's content.
MUTABLE = ("description", "tags", "properties", "creation_context", "id", "version", "display_name")
MUTABLE_OF = {"model": (*MUTABLE, "stage")}


class Assets:
    """Create, read and archive assets. Versions are immutable."""

    def __init__(self, holder: "Holder") -> None:
        self._holder = holder
        self._catalog = holder.catalog

    def ensure_defaults(self) -> None:
        """The datastores and the compute cluster that a new workspace has."""
        for name, container in DATASTORES.items():
            self.create("datastore", {"name": name, "type": "azure_blob", "container_name": container})
        if not self._find("compute", "cpu-cluster", ""):
            self.create(
                "compute",
                {
                    "name": "cpu-cluster",
                    "type": "amlcompute",
                    "size": "local",
                    "location": "local",
                    "min_instances": 0,
                    "max_instances": 1,
                    "provisioning_state": "Succeeded",
                },
            )

    def create(self, kind: str, doc: dict[str, Any]) -> Row:
        """Add a version, the next integer where the document has none.

        Raises:
            Conflict: the version exists with other content.
            WorkspaceError: bad name or version, missing local path or one that is not of the type.
        """
        name = doc.get("name") or ""
        for what, text in (("name", name), ("version", str(doc.get("version") or "1"))):
            if not NAME.match(text):
                raise WorkspaceError(f"{kind} {what} '{text}': only letters, digits, '-', '_' and '.', at most 255.")
        stored = self._take_in(kind, dict(doc))
        content = {k: v for k, v in stored.items() if k not in MUTABLE_OF.get(kind, MUTABLE)}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        with self._catalog.transaction():
            version = "" if kind in UNVERSIONED else str(doc.get("version") or self._next_version(kind, name))
            existing = self._find(kind, name, version)
            if existing and existing["digest"] == digest:
                return self._document(existing)
            if existing and kind in UNVERSIONED:
                self._save(kind, name, version, stored, digest)
            elif existing:
                raise Conflict(
                    f"{kind.capitalize()} {name}:{version} exists with other content, and versions are immutable. "
                    "Give the changed content a new version."
                )
            else:
                self._catalog.insert(
                    "assets", kind=kind, name=name, version=version, created_at=now(), digest=digest, doc=stored
                )
        return self.get(kind, name, version)

    def get(self, kind: str, name: str, version: str | None = None, label: str | None = None) -> Row:
        """One version; by label (only `latest`) or number.

        Raises:
            NotFound: no such name or version.
            WorkspaceError: the label leads to none.
        """
        if label and label != "latest":
            raise WorkspaceError(f"{kind.capitalize()} '{name}' has no label '{label}'; the only label is 'latest'.")
        if kind in UNVERSIONED:
            version = ""
        row = self._find(kind, name, version) if version is not None else self._latest(kind, name)
        if row is None:
            what = f"{name}:{version}" if version else name
            known = [r["version"] for r in self._rows(kind, name, True, False)]
            hint = f" Versions: {', '.join(known[:10])}." if known and version else ""
            # Azure's client looks a label up by itself: a missing one is a plain error there, not the service's 404.
            # But not that of a component, which the service knows.
            error = WorkspaceError if label and kind != "component" else NotFound
            raise error(f"{kind.capitalize()} '{what}' was not found in {self._holder.title}.{hint}")
        return self._document(row)

    def list(
        self,
        kind: str,
        name: str | None = None,
        include_archived: bool = False,
        archived_only: bool = False,
        max_results: int | None = None,
        stage: str | None = None,
    ) -> list[Row]:
        """Versions of `name`, newest first; without a name one row a name, with its latest version."""
        rows = self._rows(kind, name, include_archived or archived_only, archived_only)
        if stage is not None:
            rows = [row for row in rows if row["doc"].get("stage", "None").lower() == stage.lower()]
        if name is None and kind not in UNVERSIONED:
            containers: dict[str, Row] = {}
            for row in rows:
                containers.setdefault(
                    row["name"],
                    {
                        "name": row["name"],
                        "latest_version": row["version"],
                        "id": f"{self._holder.id}/{PLURAL[kind]}/{row['name']}",
                        "creation_context": {"created_at": row["created_at"]},
                    },
                )
            return list(containers.values())[:max_results]
        return [self._document(row) for row in rows[:max_results]]

    def update(self, kind: str, name: str, version: str | None, changes: dict[str, Any]) -> Row:
        """Change what may change on an existing version: description, tags, properties, display_name."""
        current = self.get(kind, name, version)
        mutable = changes if kind in UNVERSIONED else MUTABLE_OF.get(kind, MUTABLE)
        wrong = [k for k, v in changes.items() if k not in mutable and current.get(k) != v]
        if wrong:
            raise Conflict(
                f"{kind} {name}: {', '.join(wrong)} of an existing version cannot change; make a new version."
            )
        row = self._find(kind, name, current.get("version", ""))
        if row is not None:
            self._save(kind, name, row["version"], {**row["doc"], **changes}, row["digest"])
        return self.get(kind, name, version)

    def archive(self, kind: str, name: str, version: str | None = None, archived: bool = True) -> None:
        """Hide a version, or all versions, from listings."""
        if not self._rows(kind, name, archived=True, archived_only=False):
            raise NotFound(f"{kind.capitalize()} '{name}' was not found in {self._holder.title}.")
        if version:
            self.get(kind, name, version)
        self._catalog.rows(
            "UPDATE assets SET archived = ? WHERE kind = ? AND name = ? AND version = coalesce(?, version)",
            int(archived),
            kind,
            name,
            version,
        )

    def restore(self, kind: str, name: str, version: str | None = None) -> None:
        """Undo `archive`."""
        self.archive(kind, name, version, archived=False)

    def delete(self, kind: str, name: str) -> None:
        """Remove a compute target or datastore (the datastore's files stay)."""
        if kind not in UNVERSIONED:
            raise WorkspaceError(f"A {kind} cannot be deleted: archive it.")
        self.get(kind, name)
        self._catalog.rows("DELETE FROM assets WHERE kind = ? AND name = ?", kind, name)

    def _take_in(self, kind: str, doc: dict[str, Any]) -> dict[str, Any]:
        """Replace local paths by what the holder keeps: uploads for data and models, snapshots for code."""
        self._holder.admit(kind, doc)
        doc.pop("id", None)
        doc["creation_context"] = created()
        if kind == "model":
            doc["type"] = model_versions.checked_type(doc, Path(doc["path"]))
        if kind == "environment":
            from . import images  # here, since those who only look don't need it

            images.with_conda_file(doc, Path)  # refuses what can not be built here
        datastore = doc.pop("datastore", None)
        if doc.get("build"):
            path = self.upload(Path(doc["build"]["path"]), "build.path", datastore)
            doc["build"] = {**doc["build"], "path": path}
        if kind in ("data", "model") and "://" not in str(doc["path"]):
            if kind == "data":
                _check_type(doc["type"], Path(doc["path"]))
            doc["path"] = self.upload(Path(doc["path"]), "path", datastore)
        return self.keep_code(doc) if kind == "component" else doc

    def keep_code(self, component: dict[str, Any]) -> dict[str, Any]:
        """The component with each `code`, of nested jobs too, replaced by the id of a snapshot here.

        It is local code, or that of a component in a registry.
        """
        kept: dict[str, Any] = {
            key: self.keep_code(value)
            if isinstance(value, dict) and key not in ("inputs", "outputs", "tags")
            else value
            for key, value in component.items()
        }
        code, includes = kept.get("code"), kept.pop("additional_includes", None) or []
        local = isinstance(code, str) and Path(code).is_absolute() and not code.startswith("/subscriptions/")
        if local or (includes and not code):
            sha256 = snapshots.store(Path(code) if code else None, self._holder.path / "snapshots", includes)
            kept["code"] = self._id("code", sha256, "1")
        elif isinstance(code, str) and (found := REGISTRY_ASSET.match(code)):
            place = self._holder.path / "snapshots" / found["name"]
            if not place.exists():
                source = self._holder.registry(found["registry"]).path / "snapshots" / found["name"]
                snapshots.copy_tree(source, place, writable=False)
            kept["code"] = self._id("code", found["name"], "1")
        return kept

    def at(self, kind: str, reference: str) -> Row:
        """The asset that `azureml:NAME:VERSION`, `azureml:NAME@latest` or an id names, a registry's too."""
        if kind == "environment":
            from . import curated  # here, since those who only look don't need it

            if curated.is_curated(reference):
                return curated.environment(reference)
        found = REGISTRY_ASSET.match(reference)
        if found and found["plural"] != PLURAL[kind]:
            raise WorkspaceError(f"{reference}: an id of {PLURAL[kind]} is needed here, not of {found['plural']}.")
        assets = self._holder.registry(found["registry"]).assets if found else self
        return assets.get(kind, *asset_reference(reference))

    def upload(self, source: Path, where: str, datastore: str | None = None) -> str:
        """URI of a read-only copy of local data in the holder.

        Args:
            where: the field that names the data, for the message if there is none.
            datastore: of a workspace, where the copy goes if not to its blob store.
        """
        if not source.exists():
            raise WorkspaceError(f"{where}: {source} does not exist.")
        place = f"LocalUpload/{snapshots.digest(source)[:32]}/{source.name}"
        folder, uri = self._holder.uploads
        if datastore:
            self.get("datastore", datastore)
            folder, uri = self._holder.path / "datastores" / datastore, f"azureml://datastores/{datastore}/paths/"
        if not (folder / place).exists():
            snapshots.copy_tree(source, folder / place, writable=False)
        return f"{uri}{place}{'/' if source.is_dir() else ''}"

    def _next_version(self, kind: str, name: str) -> int:
        rows = self._catalog.rows("SELECT version FROM assets WHERE kind = ? AND name = ?", kind, name)
        return max((int(r["version"]) for r in rows if r["version"].isdigit()), default=0) + 1

    def _save(self, kind: str, name: str, version: str, doc: Row, digest: str) -> None:
        self._catalog.rows(
            "UPDATE assets SET doc = ?, digest = ? WHERE kind = ? AND name = ? AND version = ?",
            json.dumps(doc, default=str),
            digest,
            kind,
            name,
            version,
        )

    def _find(self, kind: str, name: str, version: str) -> Row | None:
        return self._catalog.row(
            "SELECT * FROM assets WHERE kind = ? AND name = ? AND version = ?", kind, name, str(version)
        )

    def _latest(self, kind: str, name: str) -> Row | None:
        # The service's `latest` is the newest created, not the highest number.
        return self._catalog.row(
            "SELECT * FROM assets WHERE kind = ? AND name = ? AND archived = 0 ORDER BY seq DESC LIMIT 1", kind, name
        )

    def _rows(self, kind: str, name: str | None, archived: bool, archived_only: bool) -> builtins.list[Row]:
        return self._catalog.rows(
            "SELECT * FROM assets WHERE kind = ? AND name = coalesce(?, name) AND archived <= ? AND archived >= ? "
            "ORDER BY seq DESC",
            kind,
            name,
            int(archived),
            int(archived_only),
        )

    def _document(self, row: Row) -> Row:
        kind, name, version = row["kind"], row["name"], row["version"]
        document = {**row["doc"], "name": name}
        document["id"] = self._id(kind, name, version)
        if version:
            document["version"] = version
        return document

    def _id(self, kind: str, name: str, version: str) -> str:
        suffix = f"/versions/{version}" if version else ""
        prefix = "azureml:" if kind in ("environment", "component", "code") and self._holder.id.startswith("/") else ""
        return f"{prefix}{self._holder.id}/{PLURAL[kind]}/{name}{suffix}"


def _check_type(kind: str, path: Path) -> None:
    """Refuse a local path that the type does not fit; one that is not there is for the upload to tell."""
    fits = {"uri_file": path.is_file(), "uri_folder": path.is_dir(), "mltable": (path / "MLTable").is_file()}
    if path.exists() and not fits.get(kind, True):
        wanted = {"uri_file": "a file", "uri_folder": "a folder", "mltable": "a folder with a file MLTable"}[kind]
        raise WorkspaceError(f"path: File path does not match asset type {kind}: {path} is not {wanted}.")
