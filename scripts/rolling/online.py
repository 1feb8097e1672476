"""An online endpoint, reached by `az ml` lines."""

import json
from concurrent.futures import ThreadPoolExecutor

from scripts.az import AzError, az, az_json
from scripts.rolling.state import Endpoint


class OnlineEndpoint:
    """An online endpoint of a workspace.

    Args:
        name: of the endpoint.
        where: flags that name the workspace.
    """

    def __init__(self, name: str, where: list[str]) -> None:
        self.name, self._where = name, where

    def read(self) -> Endpoint | None:
        """What it is like now; None if it doesn't exist.

        Raises:
            AzError: it can't be read.
        """
        with ThreadPoolExecutor(2) as pool:
            show = pool.submit(az, [*self._line("online-endpoint", "show"), "--output", "json"], (0, 3))
            deployments = pool.submit(az_json, self._line("online-deployment", "list", "--endpoint-name"))
            if show.result().returncode == 3:
                return None
            return Endpoint.of(json.loads(show.result().stdout), deployments.result())

    def run(self, arguments: tuple[str, ...]) -> None:
        # No output: what a long wait prints, dots, comes before the JSON.
        az([*arguments, *self._where, "--output", "none"])

    def address(self) -> tuple[str, str]:
        """Scoring address and key.

        Raises:
            AzError: they can't be read.
        """
        with ThreadPoolExecutor(2) as pool:
            document = pool.submit(az_json, self._line("online-endpoint", "show"))
            keys = pool.submit(az_json, self._line("online-endpoint", "get-credentials"))
            uri, key = document.result().get("scoring_uri"), keys.result().get("primaryKey")
        if not uri or not key:
            raise AzError(f"endpoint {self.name} has no scoring address or no key; auth_mode has to be key")
        return uri, key

    def _line(self, group: str, verb: str, flag: str = "--name") -> list[str]:
        return ["ml", group, verb, flag, self.name, *self._where]
