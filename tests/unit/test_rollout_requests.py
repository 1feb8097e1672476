"""Smoke test and watching, against a server on this machine that answers as an endpoint does, or as it should not."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scripts.rolling.scoring import Rows, Scoring
from scripts.rolling.smoke import Expected, SmokeError, smoke
from scripts.rolling.watch import Limits, Measured, judge, percentile, watch

LIMITS = Limits(error_rate=0.05, p95_ms=2_000)
ROWS = Rows(["delay", "carrier"], [[float(number), "AA"] for number in range(12)])
EXPECTED = Expected(ROWS, [2 * row[0] for row in ROWS.data], low=-10, high=100)


class Server(ThreadingHTTPServer):
    """Twice the delay, by `deployment`; `spoil` changes an answer: (deployment, rows, answer) -> (status, answer)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spoil: Callable[[str, list[Any], Any], tuple[int, Any]] = lambda deployment, rows, answer: (200, answer)
        self.asked: list[str | None] = []
        self.uri = f"http://127.0.0.1:{self.server_port}/e/score"

    def connect(self) -> Scoring:
        return Scoring(self.uri, "key")


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: a second one would wait for the first to be acknowledged

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == "Bearer key"
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input_data"]["data"]
        named = self.headers["azureml-model-deployment"]
        self.server.asked.append(named)
        deployment = named or "blue"
        status, answer = self.server.spoil(deployment, rows, {"predictions": [2 * row[0] for row in rows]})
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("azureml-model-deployment", deployment)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_deployment_that_answers_as_the_model_does_passes(server):
    found = smoke(server.connect(), "green", EXPECTED, ROWS, LIMITS)
    assert found["compared_rows"] == 12
    assert found["largest_difference"] == 0
    assert found["errors"] == 0
    assert set(server.asked) == {"green"}, "only the one that is tested is asked"


def spoilt(change: Callable[[list[float]], Any], status: int = 200) -> Callable[[str, list[Any], Any], tuple[int, Any]]:
    return lambda deployment, rows, answer: (status, change(answer["predictions"]))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoilt(lambda found: {"error": {"message": "init() raised"}}, 424), "status 424: .*raised"),
        (spoilt(lambda found: b"<html>"), "not {\"predictions\": \\[numbers\\]} but <html>"),
        (spoilt(lambda found: found), "not {\"predictions\""),
        (spoilt(lambda found: {"predictions": [str(one) for one in found]}), "not {\"predictions\""),
        (spoilt(lambda found: b'{"predictions": [NaN]}'), "not {\"predictions\""),
        (spoilt(lambda found: {"predictions": [True for _ in found]}), "not {\"predictions\""),
        (spoilt(lambda found: {"predictions": found[1:]}), "11 predictions for 12 rows"),
        (spoilt(lambda found: {"predictions": [one + 1000 for one in found]}), "1000, outside of .*, -10 to 100"),
        (spoilt(lambda found: {"predictions": [one + 0.01 for one in found]}), "row 0: 0.01 is served, .*says 0.0"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_with_an_answer_is_named(server, spoil, named):
    server.spoil = spoil
    with pytest.raises(SmokeError, match=named):
        smoke(server.connect(), "green", EXPECTED, ROWS, LIMITS)


def test_a_slow_deployment_fails(server):
    with pytest.raises(SmokeError, match=r"p95 is .* ms, above 0.001 ms"):
        smoke(server.connect(), "green", EXPECTED, ROWS, Limits(0.05, 0.001))


def test_a_slow_deployment_is_not_asked_for_longer_than_it_takes_to_know(server):
    with pytest.raises(SmokeError):
        smoke(server.connect(), "green", EXPECTED, ROWS, Limits(0.05, 0.001))
    assert len(server.asked) == 3 + 3, "5 % of 40 requests may be slow, the third is one too many"


def test_no_answer_at_all_is_an_error_and_no_traceback(server):
    answer = Scoring("http://127.0.0.1:9/e/score", "key").score(ROWS)
    assert answer.status == 0
    assert answer.problem == "no answer: ConnectionError (`make up` starts endpoints of this machine that are stopped)"


def test_a_model_without_expected_predictions_is_named(tmp_path):
    with pytest.raises(SmokeError, match=r"m:3 has no expected.json.*make train"):
        Expected.read(tmp_path, "m:3")
    (tmp_path / "expected.json").write_text('{"rows": {}}')
    with pytest.raises(SmokeError, match=r"m:3: its expected.json is not readable"):
        Expected.read(tmp_path, "m:3")


def test_watching_asks_by_traffic_and_by_name_in_turn(server):
    found = watch(server.connect, ROWS, "green", LIMITS, requests=60, seconds=60, clients=2, seed=7)
    assert {name: (one.requests, one.errors) for name, one in found.items()} == {"green": (30, 0), "blue": (30, 0)}
    assert judge(found["green"], LIMITS) is None


def test_only_the_new_deployment_is_judged(server):
    """Or else a bad one could not be replaced."""
    server.spoil = lambda deployment, rows, answer: (500 if deployment == "blue" else 200, answer)
    found = watch(server.connect, ROWS, "green", LIMITS, requests=60, seconds=60, clients=2, seed=7)
    assert found["blue"].errors == 30
    assert judge(found["green"], LIMITS) is None


def test_watching_stops_as_soon_as_too_much_has_failed(server):
    server.spoil = lambda deployment, rows, answer: (500 if deployment == "green" else 200, answer)
    limited = watch(server.connect, ROWS, "green", LIMITS, requests=400, seconds=60, clients=2, seed=7)
    assert limited["green"].requests < 30
    reason = judge(limited["green"], LIMITS)
    assert reason is not None
    assert "requests failed, more than 5.0%; the first: status 500" in reason


@pytest.mark.parametrize(
    ("times", "errors", "verdict"),
    [
        ([0.1] * 100, 5, None),
        ([0.1] * 100, 6, "6 of 100 requests failed"),
        ([0.1] * 95 + [9.0] * 5, 0, None),
        ([0.1] * 94 + [9.0] * 6, 0, "p95 is 9000 ms"),
        ([0.1] * 19, 0, "only 19 answers"),
    ],
)
def test_limits_are_kept_up_to_their_very_value(times, errors, verdict):
    reason = judge(Measured(len(times), errors, times, "status 500"), LIMITS)
    assert reason is None if verdict is None else verdict in str(reason)


def test_a_percentile_is_a_value_that_was_measured():
    values = random.Random(7).sample(range(1, 201), 200)
    assert percentile(values, 0.95) == 190
    assert percentile(values, 1.0) == 200
    assert percentile([3.0], 0.95) == 3.0
