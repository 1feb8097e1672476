"""A record of the data collector is in its file as a whole, or not at all."""

import os

import pytest
from ml_workspace import serving_collector
from ml_workspace.serving_routes import Routes
from routing import deployment, digest, endpoint


def collector(folder):
    document = {"token": digest("t"), "folder": str(folder), "source": "/s", "collections": {"model_inputs": {}}}
    routes = Routes().next(
        {"generation": 1, "endpoints": {"e": endpoint({}, blue=deployment("b", collector=document))}}
    )
    return routes.endpoints["e"].deployments["blue"].collector


def test_a_disk_that_fills_up_amid_a_record(tmp_path, monkeypatch):
    headers = {"ce-type": "azureml.inference.model_inputs", "ce-time": "0"}
    serving_collector.collect(collector(tmp_path), headers, b"[1]")
    path = tmp_path / "model_inputs/1970/01/01/00/local.jsonl"
    whole = path.read_bytes()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
        with pytest.raises(OSError, match="got 20 of"):
            serving_collector.collect(collector(tmp_path), headers, b"[2]")
    assert path.read_bytes() == whole
    serving_collector.collect(collector(tmp_path), headers, b"[3]")
    assert len(path.read_bytes().splitlines()) == 2


def test_a_file_that_large_data_does_not_fit_into_is_removed(tmp_path, monkeypatch):
    def full(path, data):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serving_collector.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        serving_collector.collect(collector(tmp_path), {"ce-type": "azureml.inference.model_inputs"},
                                  b'"' + b"x" * 5_000_000 + b'"')  # fmt: skip
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
