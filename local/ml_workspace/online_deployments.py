"""Deployments of online endpoints: documents, logs, waiting. Their processes are the supervisor's, see serving.py."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import online_plan
from .catalog import Row
from .endpoints import Endpoints, checked_name
from .errors import WorkspaceError
from .serving_control import POLL, Serving
from .serving_logs import last_lines

if TYPE_CHECKING:
    from .workspace import Workspace

BUSY = ("Creating", "Updating")


class OnlineDeployments(Endpoints):
    """Create, change and look at the deployments of online endpoints."""

    kind = "online"

    def __init__(self, ws: "Workspace") -> None:
        super().__init__(ws)
        self.serving = Serving(ws)

    def create_deployment(self, doc: Row, source: Path) -> Row:
        """Add a deployment, which is brought up in the background: see `wait`.

        Args:
            source: the folder of its spec.

        Raises:
            NotFound: the endpoint, model or environment does not exist.
            Conflict: the endpoint has a deployment of this name.
            WorkspaceError: anything else that the document can't have.
        """
        endpoint, name = str(doc.get("endpoint_name") or ""), str(doc.get("name") or "").lower()
        checked_name("deployment", name)
        if any(row["name"] == name for row in self.rows(endpoint)):
            return self.insert_deployment(endpoint, name, doc, {})  # refuses it, before anything is registered
        document, plan = online_plan.make(self._ws, {**doc, "name": name}, source, None)
        online_plan.register_collected(self._ws, plan)
        document["provisioning_state"] = "Creating"
        created = self.insert_deployment(endpoint, name, document, {"wanted": plan, "live": None})
        self.serving.ensure()
        return created

    def update_deployment(self, doc: Row, source: Path) -> Row:
        """Bring up another revision of a deployment in the background; the old one serves until it is ready.

        Args:
            doc: the whole document.

        Raises:
            NotFound: the endpoint, deployment, model or environment does not exist.
            WorkspaceError: anything else that the document can't have.
        """
        endpoint, name = str(doc.get("endpoint_name") or ""), str(doc.get("name") or "").lower()
        before = self.row(endpoint, name)
        # After a failure its servers are started anew, whatever they run.
        kept = None if before["doc"]["provisioning_state"] == "Failed" else before["plan"]["wanted"]
        document, plan = online_plan.make(self._ws, {**doc, "name": name}, source, kept)
        online_plan.register_collected(self._ws, plan)
        document["provisioning_state"] = "Updating" if before["plan"]["live"] else "Creating"
        updated = self.replace_deployment(endpoint, name, document, {"wanted": plan})
        self.serving.ensure()
        return updated

    def deployment(self, endpoint: str, name: str) -> Row:
        """A deployment's document.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        doc: Row = self.row(endpoint, name)["doc"]
        self.serving.recover()
        return doc

    def deployments(self, endpoint: str) -> list[Row]:
        """Documents of an endpoint's deployments, oldest first.

        Raises:
            NotFound: no such endpoint.
        """
        rows = self.rows(endpoint)
        self.serving.recover()
        return [row["doc"] for row in rows]

    def delete_deployment(self, endpoint: str, name: str, wait: bool = True) -> None:
        """Remove a deployment that gets no traffic.

        Args:
            wait: until its servers have ended.

        Raises:
            NotFound: no such endpoint or deployment.
            WorkspaceError: it has traffic, or a mirror's.
        """
        self.row(endpoint, name)
        with self._catalog.transaction():  # it must not get traffic in between
            doc = self.stored(endpoint)
            if name in doc["traffic"] or name in doc["mirror_traffic"]:
                share = doc["traffic"].get(name) or doc["mirror_traffic"].get(name)
                raise WorkspaceError(
                    f"Deployment '{name}' has {share} % of the traffic of endpoint '{endpoint}': set it to 0 first, "
                    f'with az ml online-endpoint update --name {endpoint} --traffic "…".'
                )
            self.remove_deployment(endpoint, name)
        self._ended(lambda server: (server["endpoint"], server["deployment"]) == (endpoint, name), wait)
        if wait:
            shutil.rmtree(self.serving.folder.deployment(endpoint, name), ignore_errors=True)

    def logs(self, endpoint: str, name: str, lines: int, container: str = "inference-server") -> str:
        """The end of a deployment's log.

        Args:
            lines: how many, of each instance.
            container: `inference-server`, or `storage-initializer` for what was laid out before the servers started.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        plan = self.row(endpoint, name)["plan"]["wanted"]
        self.serving.recover()
        folder = self.serving.folder.revision(endpoint, name, plan["id"])
        pattern = {"inference-server": "server-*.log", "storage-initializer": "storage-initializer.log"}.get(container)
        if pattern is None:
            raise WorkspaceError(f"container: '{container}' is not inference-server or storage-initializer.")
        files = sorted(folder.glob(pattern))
        texts = ["\n".join(last_lines(file, lines)) for file in files]
        if len(files) == 1:
            return texts[0]
        return "\n".join(f"--- {file.stem} ---\n{text}" for file, text in zip(files, texts, strict=True))

    def wait(self, endpoint: str, deployment: str, tick: Callable[[], None]) -> Row:
        """Wait until a deployment serves its newest revision.

        Args:
            tick: called once a second.

        Returns:
            Its document.

        Raises:
            NotFound: it was deleted.
            WorkspaceError: it failed, with the reason.
        """
        ticked = time.monotonic()
        while (doc := self.deployment(endpoint, deployment))["provisioning_state"] in BUSY:
            time.sleep(POLL)
            if time.monotonic() - ticked >= 1:
                ticked = time.monotonic()
                tick()
                self.serving.ensure()
        if doc["provisioning_state"] == "Failed":
            raise WorkspaceError(
                f"Deployment '{deployment}' of endpoint '{endpoint}' failed: {doc['error']['message']}\n"
                f"Its log: az ml online-deployment get-logs --name {deployment} --endpoint-name {endpoint}"
            )
        return doc

    def _ended(self, ours: Callable[[Row], bool], wait: bool) -> None:
        """Have the supervisor end the servers that are `ours`; if wanted, wait until none of them runs."""
        self.serving.recover()
        while wait and any(ours(server) for server in (self.serving.folder.record().get("servers") or {}).values()):
            self.serving.ensure()
            time.sleep(POLL)
