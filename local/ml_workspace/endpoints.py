"""Endpoints and deployments in the catalog: the documents that online and batch endpoints share."""

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

from .catalog import Row, created, now
from .errors import Conflict, NotFound, WorkspaceError

if TYPE_CHECKING:
    from .workspace import Workspace

# As azure-ai-ml checks it: 3 to 32 characters.
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]\Z")
# What the workspace itself writes into a document: in one that comes back it is passed over.
GIVEN = ("id", "creation_context", "provisioning_state", "location", "scoring_uri", "openapi_uri", "error")


def checked_name(what: str, name: str) -> str:
    """The name, if it is one of an endpoint or a deployment.

    Raises:
        WorkspaceError: it is not.
    """
    if not NAME.match(name):
        raise WorkspaceError(
            f"{what} name '{name}': it has 3 to 32 letters, digits and '-', begins with a letter and "
            "ends with a letter or a digit."
        )
    return name


class Endpoints:
    """Endpoints of one kind with their deployments, as rows of the catalog.

    Attributes:
        kind: `online` or `batch`, also the first word of the command group.
    """

    kind: ClassVar[str]

    def __init__(self, ws: "Workspace") -> None:
        self._ws, self._catalog = ws, ws.catalog

    def id_of(self, endpoint: str, deployment: str | None = None) -> str:
        """The ARM id of an endpoint or of one of its deployments."""
        below = f"/deployments/{deployment}" if deployment else ""
        return f"{self._ws.id}/{self.kind}Endpoints/{endpoint}{below}"

    def stored(self, name: str) -> Row:
        """The document of an endpoint as it is in the catalog.

        Raises:
            NotFound: no such endpoint.
        """
        row = self._catalog.row("SELECT doc FROM endpoints WHERE kind = ? AND name = ?", self.kind, name)
        if row is None:
            raise NotFound(
                f"{self.kind.capitalize()} endpoint '{name}' was not found in workspace '{self._ws.name}'. "
                f"List them: az ml {self.kind}-endpoint list"
            )
        doc: Row = row["doc"]
        return doc

    def names(self) -> list[str]:
        """Names of all endpoints, oldest first."""
        rows = self._catalog.rows("SELECT name FROM endpoints WHERE kind = ? ORDER BY created_at, name", self.kind)
        return [row["name"] for row in rows]

    def insert(self, doc: dict[str, Any]) -> Row:
        """Add an endpoint.

        Raises:
            Conflict: there is one of this name.
            WorkspaceError: bad name.
        """
        name = checked_name(f"{self.kind} endpoint", str(doc.get("name") or ""))
        own = {key: value for key, value in doc.items() if key not in GIVEN and value is not None}
        given = {"provisioning_state": doc.get("provisioning_state") or "Succeeded", "location": "local",
                 "creation_context": created(), "id": self.id_of(name)}  # fmt: skip
        document = {"tags": {}, "properties": {}, **own, **given}
        with self._catalog.transaction():
            if name in self.names():
                raise Conflict(
                    f"{self.kind.capitalize()} endpoint '{name}' already exists in workspace '{self._ws.name}'. "
                    f"To change it, use update: az ml {self.kind}-endpoint update --name {name}"
                )
            self._catalog.insert("endpoints", kind=self.kind, name=name, created_at=now(), doc=document)
        return document

    def save(self, name: str, before: Row, after: Row) -> bool:
        """Replace an endpoint's document, unless somebody else changed it since `before` was read; whether it did."""
        return bool(
            self._catalog.rows(
                "UPDATE endpoints SET doc = ? WHERE kind = ? AND name = ? AND doc = ? RETURNING name",
                json.dumps(after), self.kind, name, json.dumps(before),
            )
        )  # fmt: skip

    def remove(self, name: str) -> None:
        """Remove an endpoint and its deployments from the catalog."""
        with self._catalog.transaction():
            self._catalog.rows("DELETE FROM deployments WHERE kind = ? AND endpoint = ?", self.kind, name)
            self._catalog.rows("DELETE FROM endpoints WHERE kind = ? AND name = ?", self.kind, name)

    def row(self, endpoint: str, name: str) -> Row:
        """A deployment's row: name, doc, plan, revision.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        rows = self.rows(endpoint)
        found = next((row for row in rows if row["name"] == name), None)
        if found is None:
            known = ", ".join(row["name"] for row in rows) or "none"
            raise NotFound(
                f"Deployment '{name}' of {self.kind} endpoint '{endpoint}' was not found. Its deployments: {known}."
            )
        return found

    def rows(self, endpoint: str) -> list[Row]:
        """Rows of an endpoint's deployments, oldest first.

        Raises:
            NotFound: no such endpoint.
        """
        self.stored(endpoint)
        return self._catalog.rows(
            "SELECT name, doc, plan, revision FROM deployments WHERE kind = ? AND endpoint = ? "
            "ORDER BY created_at, name",
            self.kind, endpoint,
        )  # fmt: skip

    def insert_deployment(self, endpoint: str, name: str, doc: Row, plan: Row) -> Row:
        """Add a deployment; returns its document.

        Raises:
            NotFound: no such endpoint.
            Conflict: there is one of this name.
        """
        document = self._document(endpoint, name, doc, created())
        with self._catalog.transaction():
            if any(row["name"] == name for row in self.rows(endpoint)):
                raise Conflict(
                    f"Deployment '{name}' of {self.kind} endpoint '{endpoint}' already exists. To change it, use "
                    f"update: az ml {self.kind}-deployment update --name {name} --endpoint-name {endpoint}"
                )
            self._catalog.insert("deployments", kind=self.kind, endpoint=endpoint, name=name, created_at=now(),
                                 doc=document, plan=plan)  # fmt: skip
        return document

    def replace_deployment(self, endpoint: str, name: str, doc: Row, plan: Row) -> Row:
        """Give a deployment another document and the next revision; returns the document.

        Args:
            plan: takes the place of the fields that it names; other fields of the plan stay.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        with self._catalog.transaction():
            before = self.row(endpoint, name)
            document = self._document(endpoint, name, doc, before["doc"]["creation_context"])
            self._catalog.rows(
                "UPDATE deployments SET doc = ?, plan = ?, revision = revision + 1 "
                "WHERE kind = ? AND endpoint = ? AND name = ?",
                json.dumps(document), json.dumps({**before["plan"], **plan}), self.kind, endpoint, name,
            )  # fmt: skip
        return document

    def _document(self, endpoint: str, name: str, doc: Row, creation: Row) -> Row:
        own = {key: value for key, value in doc.items() if key not in GIVEN and value is not None}
        state = doc.get("provisioning_state") or "Succeeded"
        given = {"provisioning_state": state, "creation_context": creation, "id": self.id_of(endpoint, name)}
        return {"tags": {}, "properties": {}, **own, "name": name, "endpoint_name": endpoint, **given}

    def remove_deployment(self, endpoint: str, name: str) -> None:
        """Remove a deployment from the catalog."""
        self._catalog.rows(
            "DELETE FROM deployments WHERE kind = ? AND endpoint = ? AND name = ?", self.kind, endpoint, name
        )
