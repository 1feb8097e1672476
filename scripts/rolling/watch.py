"""Requests from a few clients for a while, and whether what came back is within the limits."""

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scripts.rolling.scoring import Answer, Rows, Scoring

SLOW = 0.05  # share of requests that may take longer than the p95
FEWEST = 20  # answers; a p95 of fewer says nothing


@dataclass(frozen=True)
class Limits:
    """What a deployment has to keep, from config/.

    Args:
        error_rate: share of requests that may fail.
        p95_ms: milliseconds within which 95 % of the requests have to be answered.
    """

    error_rate: float
    p95_ms: float

    def hopeless(self, measured: "Measured", planned: int) -> bool:
        """Whether so much failed or was slow that the limits can't be kept any more, however the rest will be."""
        slow = sum(1 for seconds in measured.seconds if 1000 * seconds > self.p95_ms)
        return measured.errors > self.error_rate * planned or slow > SLOW * planned


@dataclass
class Measured:
    """Requests to one deployment: their number, those that failed, times."""

    requests: int = 0
    errors: int = 0
    seconds: list[float] = field(default_factory=list)
    problem: str | None = None  # the first

    def add(self, answer: Answer) -> None:
        self.requests += 1
        self.seconds.append(answer.seconds)
        if answer.problem:
            self.errors += 1
            self.problem = self.problem or answer.problem

    @property
    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    @property
    def p95_ms(self) -> float:
        return 1000 * percentile(self.seconds, 1 - SLOW)

    def summary(self) -> dict[str, float]:
        return {"requests": self.requests, "errors": self.errors, "p95_ms": round(self.p95_ms, 1)}


def percentile(values: Sequence[float], share: float) -> float:
    """Smallest value that `share` of the values don't exceed (nearest rank); 0 if there are none."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else 0.0


def judge(measured: Measured, limits: Limits) -> str | None:
    """Why a deployment is not good enough; None if it is."""
    if measured.error_rate > limits.error_rate:
        first = f"; the first: {measured.problem}"
        return f"{measured.errors} of {measured.requests} requests failed, more than {limits.error_rate:.1%}{first}"
    if measured.p95_ms > limits.p95_ms:
        return f"p95 is {measured.p95_ms:.0f} ms, above {limits.p95_ms:g} ms"
    if measured.requests < FEWEST:
        return f"only {measured.requests} answers, fewer than the {FEWEST} that say something"
    return None


def watch(
    connect: Callable[[], Scoring],
    rows: Rows,
    deployment: str,
    limits: Limits,
    requests: int,
    seconds: float,
    clients: int,
    seed: int,
) -> dict[str, Measured]:
    """Sends `requests` requests, or as many as are answered in `seconds`, every other one to `deployment` by name.

    What is mirrored to a deployment is answered to nobody, and a small share of the traffic takes long to tell
    anything; so it is asked by name as well, while it has the copies or the share to cope with.

    Returns:
        Deployment -> what was measured. It stops early once `deployment` can't keep the limits any more.
    """
    found = {deployment: Measured()}
    lock, start, sent, stopped = threading.Lock(), time.monotonic(), 0, False

    def client(number: int) -> None:
        nonlocal sent
        scoring, chance = connect(), random.Random(seed + number)
        while True:
            with lock:
                over = sent >= requests or time.monotonic() - start > seconds
                if stopped or over or limits.hopeless(found[deployment], requests):
                    return
                sent += 1
                by_name = sent % 2 == 0
            answer = scoring.score(rows.some(chance), deployment if by_name else None)
            with lock:
                found.setdefault(answer.deployment or "unknown", Measured()).add(answer)

    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stopped = True  # after Ctrl-C nobody is asked any more
    return found
