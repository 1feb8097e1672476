"""What a workspace and a registry have in common: a folder with a document, a catalog and versioned assets."""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .catalog import Catalog
from .errors import WorkspaceError

if TYPE_CHECKING:
    from .assets import Assets
    from .registry import Registry


class Holder:
    """A folder that holds versioned assets.

    Attributes:
        kind: what it is, in messages and in the name of its document's file.
        mutable: the fields of its document that can change.
        id: what the ids of its assets start with.
        uploads: the folder of local files that it has taken in, and the URI of that folder.
    """

    kind: ClassVar[str]
    mutable: ClassVar[tuple[str, ...]] = ("description", "display_name", "tags")
    id: str
    uploads: tuple[Path, str]

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.document: dict[str, Any] = json.loads((path / f"{self.kind}.json").read_text(encoding="utf-8"))
        self.name: str = self.document["name"]
        self.group: str = self.document["resource_group"]

    @property
    def root(self) -> Path:
        """The folder of all workspaces and registries."""
        return self.path.parent.parent

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.kind} '{self.name}'"

    @cached_property
    def catalog(self) -> Catalog:
        """Its SQLite database."""
        return Catalog(self.path / "catalog.db")

    @cached_property
    def assets(self) -> "Assets":
        """Its versioned assets; of a workspace also compute and datastores."""
        from .assets import Assets

        return Assets(self)

    def registry(self, name: str) -> "Registry":
        """A registry below the same root.

        Raises:
            NotFound: there is none of this name.
        """
        from .registry import Registry

        return Registry.open(self.root, name)

    def admit(self, kind: str, doc: dict[str, Any]) -> None:
        """Refuse an asset that can not be kept here, by its document."""

    def update(self, changes: dict[str, Any]) -> None:
        """Change fields of its document; None removes one.

        Raises:
            WorkspaceError: one of them can't change.
        """
        fixed = sorted(set(changes) - set(self.mutable))
        if fixed:
            allowed = f"{', '.join(self.mutable[:-1])} and {self.mutable[-1]}"
            raise WorkspaceError(f"{', '.join(fixed)}: of a {self.kind}, only {allowed} can change.")
        self.document = {key: value for key, value in {**self.document, **changes}.items() if value is not None}
        write_document(self.path / f"{self.kind}.json", self.document)


def write_document(file: Path, document: dict[str, Any]) -> None:
    """Write a document whole or not at all."""
    staging = file.with_name(f".{file.name}.{os.getpid()}")
    staging.write_text(json.dumps(document, indent=1), encoding="utf-8")
    staging.replace(file)
