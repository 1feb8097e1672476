"""A registry: a folder of versioned assets that all workspaces below the same root can use."""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import snapshots
from .errors import Conflict, NotFound, Unsupported, WorkspaceError
from .holder import Holder, write_document
from .resolve import REGISTRY_ASSET
from .workspace import SUBSCRIPTION

if TYPE_CHECKING:
    from .workspace import Workspace

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{2,32}$")
CURATED = "azureml"  # Microsoft's registry; its environments come with this package
Document = dict[str, Any]


class Registry(Holder):
    """Versioned assets under $AZUREML_LOCAL_ROOT/registries/NAME; its models lie in its catalog, not in MLflow."""

    kind = "registry"
    mutable = (*Holder.mutable, "public_network_access")

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.id = f"azureml://registries/{self.name}"
        self.uploads = (self.path / "blobs", f"{self.id}/blobs/")

    @classmethod
    def create(cls, root: Path, group: str, document: Document) -> "Registry":
        """Make a registry, or change what may change of the one that is there.

        Raises:
            Conflict: the name is taken by a registry of another resource group.
            WorkspaceError: bad name.
        """
        name = str(document["name"])
        if not NAME.match(name) or name == CURATED:
            raise WorkspaceError(
                f"'{name}' is not a registry name: 3 to 33 letters, digits, '-' and '_', and not {CURATED}, which is "
                "Microsoft's."
            )
        path = root / "registries" / name
        if (path / "registry.json").exists():
            registry = cls(path)
            if registry.group != group:
                raise Conflict(
                    f"Registry '{name}' exists in resource group '{registry.group}'; names of registries are unique."
                )
            registry.update({key: value for key, value in document.items() if key in cls.mutable})
            return registry
        for folder in ("snapshots", "blobs"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        write_document(path / "registry.json", {**document, "resource_group": group})
        return cls(path)

    @classmethod
    def open(cls, root: Path, name: str, group: str | None = None) -> "Registry":
        """Open an existing registry; with a group, only if it is in there.

        Raises:
            NotFound: no such registry below `root`.
            Unsupported: Microsoft's own.
        """
        path = root / "registries" / name
        registry = cls(path) if NAME.match(name) and (path / "registry.json").exists() else None
        if registry is None and name == "azureml":
            raise Unsupported(
                "Registry 'azureml' is Microsoft's, on Azure. The local workspace stands in for some of its "
                "environments where a job or a deployment names one, and has nothing else of it."
            )
        if registry is None or (group and registry.group != group):
            where = f" in resource group '{group}'" if group else ""
            raise NotFound(
                f"Registry '{name}' was not found{where} below {root}. "
                "Make it with: az ml registry create --file registry.yml --resource-group GROUP"
            )
        return registry

    @classmethod
    def list(cls, root: Path, group: str | None = None) -> list[Document]:
        """Documents of the registries below `root`, of one group or of all."""
        found = [cls(path.parent) for path in sorted(root.glob("registries/*/registry.json"))]
        return [registry.shown() for registry in found if group in (None, registry.group)]

    def shown(self) -> Document:
        """The document that `az ml registry show` prints."""
        fields = {key: value for key, value in self.document.items() if key != "resource_group"}
        provider = "Microsoft.MachineLearningServices"
        fields["id"] = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group}/providers/{provider}/registries/{self.name}"
        )
        return fields

    def delete(self) -> None:
        """Remove the registry's folder, with all its assets, for good."""
        shutil.rmtree(self.path)

    def admit(self, kind: str, doc: Document) -> None:
        """Refuse content that is not on this machine, and components that need what is in no registry.

        Raises:
            Unsupported: the path is a URI.
            WorkspaceError: a reference is not a registry's, or leads nowhere; the message starts with its field.
        """
        path = str(doc.get("path") or "")
        if kind in ("data", "model") and "://" in path and not path.startswith("file://"):
            raise Unsupported(
                f"path: {path}: a registry takes in local files. For what a workspace has, register it there and then "
                f"use: az ml {kind} share --registry-name {self.name}"
            )
        if kind == "component":
            self._check_references(doc, "")

    def _check_references(self, node: Document, where: str) -> None:
        """As azure-ai-ml: in a registry, `azureml:NAME:VERSION` is refused, since it names what a workspace has."""
        for field, value in node.items():
            if isinstance(value, dict) and field not in ("inputs", "outputs", "tags", "properties"):
                self._check_references(value, f"{where}{field}.")
            elif isinstance(value, str) and field in ("environment", "component", "trial"):
                kind = "environment" if field == "environment" else "component"
                self._check_reference(kind, value, f"{where}{field}")

    def _check_reference(self, kind: str, reference: str, where: str) -> None:
        advice = (
            f"Share the environment first (az ml environment share --registry-name {self.name})"
            if kind == "environment"
            else f"Create the component there first (az ml component create --registry-name {self.name})"
        )
        if not REGISTRY_ASSET.match(reference):
            raise WorkspaceError(
                f"{where}: {reference} names an asset of a workspace, which a component in a registry can't use. "
                f"{advice}, then refer to it by its full name: {self.id}/{kind}s/NAME/versions/VERSION"
            )
        try:
            self.assets.at(kind, reference)
        except WorkspaceError as error:
            # What the service refuses is the component, so it is a wrong field (exit code 1), not a missing asset (3).
            raise WorkspaceError(f"{where}: {error} {advice}.") from error

    def take(self, ws: "Workspace", kind: str, source: tuple[str, str], target: tuple[str, str]) -> Document:
        """Copy a version of a workspace's data asset, environment or model into the registry.

        Args:
            source: name and version in the workspace.
            target: name and version in the registry.

        Raises:
            NotFound: the workspace has no such version.
            Conflict: the registry has the target version, with other content.
        """
        doc = ws.models.get(*source) if kind == "model" else ws.assets.get(kind, *source)
        # Where it comes from means nothing to those who use the registry from other workspaces.
        doc = {key: value for key, value in doc.items() if key not in ("id", "creation_context", "job_name", "stage")}
        if "path" in doc:
            doc["path"] = str(ws.resolve.path(doc["path"]))
        if doc.get("build"):
            doc["build"] = {**doc["build"], "path": str(ws.resolve.path(doc["build"]["path"]))}
        return self.assets.create(kind, {**doc, "name": target[0], "version": target[1]})

    def download_model(self, name: str, version: str, folder: Path) -> Path:
        """Copy a model's files to `folder`/NAME; returns the copied file or folder."""
        uri = self.assets.get("model", name, version)["path"]
        return snapshots.copy_out(self.place(uri), folder / name)

    def place(self, uri: str) -> Path:
        """The path of one of the registry's own blobs.

        Raises:
            WorkspaceError: it leads out of them.
        """
        blobs, start = self.uploads
        path = (blobs / uri.removeprefix(start)).resolve()
        if not path.is_relative_to(blobs):
            raise WorkspaceError(f"{uri} leads out of the blobs of registry '{self.name}'.")
        return path
