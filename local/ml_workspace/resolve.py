"""URIs to places on this machine. Everything stays inside the workspace's datastores or is a path the person gave."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import NotFound, Unsupported, WorkspaceError

if TYPE_CHECKING:
    from .workspace import Workspace

DATASTORE = re.compile(
    r"^azureml://(?:subscriptions/[^/]+/resource[gG]roups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+/)?"
    r"datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)$"
)
JOB_OUTPUT = re.compile(r"^azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?/?$")
ASSET = re.compile(r"^azureml:(?P<name>[A-Za-z0-9][\w.-]*)(?::(?P<version>[\w.-]+)|@(?P<label>\w+))$")
ASSET_ID = re.compile(
    r"^(?:azureml:)?/subscriptions/.*/workspaces/[^/]+/(?P<plural>\w+)/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+))?$"
)
REGISTRY_ASSET = re.compile(
    r"^(?:azureml:)?azureml://registries/(?P<registry>[^/]+)/(?P<plural>[a-z]+)/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+)|/labels/(?P<label>[^/]+))$"
)
REGISTRY_BLOB = re.compile(r"^azureml://registries/(?P<registry>[^/]+)/blobs/")
CODE_ID = re.compile(r"/codes/(?P<sha256>[0-9a-f]{64})/versions/")


def asset_reference(text: str) -> tuple[str, str | None, str | None]:
    """(name, version, label) of `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, an ARM or registry id.

    Raises:
        WorkspaceError: the text is none of these; a name alone is not enough on Azure either.
    """
    found = ASSET.match(text) or REGISTRY_ASSET.match(text)
    if found:
        return found["name"], found["version"], found["label"]
    found = ASSET_ID.match(text)
    if found:
        return found["name"], found["version"], None
    raise WorkspaceError(f"'{text}' is not a reference to an asset: azureml:NAME:VERSION or azureml:NAME@latest.")


def is_asset(text: str) -> bool:
    """Whether a path names an asset, of the workspace or of a registry, and not a place."""
    if text.startswith(("azureml:/subscriptions", "/subscriptions")):
        return True
    return bool(REGISTRY_ASSET.match(text)) or (text.startswith("azureml:") and "://" not in text)


class Resolver:
    """URIs of one workspace."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws

    def datastore_path(self, uri: str) -> Path | None:
        """The path of an azureml://datastores/… URI, None for any other text.

        Raises:
            NotFound: no such datastore.
            WorkspaceError: the path leaves the datastore.
        """
        found = DATASTORE.match(uri)
        if not found:
            return None
        self._ws.assets.get("datastore", found["datastore"])
        base = self._ws.path / "datastores" / found["datastore"]
        path = (base / found["path"]).resolve()
        if not path.is_relative_to(base):
            raise WorkspaceError(f"{uri} leads out of datastore '{found['datastore']}'.")
        return path

    def path(self, uri: str) -> Path:
        """The local path of a datastore, job output, registry's blob or local URI.

        Raises:
            NotFound: no such datastore, job or output.
            Unsupported: another kind of URI.
        """
        place = self.datastore_path(uri)
        if place is not None:
            return place
        found = JOB_OUTPUT.match(uri)
        if found:
            output = self.job_output(found["job"], found["output"])
            place = (output / (found["path"] or "")).resolve()
            if not place.is_relative_to(output):
                raise WorkspaceError(f"{uri} leads out of the output '{found['output']}'.")
            return place
        found = REGISTRY_BLOB.match(uri)
        if found:
            return self._ws.registry(found["registry"]).place(uri)
        if uri.startswith("file://"):
            return Path(uri.removeprefix("file://"))
        if "://" in uri:
            raise Unsupported(
                f"{uri}: this kind of URI cannot be read by the local workspace; use azureml:// or a local path."
            )
        return Path(uri)

    def job_output(self, job: str, output: str) -> Path:
        """Where a job wrote one of its outputs. `default` is the job's artifacts."""
        document = self._ws.jobs.get(job)
        if output in ("default", "artifacts"):
            return (self._ws.path / "jobs" / job / "artifacts").resolve()
        declared = document.get("outputs") or {}
        uri = (declared.get(output) or {}).get("path")
        if output in declared and not uri:
            status = document.get("status")
            raise NotFound(f"Job '{job}' has not written its output '{output}'; it is {status}.")
        if not uri:
            known = ", ".join(sorted(declared)) or "none"
            raise NotFound(f"Job '{job}' has no output '{output}'. Its outputs: {known}.")
        place = self.datastore_path(uri)
        return place if place is not None else Path(uri)

    def asset(self, reference: str, models: bool) -> tuple[str, str, str]:
        """(pinned reference, type, URI) of the data asset, or with `models` the model, that `azureml:…` names."""
        name, version, label = asset_reference(reference)
        if REGISTRY_ASSET.match(reference):
            doc = self._ws.assets.at("model" if models else "data", reference)
            return doc["id"], doc["type"], doc["path"]
        get = self._ws.models.get if models else partial(self._ws.assets.get, "data")
        doc = get(name, version, label)
        return f"azureml:{name}:{doc['version']}", doc.get("type", "uri_folder"), doc["path"]
