"""Requests to an online endpoint, as its users send them, and what comes back."""

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

DEPLOYMENT = "azureml-model-deployment"  # header: to whom a request goes, and who answered it
MODEL_STATUS = "ms-azureml-model-error-statuscode"  # header: what the scoring script answered, where that was an error
TIMEOUT = 100  # seconds; the endpoint's own limit is shorter


@dataclass(frozen=True)
class Rows:
    """Rows of a request.

    Args:
        columns: names.
        data: a list of values for each row.
    """

    columns: list[str]
    data: list[list[Any]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The rows of a sample request.

        Raises:
            ValueError: the file is no request.
        """
        try:
            table = json.loads(path.read_text(encoding="utf-8"))["input_data"]
            return cls(table["columns"], table["data"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: no request, which has input_data with columns, index and data ({error!r})"
            ) from error

    def body(self) -> bytes:
        table = {"columns": self.columns, "index": list(range(len(self.data))), "data": self.data}
        return json.dumps({"input_data": table}).encode()

    def some(self, chance: random.Random, most: int = 8) -> "Rows":
        """Up to `most` of the rows, in another order each time."""
        return Rows(self.columns, chance.sample(self.data, chance.randint(1, min(most, len(self.data)))))


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: HTTP status; 0 if there was no answer.
        seconds: until the last byte was there.
        deployment: who answered; None if that is not told.
        predictions: one a row; None if the answer is no list of numbers.
        problem: what is wrong with it; None if nothing is.
    """

    status: int
    seconds: float
    deployment: str | None
    predictions: list[float] | None
    problem: str | None


class Scoring:
    """An endpoint with a key. Not for several threads at once: each has its own.

    Args:
        uri: scoring address.
        key: of the endpoint.
    """

    def __init__(self, uri: str, key: str) -> None:
        self.uri = uri
        self._session = requests.Session()
        # A proxy of the environment is for other machines than this one.
        self._session.trust_env = urlsplit(uri).hostname != "127.0.0.1"
        self._session.headers.update({"Authorization": f"Bearer {key}", "Content-Type": "application/json"})

    def score(self, rows: Rows, deployment: str | None = None) -> Answer:
        """Sends rows to a deployment by name, or to whom the traffic gives them; never raises for what comes back."""
        headers = {DEPLOYMENT: deployment} if deployment else {}
        start = time.monotonic()
        try:
            response = self._session.post(
                self.uri, data=rows.body(), headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            problem = f"no answer: {type(error).__name__}"
            if isinstance(error, requests.ConnectionError) and not self._session.trust_env:
                problem += " (`make up` starts endpoints of this machine that are stopped)"
            return Answer(0, time.monotonic() - start, deployment, None, problem)
        seconds = time.monotonic() - start
        by = response.headers.get(DEPLOYMENT, deployment)
        if response.status_code != 200:
            model = response.headers.get(MODEL_STATUS)
            status = f"status {response.status_code}" + (f", the scoring script's {model}" if model else "")
            return Answer(response.status_code, seconds, by, None, f"{status}: {response.text[:300]}")
        predictions = numbers(response.text)
        return Answer(200, seconds, by, predictions, count_problem(predictions, len(rows.data), response.text))


def numbers(text: str) -> list[float] | None:
    """The predictions of an answer; None if it has none, or one that is not a finite number."""
    try:
        found = json.loads(text)["predictions"]
    except (ValueError, KeyError, TypeError):
        return None
    fine = isinstance(found, list) and all(type(one) in (int, float) and math.isfinite(one) for one in found)
    return [float(one) for one in found] if fine else None


def count_problem(predictions: Sequence[float] | None, rows: int, text: str) -> str | None:
    if predictions is None:
        return f'the answer is not {{"predictions": [numbers]}} but {text[:200]}'
    return None if len(predictions) == rows else f"{len(predictions)} predictions for {rows} rows"
