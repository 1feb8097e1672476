"""Rollouts through the real az: the first, a good one under load, refused ones, a rollback, one that is killed.

The models are small ones that the train script makes, in three months of made-up flights; the specs are the
repository's own. One endpoint goes through it all, so each test begins by looking at what has the traffic.
"""

import json
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from sklearn.base import BaseEstimator

from scripts.rolling.scoring import Rows, Scoring
from tests.place import Place, workspace

pytestmark = pytest.mark.slow
# Few requests, and limits that a busy machine keeps: what is slow here is slower by far.
SETTINGS = """
rollout:
  watch_requests: 40
  max_p95_ms: 2500
"""

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the server can't import this module


class Spoilt(BaseEstimator):
    """A model that takes its time, or fails as soon as it is asked."""

    def __init__(self, model: Any, seconds: float = 0.0, fails: bool = False) -> None:
        self.model, self.seconds, self.fails = model, seconds, fails

    def predict(self, rows: Any) -> Any:
        time.sleep(self.seconds)
        if self.fails:
            raise ValueError("this model can't predict")
        return self.model.predict(rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A workspace in which version 1 is served, after a first rollout."""
    with workspace(tmp_path_factory.mktemp("rollout"), SETTINGS) as place:
        first = place.roll_out("1")
        assert "flight-delay:1 is served by blue, with 100 %" in first
        yield place


@dataclass
class Load:
    """Requests one after the other until it is told to stop."""

    scoring: Scoring
    rows: Rows
    answered: dict[str | None, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(7)
        while not self._over.is_set():
            answer = self.scoring.score(self.rows.some(chance))
            self.answered[answer.deployment] = self.answered.get(answer.deployment, 0) + 1
            if answer.problem:
                self.problems.append(answer.problem)
            self._over.wait(0.05)  # the rollout watches meanwhile, and a busy machine has to keep its limits


def test_a_good_model_is_rolled_out_under_load_without_a_failed_request(place):
    version = place.register(place.model)
    with Load(place.scoring(), place.sample) as load:
        rollout = place.start("scripts.rollout", "--model-version", version)
        try:
            said = until(rollout, "gets a copy of 20 %")
            second = place.roll_out("1", code=1)
            rest, _ = rollout.communicate(timeout=300)
        finally:
            rollout.kill()
    assert rollout.returncode == 0, said + rest
    assert f"is rolling out flight-delay:{version} since" in second
    assert not load.problems
    assert load.answered.keys() == {"blue", "green"}
    assert place.shown["traffic"] == {"blue": 0, "green": 100}
    assert "serves flight-delay:2" in place.run("scripts.smoke")


def test_a_rollback_restores_the_traffic_of_before(place):
    assert "rolled back: traffic is blue=100" in place.run("scripts.rollback")
    assert place.shown["traffic"] == {"blue": 100, "green": 0}
    assert "nothing to roll back to" in place.run("scripts.rollback", code=1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "az ml online-deployment update"),
        ("failing", "the scoring script's 500"),
        ("slow", "above 2500 ms"),
        ("other", "the registered model itself says"),
    ],
)
def test_a_bad_model_is_refused_with_the_traffic_exactly_as_before(place, name, reason):
    folder = place.variant(name)
    spoil(folder, name)
    before = place.shown
    out = place.roll_out(place.register(folder), code=1)
    after = place.shown
    assert reason in out
    assert after["traffic"] == before["traffic"] == {"blue": 100, "green": 0}
    assert not after["mirror_traffic"]
    assert "rollout_owner" not in after["tags"]
    assert place.scoring().score(place.sample).problem is None


def spoil(folder: Path, name: str) -> None:
    path, expected = folder / "model.pkl", folder / "expected.json"
    model = pickle.loads(path.read_bytes())
    match name:
        case "broken":
            path.write_bytes(b"no pickle")
        case "failing":
            path.write_bytes(cloudpickle.dumps(Spoilt(model, fails=True)))
        case "slow":
            path.write_bytes(cloudpickle.dumps(Spoilt(model, seconds=3.0)))
        case "other":
            found = json.loads(expected.read_text())
            found["predictions"][0] += 0.5
            expected.write_text(json.dumps(found))


def test_a_rollout_that_is_killed_is_finished_by_the_next(place):
    version = place.register(place.model)
    rollout = place.start("scripts.rollout", "--model-version", version)
    try:
        until(rollout, "blue: ")  # the figures of the mirror stage: the share comes next
        until(rollout, "gets 10 %")
    finally:
        rollout.send_signal(signal.SIGKILL)
        rollout.communicate()
    out = place.roll_out(version)
    assert "ended half-way" in out
    assert f"flight-delay:{version} is served by green" in out
    assert place.shown["traffic"] == {"blue": 0, "green": 100}
    assert place.shown["tags"]["rollback_to"] == "blue=100"


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """What a process said up to a line with `text`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it ended without saying {text!r}: {said}")
