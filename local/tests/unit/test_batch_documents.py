"""Documents of batch endpoints that several commands change at the same time."""

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from ml_workspace import Workspace, batch_deployments


@pytest.fixture
def ws(tmp_path, monkeypatch):
    """A workspace with the batch endpoint `e11`, whose deployments need nothing that exists."""
    monkeypatch.setattr(batch_deployments, "resolved", lambda ws, doc, source: (doc, {"kind": "model"}))
    workspace = Workspace.create(tmp_path / "root", "rg", "ws")
    workspace.batch.create({"name": "e11"})
    return workspace


@pytest.mark.parametrize(
    "change",
    [
        lambda batch, path: batch.create_deployment({"name": "two", "endpoint_name": "e11"}, path, set_default=True),
        lambda batch, path: batch.delete_deployment("e11", "one"),
        lambda batch, path: batch.create({"name": "e11", "description": "again"}),
    ],
)
def test_a_change_that_another_command_makes_meanwhile_is_kept(ws, tmp_path, monkeypatch, change):
    ws.batch.create_deployment({"name": "one", "endpoint_name": "e11"}, tmp_path, set_default=True)
    other = Workspace(ws.path).batch
    check = ws.batch._check
    meanwhile: list[Future] = []

    def read_then_checked(name, doc, new=False):
        if not new and not meanwhile:
            meanwhile.append(pool.submit(other.create, {"name": "e11", "tags": {"by": "another"}}))
            with contextlib.suppress(TimeoutError):
                meanwhile[0].result(timeout=1)  # it is done, unless it waits for this one
        check(name, doc, new)

    monkeypatch.setattr(ws.batch, "_check", read_then_checked)
    with ThreadPoolExecutor(1) as pool:
        change(ws.batch, tmp_path)
        meanwhile[0].result()
    assert ws.batch.get("e11")["tags"] == {"by": "another"}
