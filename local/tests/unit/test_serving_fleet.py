"""Servers beside each other: what goes wrong with one does not touch the others."""

import subprocess
import time

import pytest
from ml_workspace import Workspace, serving_fleet
from ml_workspace.serving_fleet import Fleet
from ml_workspace.serving_state import Need

PROBE = {"initial_delay": 0, "period": 1, "timeout": 1, "failure_threshold": 1, "success_threshold": 1}
PLANS = {name: {"id": name, "timeout_ms": 1000, "liveness": PROBE, "readiness": PROBE} for name in ("gone", "well")}
NEEDS = {need.socket: need for need in (Need("e11", plan, plan, 0) for plan in PLANS)}


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    ws = Workspace.create(tmp_path / "root", "rg", "ws")
    ws.online.serving.folder.make()
    monkeypatch.chdir(ws.online.serving.folder.sockets)
    fleet = Fleet(ws, ws.online.serving.folder)
    yield fleet
    fleet.close()


@pytest.fixture
def laid_out(monkeypatch):
    """Plans of which a folder was laid out, in order; the files of one plan are gone by the time of its start."""
    plans = []

    class Launch:
        done, error = True, None

        def __init__(self, ws, folder, plan):
            self.plan = plan["id"]
            plans.append(self.plan)

        def start(self, need, listening, port):
            if self.plan == "gone":
                raise FileNotFoundError("there is no python")
            return subprocess.Popen(["sleep", "60"], start_new_session=True)

    monkeypatch.setattr(serving_fleet, "Launch", Launch)
    return plans


def test_a_server_that_cannot_be_started_is_laid_out_anew_later_and_keeps_nobody_waiting(fleet, laid_out):
    now = time.monotonic()
    fleet.step(now, NEEDS, PLANS, 1)
    assert list(fleet.records()) == ["e11.well.well.0.sock"]
    fleet.step(now, NEEDS, PLANS, 1)
    assert laid_out == ["gone", "well", "gone"]
    assert fleet.trouble("gone") == "it can't be started: there is no python"
    assert fleet.trouble("well") is None
    fleet.step(now, NEEDS, PLANS, 1)
    assert laid_out == ["gone", "well", "gone"], "there is a pause before the third time"
    fleet.step(now + 60, NEEDS, PLANS, 1)
    assert laid_out == ["gone", "well", "gone", "gone"]
