"""Parallel jobs over an MLTable: by partition keys, from paths and columns, and by size."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ml_workspace import parallel
from ml_workspace.steps import StepFailed

TABLE_ENTRY = """
import json, pandas
def run(mini_batch, mini_batch_context):
    keys = {key: str(value) for key, value in mini_batch_context.partition_key_value.items()}
    rows = [{"keys": keys, "id": int(row["id"]), "kind": None if pandas.isna(row["kind"]) else row["kind"]}
            for _, row in mini_batch.iterrows()]
    assert list(mini_batch.index) == list(range(len(mini_batch)))
    return [json.dumps(rows)] + [""] * (len(rows) - 1)
"""

MLTABLE = """
type: mltable
paths:
  - pattern: ./*/part.parquet
transformations:
  - extract_columns_from_partition_format: {partition_format: "/{landed:yyyy-MM-dd}/part.parquet"}
  - read_parquet
"""


@pytest.fixture
def dataset(tmp_path):
    """Three dates, six rows each; `kind` has values that occur in all files, and nulls."""
    folder = tmp_path / "table"
    for month in (1, 2, 3):
        place = folder / f"2013-{month:02d}-01"
        place.mkdir(parents=True)
        frame = pd.DataFrame({"id": [month * 10 + n for n in range(6)], "kind": ["a", "b", None] * 2})
        frame.to_parquet(place / "part.parquet")
    (folder / "MLTable").write_text(MLTABLE)
    return str(folder)


@pytest.fixture
def table(node):
    """Makes the document of a job over the table; azure-ai-ml writes the size 0 where there is none."""
    declared = {"data": {"type": "mltable", "mode": "direct"}}
    return lambda **changes: node(inputs=declared, **{"mini_batch_size": "0", **changes})


def mini_batches(bench, job, dataset, tmp_path):
    """The rows of each mini-batch, as run() saw them."""
    context = bench.context(job, {"data": dataset}, {"rows": tmp_path / "rows.txt"})
    parallel.run(context)
    return [json.loads(line) for line in (tmp_path / "rows.txt").read_text().splitlines() if line]


ROWS = {"append_row_to": "${{outputs.rows}}"}


def test_keys_from_the_path_give_a_mini_batch_for_each_partition(make_bench, table, dataset, tmp_path):
    bench = make_bench(TABLE_ENTRY)
    found = mini_batches(bench, table(task=ROWS, partition_keys=["landed"]), dataset, tmp_path)
    assert [[row["id"] for row in rows] for rows in found] == [
        [month * 10 + n for n in range(6)] for month in (1, 2, 3)
    ]
    assert found[1][0]["keys"] == {"landed": "2013-02-01 00:00:00"}
    assert "(landed=2013-02-01): 6 items" in bench.output


def test_keys_from_columns_gather_their_rows_from_all_files_and_null_is_a_value(make_bench, table, dataset, tmp_path):
    bench = make_bench(TABLE_ENTRY)
    found = mini_batches(bench, table(task=ROWS, partition_keys=["kind"]), dataset, tmp_path)
    assert [{row["kind"] for row in rows} for rows in found] == [{"a"}, {"b"}, {None}]
    assert [row["id"] for row in found[0]] == [10, 13, 20, 23, 30, 33]
    assert sum(len(rows) for rows in found) == 18


def test_keys_from_path_and_columns_together(make_bench, table, dataset, tmp_path):
    bench = make_bench(TABLE_ENTRY)
    found = mini_batches(bench, table(task=ROWS, partition_keys=["landed", "kind"]), dataset, tmp_path)
    assert [[row["id"] for row in rows] for rows in found][:4] == [[10, 13], [11, 14], [12, 15], [20, 23]]
    assert len(found) == 9


@pytest.mark.slow
def test_size_puts_small_files_together_and_cuts_large_ones(make_bench, table, dataset, tmp_path):
    bytes_ = (Path(dataset) / "2013-01-01" / "part.parquet").stat().st_size
    bench = make_bench(TABLE_ENTRY)
    together = mini_batches(bench, table(task=ROWS, mini_batch_size=str(bytes_ * 2)), dataset, tmp_path)
    assert [len(rows) for rows in together] == [12, 6]
    cut = mini_batches(bench, table(task=ROWS, mini_batch_size=f"{bytes_ // 2 + 1}b"), dataset, tmp_path)
    assert [len(rows) for rows in cut] == [3] * 6
    assert [row["id"] for rows in cut for row in rows] == [month * 10 + n for month in (1, 2, 3) for n in range(6)]


@pytest.mark.parametrize(
    ("change", "keys", "message"),
    [
        ("  - take: 5\n", ["landed"], "take is about the table as a whole"),
        ("", ["nosuch"], "nosuch"),
    ],
)
def test_a_table_that_can_not_be_cut_fails_the_job(make_bench, table, change, keys, message, dataset):
    (Path(dataset) / "MLTable").write_text(MLTABLE + change)
    bench = make_bench(TABLE_ENTRY)
    with pytest.raises(StepFailed, match=rf"(?s)can't be cut into mini-batches: .*{message}"):
        parallel.run(bench.context(table(partition_keys=keys), {"data": dataset}))


LIST_ENTRY = """
def run(mini_batch, mini_batch_context):
    keys = [str(value)[:10] for value in mini_batch_context.partition_key_value.values()]
    return [" ".join([*keys, str(len(mini_batch)), path.split("/")[-2]]) for path in mini_batch]
"""


@pytest.mark.parametrize("mode", ["ro_mount", "eval_mount", None])
def test_in_another_mode_than_direct_a_table_stands_for_its_files(make_bench, node, dataset, tmp_path, mode):
    declared = {"data": {"type": "mltable", "mode": mode}}
    rows = tmp_path / "rows.txt"

    def lines(**changes):
        bench = make_bench(LIST_ENTRY)
        job = node(inputs=declared, task=ROWS, **changes)
        parallel.run(bench.context(job, {"data": dataset}, {"rows": rows}))
        return rows.read_text().splitlines()

    if mode:
        assert lines(mini_batch_size="2") == ["2 2013-01-01", "2 2013-02-01", "1 2013-03-01"]
    else:
        days = ["2013-01-01", "2013-02-01", "2013-03-01"]
        assert lines(partition_keys=["landed"]) == [f"{day} 1 {day}" for day in days]


def test_files_can_not_be_parted_by_columns_of_their_rows(make_bench, node, dataset):
    job = node(inputs={"data": {"type": "mltable"}}, partition_keys=["kind"])
    with pytest.raises(StepFailed, match=r"its paths give no column kind .* they give: landed"):
        parallel.run(make_bench(LIST_ENTRY).context(job, {"data": dataset}))
