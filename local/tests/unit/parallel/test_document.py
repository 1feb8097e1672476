"""The document of a parallel job: defaults, sizes, and what is refused."""

import os

import pytest
from ml_workspace import parallel
from ml_workspace.errors import Unsupported, WorkspaceError


@pytest.mark.parametrize(
    ("text", "tabular", "expected"),
    [
        ("10", False, 10),
        ("0", False, 1),
        (None, False, 1),
        ("0", True, 1 << 20),
        ("512", True, 512),
        ("1kb", True, 1 << 10),
        ("10 MB", True, 10 << 20),
        ("1gb", True, 1 << 30),
    ],
)
def test_mini_batch_size(text, tabular, expected):
    assert parallel.mini_batch_size(text, tabular) == expected


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"resources": {"instance_count": 0}}, WorkspaceError, "resources.instance_count must be an integer from 1"),
        ({"max_concurrency_per_instance": "-1"}, WorkspaceError, "max_concurrency_per_instance must be an integer"),
        ({"task": {"type": "model", "entry_script": "x"}}, Unsupported, "task.type 'model'"),
        ({"task": {"type": "run_function"}}, WorkspaceError, "entry_script is missing"),
        ({"mini_batch_size": "10mb"}, WorkspaceError, "for files it is a number of files"),
        ({"mini_batch_size": "many"}, WorkspaceError, "mini_batch_size 'many'"),
        ({"input_data": "data"}, WorkspaceError, "input_data is 'data'"),
        ({"partition_keys": ["x"]}, Unsupported, "inputs.data is a folder"),
        (
            {"inputs": {"data": {"type": "mltable", "mode": "eval_mount"}}, "mini_batch_size": "1kb"},
            WorkspaceError,
            "for files it is a number of files",
        ),
    ],
)
def test_a_wrong_setting_is_named_before_anything_runs(node, changes, error, message):
    with pytest.raises(error, match=message):
        parallel.validate({**node(), **changes})


def test_an_input_without_a_value_and_an_unknown_output_are_named(make_bench, node):
    with pytest.raises(WorkspaceError, match=r"inputs\.data, which input_data names, has no value"):
        parallel.settings(make_bench().context(node(), {}))
    with pytest.raises(WorkspaceError, match=r"append_row_to: there is no output 'nosuch'; there are: none"):
        parallel.validate(node({"append_row_to": "${{outputs.nosuch}}"}))


def test_defaults_are_those_of_the_schema(make_bench, node):
    bench = make_bench()
    plain = node()
    del plain["max_concurrency_per_instance"]
    told = parallel.settings(bench.context(plain, {"data": bench.files(1)}))
    assert (told["max_retries"], told["timeout"], told["processes"]) == (2, 60, os.cpu_count())
    assert (told["mini_batch_error_threshold"], told["error_threshold"]) == (-1, -1)


def test_more_instances_are_more_workers_as_far_as_there_are_cores(make_bench, node, monkeypatch):
    bench = make_bench()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    data = {"data": bench.files(1)}

    def told(instances, each):
        changes = {"resources": {"instance_count": instances}, "max_concurrency_per_instance": each}
        return parallel.settings(bench.context(node(**changes), data))["processes"]

    assert (told(2, 2), told(1, 6)) == (4, 6)
    assert bench.lines == []
    assert (told(3, 2), told(2, None)) == (4, 4)
    assert bench.lines == [
        "parallel: 6 worker processes on all instances; this machine runs 4 at once\n",
        "parallel: 8 worker processes on all instances; this machine runs 4 at once\n",
    ]
