"""Online endpoints: documents, keys and requests. Their processes are the supervisor's, see serving.py."""

import http.client
import json
import secrets
import shutil
import string
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

from .catalog import Row
from .endpoints import GIVEN, checked_name
from .errors import Unsupported, WorkspaceError
from .online_deployments import OnlineDeployments
from .processes import exclusive
from .serving_control import POLL
from .serving_folder import HOST, read_json, write_secret
from .traffic import checked_mirror, checked_traffic

KEY_LENGTH = 52  # characters: 300 bits
KEY_TYPES = ("primary", "secondary")
SETTLE = 120.0  # seconds for the router to work by a change; its environment may have to be built first
MODEL_STATUS = "ms-azureml-model-error-statuscode"
ANSWER = 200.0  # seconds for an answer to `invoke`: more than any deployment may take


class OnlineEndpoints(OnlineDeployments):
    """Create, change and call online endpoints; and, by what it inherits, their deployments."""

    def create(self, doc: Row, wait: bool = True) -> Row:
        """Add an endpoint.

        Args:
            wait: until it can be called.

        Raises:
            Conflict: there is one of this name.
            Unsupported: auth_mode other than key.
            WorkspaceError: bad name; traffic to deployments, of which there are none yet.
        """
        if doc.get("auth_mode") not in (None, "key"):
            raise Unsupported(f"auth_mode: {doc['auth_mode']}: the local workspace has no accounts; use key.")
        name = checked_name("online endpoint", str(doc.get("name") or ""))
        checked_traffic(name, doc.get("traffic") or {}, [])
        checked_mirror(name, doc.get("mirror_traffic") or {}, {}, [])
        own = {"identity": {"type": "system_assigned"}, **{k: v for k, v in doc.items() if v is not None},
               "auth_mode": "key", "traffic": {}, "mirror_traffic": {}}  # fmt: skip
        with self._keys_alone():
            if name not in self.names():  # else it is refused, and keeps its keys
                self._write_keys(name, {key: new_key() for key in KEY_TYPES})
            self.insert({**own, "provisioning_state": "Creating"})
        return self._settled(name, wait)

    def get(self, name: str) -> Row:
        """An endpoint's document.

        Raises:
            NotFound: no such endpoint.
        """
        doc = dict(self.stored(name))
        self.serving.recover()
        known = [row["name"] for row in self.rows(name)]
        doc["traffic"] = {
            **doc["traffic"],
            **{d: 0 for d in known if d not in (doc["traffic"] | doc["mirror_traffic"])},
        }
        ports = self.serving.ports()
        if ports:
            base = f"http://{HOST}:{ports['requests']}/{name}"
            doc |= {"scoring_uri": f"{base}/score", "openapi_uri": f"{base}/swagger.json"}
        return doc

    def list(self) -> list[Row]:
        """Documents of all endpoints, oldest first."""
        return [self.get(name) for name in self.names()]

    def update(self, name: str, doc: Row, wait: bool = True) -> Row:
        """Replace what can change of an endpoint: traffic, mirror_traffic, tags, description, identity, properties.

        Args:
            doc: the whole document.
            wait: until requests are routed so.

        Raises:
            NotFound: no such endpoint.
            WorkspaceError: traffic that can't be routed so.
        """
        if doc.get("auth_mode", "key") != "key" or doc.get("name", name) != name:
            raise Unsupported(f"Endpoint '{name}': neither name nor auth_mode of an endpoint can change.")
        own = {key: value for key, value in doc.items() if key not in GIVEN and value is not None}
        with self._catalog.transaction():  # a deployment that is deleted meanwhile must not get traffic
            before = self.stored(name)
            up = [row["name"] for row in self.rows(name) if row["plan"]["live"]]
            traffic = checked_traffic(name, doc.get("traffic") or {}, up)
            mirror = checked_mirror(name, doc.get("mirror_traffic") or {}, traffic, up)
            after = {"tags": {}, "properties": {}, "identity": before["identity"], **own, "name": name,
                     "auth_mode": "key", "traffic": traffic, "mirror_traffic": mirror}  # fmt: skip
            self._change(name, before, {**after, **{key: value for key, value in before.items() if key in GIVEN}})
        return self._settled(name, wait)

    def _change(self, name: str, before: Row, after: Row) -> None:
        """Write a document within a transaction; the supervisor says when it has taken effect."""
        after = {key: value for key, value in after.items() if key != "error"}
        self.save(name, before, {**after, "provisioning_state": "Updating"})

    def delete(self, name: str, wait: bool = True) -> None:
        """Remove an endpoint and its deployments.

        Args:
            wait: until its servers have ended.

        Raises:
            NotFound: no such endpoint.
        """
        self.stored(name)
        with self._keys_alone():
            self.remove(name)
            self.serving.folder.keys(name).unlink(missing_ok=True)
        self._ended(lambda server: server["endpoint"] == name, wait)
        if wait:
            with self._keys_alone():
                if name not in self.names():  # it may have been made again
                    shutil.rmtree(self.serving.folder.path / name, ignore_errors=True)

    def keys(self, name: str) -> dict[str, str]:
        """{primaryKey, secondaryKey}.

        Raises:
            NotFound: no such endpoint.
        """
        self.stored(name)
        self.serving.recover()
        return {f"{kind}Key": key for kind, key in read_json(self.serving.folder.keys(name)).items()}

    def regenerate(self, name: str, key_type: str, wait: bool = True) -> None:
        """Replace one of the keys; the old one is refused as soon as this returns.

        Raises:
            NotFound: no such endpoint.
            WorkspaceError: no such key.
        """
        self.stored(name)
        kind = key_type.lower()
        if kind not in KEY_TYPES:
            raise WorkspaceError(f"key_type: '{key_type}' is not one of {', '.join(KEY_TYPES)}.")
        with self._keys_alone():
            self._write_keys(name, {**read_json(self.serving.folder.keys(name)), kind: new_key()})
        with self._catalog.transaction():
            before = self.stored(name)
            self._change(name, before, before)
        self._settled(name, wait)

    @contextmanager
    def _keys_alone(self) -> Iterator[None]:
        """Keys are read, changed and written by one command at a time."""
        self.serving.folder.make()
        with exclusive(self.serving.folder.keys_lock):
            yield

    def _write_keys(self, name: str, keys: dict[str, str]) -> None:
        write_secret(self.serving.folder.keys(name), json.dumps(keys))

    def invoke(self, name: str, body: bytes, deployment: str | None = None) -> str:
        """Send a request to an endpoint, as any client would.

        Args:
            deployment: the one that answers, whatever the traffic says.

        Returns:
            The body of the answer.

        Raises:
            NotFound: no such endpoint.
            WorkspaceError: no such deployment; another answer than 200, with its status and body.
        """
        key = self.keys(name)["primaryKey"]
        known = [row["name"] for row in self.rows(name)]
        if deployment and deployment not in known:  # it would become a header
            those = ", ".join(known) or "none"
            raise WorkspaceError(f"Endpoint '{name}' has no deployment {deployment!r}; its deployments are: {those}.")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        stopped = not self.serving.is_up()
        netloc = urllib.parse.urlsplit(self.serving.address()).netloc
        if stopped:
            self._await_servers(name)
        connection = http.client.HTTPConnection(netloc, timeout=ANSWER)
        try:
            connection.request("POST", f"/{name}/score", body, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise WorkspaceError(f"Endpoint '{name}' did not answer: {error!r}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            own = response.getheader(MODEL_STATUS)
            of_script = f" (the scoring script's own status, or that of its server: {own})" if own else ""
            raise WorkspaceError(f"Endpoint '{name}' answered {response.status} {response.reason}{of_script}: {text}")
        return text

    def _await_servers(self, name: str) -> None:
        """Wait for the servers of an endpoint that was stopped: they may take longer than a request is waited for."""
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            servers = (self.serving.folder.record().get("servers") or {}).values()
            ready = {server["deployment"] for server in servers if server["endpoint"] == name and server["ready"]}
            live = [row for row in self.rows(name) if row["plan"]["live"]]
            if all(row["name"] in ready or row["doc"]["provisioning_state"] == "Failed" for row in live):
                return
            time.sleep(POLL)

    def _settled(self, name: str, wait: bool) -> Row:
        """The endpoint's document; if wanted, once the router works by it."""
        self.serving.ensure()
        end = time.monotonic() + SETTLE
        while wait and (doc := self.stored(name))["provisioning_state"] != "Succeeded":
            if doc["provisioning_state"] == "Failed" or time.monotonic() > end:
                reason = (doc.get("error") or {}).get(
                    "message"
                ) or f"no news for {SETTLE:.0f} s; see {self.serving.log}"
                raise WorkspaceError(f"Endpoint '{name}' can't be served: {reason}")
            time.sleep(POLL)
            self.serving.ensure()
        return self.get(name)


def new_key() -> str:
    """A random key of letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(KEY_LENGTH))
