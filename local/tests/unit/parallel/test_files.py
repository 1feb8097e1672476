"""Parallel jobs over files: mini-batches, rows, arguments, workers."""

from ml_workspace import parallel


def test_files_are_cut_by_number_and_rows_are_joined_in_their_order(make_bench, node, tmp_path):
    bench = make_bench(
        """
        import os, time
        def run(mini_batch):
            names = [os.path.basename(path) for path in mini_batch]
            time.sleep(0.3 if "0.txt" in names else 0)   # the first is finished last
            return names
        """,
    )
    (tmp_path / "out").mkdir()
    result = parallel.run(
        bench.context(
            node({"append_row_to": "${{outputs.rows}}"}, mini_batch_size="2"),
            {"data": bench.files(5)},
            {"rows": tmp_path / "out"},
        )
    )
    assert (tmp_path / "out" / "parallel_run_step.txt").read_text().split() == [f"{n}.txt" for n in range(5)]
    assert result.properties == {"mini_batches": "3", "failed_mini_batches": "0", "items": "5", "failed_items": "0"}
    assert "mini-batch 3/3 (0.txt and 1 more): 2 items in" in bench.output


def test_rows_of_a_data_frame_go_to_a_uri_file_output_with_blanks_between_columns(make_bench, node, tmp_path):
    bench = make_bench(
        """
        import os, pandas
        def run(mini_batch):
            return pandas.DataFrame({"name": [os.path.basename(path) for path in mini_batch], "score": 0.5})
        """,
    )
    context = bench.context(
        node({"append_row_to": "${{outputs.rows}}"}), {"data": bench.files(2)}, {"rows": tmp_path / "rows.txt"}
    )
    parallel.run(context)
    assert (tmp_path / "rows.txt").read_text() == "0.txt 0.5\n1.txt 0.5\n"


def test_the_script_gets_its_arguments_and_those_of_the_runner(make_bench, node):
    bench = make_bench()
    task = {"program_arguments": "--model ${{inputs.model}} --copy_logs_to_parent True"}
    parallel.run(bench.context(node(task), {"data": bench.files(1), "model": "/models/m"}))
    assert "arguments --model /models/m" in bench.output
    assert "--scoring_module_name entry.py --mini_batch_size 1" in bench.output
    assert bench.lines == ["parallel: --copy_logs_to_parent has no effect in a local workspace\n"]


def test_init_and_shutdown_run_once_in_each_worker_and_two_work_at_once(make_bench, node):
    bench = make_bench(
        """
        import os, time
        from pathlib import Path
        def init(): print("init", os.getpid())
        def run(mini_batch):
            Path(f"started.{os.getpid()}").touch()
            while len(list(Path().glob("started.*"))) < 2:   # each worker waits until the other one works, too
                time.sleep(0.01)
            return mini_batch
        def shutdown(): print("shutdown", os.getpid())
        """,
    )
    parallel.run(bench.context(node(), {"data": bench.files(4)}))
    started = [line for line in bench.output.splitlines() if line.startswith("init")]
    ended = [line for line in bench.output.splitlines() if line.startswith("shutdown")]
    assert len(set(started)) == len(started) == 2
    assert sorted(line.split()[1] for line in ended) == sorted(line.split()[1] for line in started)


def test_modules_of_the_engine_do_not_hide_those_of_the_script(make_bench, node):
    bench = make_bench(
        """
        import errors
        def run(mini_batch):
            print("mine", errors.MINE)
            return mini_batch
        """,
    )
    (bench.code / "errors.py").write_text("MINE = True")
    parallel.run(bench.context(node(), {"data": bench.files(1)}))
    assert "mine True" in bench.output
