"""`make up`: what it waits for and what it says. The servers themselves are those of the engine's tests."""

import json

import pytest
from ml_workspace import Workspace, machine_verbs


@pytest.fixture
def ws(tmp_path, monkeypatch):
    """A workspace with an endpoint whose deployment blue has failed, and has had the traffic in vain since."""
    ws = Workspace.create(tmp_path / "root", "rg", "ws")
    monkeypatch.setattr(ws.online.serving, "ensure", lambda: None)
    monkeypatch.setattr(ws.online.serving, "address", lambda: "http://127.0.0.1:1")
    monkeypatch.setattr(machine_verbs, "AGAIN", 0.5)
    for endpoint in ("e11", "e22"):
        ws.online.create({"name": endpoint}, wait=False)
    plan = {"id": "p", "instances": 1}
    failed = {"provisioning_state": "Failed", "error": {"message": "no such file"}}
    ws.online.insert_deployment("e11", "blue", failed, {"live": plan, "wanted": plan})
    ws.online.update("e11", {"traffic": {"blue": 100}}, wait=False)
    ws.online.serving.folder.keep({"ports": {"requests": 1, "collector": 2}})
    settle(ws, failed)
    return ws


def settle(ws, changes):
    """Play the supervisor."""
    row = ws.online.row("e11", "blue")
    doc = {**row["doc"], **changes}
    ws.catalog.rows("UPDATE deployments SET doc = ? WHERE endpoint = 'e11'", json.dumps(doc))


def test_what_stays_failed_is_told_after_all_others_have_come_up(ws, capsys):
    assert machine_verbs.start([ws]) == 1
    said = capsys.readouterr().out
    assert "http://127.0.0.1:1/e22/score is up" in said
    assert "e11/score is up" not in said
    assert "deployment e11/blue failed: no such file" in said


def test_what_had_failed_before_and_comes_up_after_all_is_no_failure(ws, capsys, monkeypatch):
    def supervise():
        settle(ws, {"provisioning_state": "Succeeded"})
        ws.online.serving.folder.keep(
            {"ports": {"requests": 1, "collector": 2}, "servers": {"e11.blue.p.0.sock": {"ready": True}}}
        )

    monkeypatch.setattr(machine_verbs.time, "sleep", lambda _: supervise())
    assert machine_verbs.start([ws]) == 0
    assert "http://127.0.0.1:1/e11/score is up" in capsys.readouterr().out
