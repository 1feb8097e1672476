"""The model registry of a workspace, which is MLflow's: jobs register with its client, people with `az ml model`."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import model_versions as mv
from . import snapshots
from .assets import NAME
from .catalog import Row
from .errors import Conflict, NotFound, WorkspaceError
from .processes import exclusive
from .resolve import JOB_OUTPUT

if TYPE_CHECKING:
    from .workspace import Workspace

MUTABLE = ("description", "tags", "properties", "stage")
ALL = 200_000  # the most versions that MLflow gives at once
DATASTORE = "azureml://datastores/workspaceartifactstore/paths/"
Rows = list[Row]


class Models:
    """Create, read and archive model versions. Their content is immutable."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._tracking = ws.tracking

    def create(self, doc: Row) -> Row:
        """Register a version; the next number where the document has none.

        Args:
            doc: name, path (local, azureml:// or runs:/RUN/PATH), and if wanted version, type, tags, description,
                properties, stage, datastore (that keeps the files of a local path; MLflow's server has a copy of them).

        Returns:
            The version's document; that of the existing version if it has the same content.

        Raises:
            Conflict: the version exists with other content.
            WorkspaceError: bad name, type or stage; nothing at the path; an mlflow_model without MLmodel.
        """
        name, version = str(doc.get("name") or ""), str(doc.get("version") or "")
        if not NAME.match(name) or (version and not NAME.match(version)):
            raise WorkspaceError(
                f"model '{name}:{version}': only letters, digits, '-', '_' and '.' are allowed, at most 255 of them."
            )
        stage = mv.choice("stage", doc.get("stage") or mv.STAGES[0], mv.STAGES)
        content, origin = self._content(str(doc["path"]))
        kind = mv.checked_type(doc, content)
        digest = snapshots.digest(content)
        with exclusive(self._ws.path / "mlflow" / "models.lock"):
            existing = next((v for v in self._versions(name) if mv.number(v) == version), None)
            if existing is None:
                tags = {**mv.stored_tags(doc), mv.TYPE: kind, mv.DIGEST: digest, **origin.get("tags", {})}
                if doc.get("datastore") and "://" not in str(doc["path"]):
                    tags[mv.PATH] = self._ws.assets.upload(content, "path", doc["datastore"])
                existing = self._register(name, version, {
                    "source": self._keep(content, digest), "description": doc.get("description") or "",
                    "run_id": origin.get("run_id", ""), "tags": [{"key": k, "value": v} for k, v in tags.items()],
                })  # fmt: skip
                if stage != mv.STAGES[0]:
                    self._set_stage(existing, stage)
            elif self._digest(existing) != digest or mv.kind(existing, self._place(existing)) != kind:
                raise Conflict(
                    f"Model {name}:{version} exists with other content, and versions are immutable. "
                    "Give the changed model a new version."
                )
        return self.get(name, mv.number(existing))

    def _content(self, path: str) -> tuple[Path, dict[str, Any]]:
        """(what to register, where it comes from: `run_id` or `tags` for the version)."""
        origin: dict[str, Any] = {}
        if path.startswith("runs:/"):
            content = self._tracking.place(path)
            origin["run_id"] = path.removeprefix("runs:/").partition("/")[0]
        else:
            content = self._ws.resolve.path(path)
            job = JOB_OUTPUT.match(path)
            if job:
                origin["tags"] = {mv.JOB: job["job"]}
        if content is None or not content.exists():
            raise WorkspaceError(f"path: {path} does not exist.")
        return content, origin

    def _keep(self, content: Path, digest: str) -> str:
        """A read-only copy among the server's artifacts; the URI by which jobs reach it over HTTP."""
        place = f"LocalUpload/{digest[:32]}/{content.name}"
        target = self._tracking.artifact_root / place
        if not target.exists():
            snapshots.copy_tree(content, target, writable=False)
        return f"mlflow-artifacts:/{place}"

    def _register(self, name: str, version: str, fields: Row) -> Row:
        with suppress(Conflict):  # it has versions already
            self._tracking.call("POST", "registered-models/create", {"name": name})
        if version:
            # MLflow numbers versions itself. A number still to come is made the next one; any other version (text, a
            # number passed by) is a tag on the next one. So a tag is never a number that MLflow will give later.
            fields["tags"].append({"key": mv.VERSION, "value": version})
            if version.isdigit() and len(version) < 16:
                self._tracking.skip_model_versions(name, int(version))
        created: Row = self._tracking.call("POST", "model-versions/create", {"name": name, **fields})["model_version"]
        return created

    def get(self, name: str, version: str | None = None, label: str | None = None) -> Row:
        """One version's document; the newest that is not archived if neither version nor label (`latest`) is given.

        Raises:
            NotFound: no such name or version.
            WorkspaceError: the label leads to none.
        """
        if label and label != "latest":
            raise WorkspaceError(f"Model '{name}' has no label '{label}'; the only label is 'latest'.")
        try:
            return self._document(self._find(name, version))
        except NotFound as error:
            if label:  # Azure's client looks a label up by itself: a plain error there, not the service's 404
                raise WorkspaceError(str(error)) from error
            raise

    def list(
        self,
        name: str | None = None,
        include_archived: bool = False,
        archived_only: bool = False,
        max_results: int | None = None,
        stage: str | None = None,
    ) -> Rows:
        """Versions of `name`, newest first; without a name one row a name, with its latest version."""
        shown = [
            version
            for version in self._versions(name)
            if (not archived_only if not mv.archived(version) else include_archived or archived_only)
            and (stage is None or version.get("current_stage", "").lower() == stage.lower())
        ]
        if name is not None:
            return [self._document(version) for version in shown[:max_results]]
        containers: dict[str, Row] = {}
        for version in shown:
            containers.setdefault(version["name"], {"name": version["name"], "latest_version": mv.number(version),
                "id": f"azureml:{self._ws.id}/models/{version['name']}",
                "creation_context": {"created_at": mv.created_at(version)}})  # fmt: skip
        return [*containers.values()][:max_results]

    def update(self, name: str, version: str | None, changes: Row) -> Row:
        """Change what may change on an existing version: description, tags, properties, stage (given whole)."""
        found = self._find(name, version)
        current = self._document(found)
        wrong = [key for key, value in changes.items() if key not in MUTABLE and current.get(key) != value]
        if wrong:
            raise Conflict(
                f"model {name}: {', '.join(wrong)} of an existing version cannot change; make a new version."
            )
        if "description" in changes:
            self._call("PATCH", "update", found, description=changes["description"] or "")
        before, after = mv.stored_tags(current), mv.stored_tags({**current, **changes})
        for key in before.keys() - after.keys():
            self._call("DELETE", "delete-tag", found, key=key)
        for key, value in after.items() - before.items():
            self._call("POST", "set-tag", found, key=key, value=value)
        if "stage" in changes:
            self._set_stage(found, mv.choice("stage", changes["stage"] or mv.STAGES[0], mv.STAGES))
        return self.get(name, current["version"])

    def archive(self, name: str, version: str | None = None, archived: bool = True) -> None:
        """Hide a version, or all versions, from listings; or show them again."""
        for found in [self._find(name, version)] if version else self._known(name):
            if archived:
                self._call("POST", "set-tag", found, key=mv.ARCHIVED, value="true")
            else:
                self._call("DELETE", "delete-tag", found, key=mv.ARCHIVED)

    def download(self, name: str, version: str, target: Path) -> Path:
        """Copy a version's files to `target`/NAME, as the service does; returns the copied file or folder."""
        found = self._find(name, version)
        place = self._place(found)
        if place is None or not place.exists():
            raise NotFound(f"The files of model {name}:{version} are not in the workspace: {found['source']}.")
        return snapshots.copy_out(place, target / name)

    def _versions(self, name: str | None) -> Rows:
        """MLflow's versions of one model, or of all, newest first."""
        query: Row = {"max_results": ALL}
        if name is not None:
            if not NAME.match(name):
                return []
            query["filter"] = f"name='{name}'"
        found: Rows = self._tracking.call("GET", "model-versions/search", query).get("model_versions", [])
        return sorted(found, key=mv.age, reverse=True)

    def _known(self, name: str) -> Rows:
        versions = self._versions(name)
        if not versions:
            raise NotFound(f"Model '{name}' was not found in workspace '{self._ws.name}'.")
        return versions

    def _find(self, name: str, version: str | None) -> Row:
        versions = self._known(name)
        wanted = (v for v in versions if (mv.number(v) == version if version else not mv.archived(v)))
        found = next(wanted, None)
        if found is None:
            known = ", ".join(mv.number(v) for v in versions[:10])
            what = f"'{name}:{version}' was not found" if version else f"'{name}' has only archived versions"
            raise NotFound(f"Model {what} in workspace '{self._ws.name}'. Versions: {known}.")
        return found

    def _document(self, version: Row) -> Row:
        place = self._place(version)
        path: str = mv.tags_of(version).get(mv.PATH) or version["source"]
        if place is not None and path == version["source"]:
            below = place.relative_to(self._tracking.artifact_root.resolve()).as_posix()
            path = f"{DATASTORE}{below}{'/' if place.is_dir() else ''}"
        return mv.document(version, place, path, self._job(version), self._ws.id)

    def _place(self, version: Row) -> Path | None:
        try:
            return self._tracking.place(version["source"])
        except NotFound:  # the run that it names is gone for good
            return None

    def _job(self, version: Row) -> str | None:
        job = mv.tags_of(version).get(mv.JOB)
        if job or not version.get("run_id"):
            return job
        try:
            return mv.tags_of(self._tracking.run(version["run_id"])["data"]).get(mv.JOB)
        except NotFound:
            return None

    def _digest(self, version: Row) -> str | None:
        place = self._place(version)
        known = mv.tags_of(version).get(mv.DIGEST)
        return known or (snapshots.digest(place) if place and place.exists() else None)

    def _set_stage(self, version: Row, stage: str) -> None:
        self._call("POST", "transition-stage", version, stage=stage, archive_existing_versions=False)

    def _call(self, method: str, verb: str, version: Row, **fields: Any) -> None:
        self._tracking.call(method, f"model-versions/{verb}", {"name": version["name"], "version": version["version"],
                                                               **fields})  # fmt: skip
