"""Sends one request again and again: `python serve_load.py URL BODY CLIENTS REQUESTS [WHILE]`, with the key in $KEY.

Each client waits for its answer before it asks again (a closed loop) and keeps its connection if the server does. Goes
on beyond REQUESTS while the file WHILE exists. Prints JSON: seconds, requests, failed (not 200), p99 and median in ms.
Runs in an environment that has aiohttp and uvloop, in a process of its own.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import aiohttp
import uvloop


class Load:
    """Counts down the requests of all clients."""

    def __init__(self, url: str, body: bytes, requests: int, going: Path | None) -> None:
        self._url, self._body, self._left, self._going = url, body, requests, going
        self.taken: list[float] = []
        self.failed = 0

    async def client(self, session: aiohttp.ClientSession) -> None:
        while self._left > 0 or (self._going and self._going.exists()):
            self._left -= 1
            started = time.perf_counter()
            try:
                async with session.post(self._url, data=self._body) as answer:
                    said = await answer.read()
                    if answer.status != 200:
                        self._fail(f"{answer.status}: {said[:1000]!r}")
            except aiohttp.ClientError as error:
                self._fail(repr(error))
            self.taken.append(time.perf_counter() - started)

    def _fail(self, how: str) -> None:
        if not self.failed:
            print(f"the first request that failed: {how}", file=sys.stderr)
        self.failed += 1


async def main(url: str, body: str, clients: str, requests: str, going: str = "") -> None:
    load = Load(url, Path(body).read_bytes(), int(requests), Path(going) if going else None)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('KEY', '')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        started = time.perf_counter()
        await asyncio.gather(*[load.client(session) for _ in range(int(clients))])
        seconds = time.perf_counter() - started
    taken = sorted(load.taken)
    found = {"seconds": seconds, "requests": len(taken), "failed": load.failed,
             "p99": taken[len(taken) * 99 // 100] * 1000, "median": taken[len(taken) // 2] * 1000}  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
