"""A worker process of a parallel job: `python parallel_worker.py <descriptor of its connection to the driver>`.

It imports the entry script once, runs init(), and then run() on the mini-batches that the driver sends, one at a time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import logging
import os
import pickle
import queue
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass
class MiniBatchContext:
    """What a run() with two parameters is told of its mini-batch."""

    minibatch_index: int
    partition_key_value: dict[str, Any]


def main() -> int:
    del sys.path[0]  # the engine's own modules, beside this file, must not be found in place of others
    for stream in (sys.stdout, sys.stderr):  # whole lines: several workers write to the same log
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(line_buffering=True, write_through=False)
    connection = Connection(int(sys.argv[1]))
    settings = connection.recv()
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(connection, inbox), daemon=True).start()
    try:
        tables = load(Path(__file__).with_name("parallel_tables.py")) if settings["mltable"] else None
        script = import_script(settings)
        if hasattr(script, "init"):
            script.init()
    except (Exception, SystemExit):  # noqa: BLE001 - the script may raise anything, and argparse exits
        connection.send(("broken", f"The entry script {settings['entry_script']} can't be started:", told()))
        return 1
    connection.send(("ready",))
    while True:
        kind, *rest = inbox.get()
        if kind == "stop":
            if hasattr(script, "shutdown"):
                script.shutdown()
            if tables:
                tables.leave()
            return 0
        if kind == "cut":
            connection.send(cut(tables, settings))
        else:
            connection.send(work(connection, script, tables, settings, *rest))


def listen(connection: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    """Receives while run() is busy, so that a worker whose driver has died ends at once."""
    try:
        while True:
            inbox.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)


def told() -> str:
    """Prints and returns the exception at hand with its traceback, from the entry script on."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_next is not None:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen importlib"):
            break
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace))
    print(text, file=sys.stderr, flush=True)
    return text


def load(path: Path) -> ModuleType:
    """A Python file as a module of its name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no Python script {path.name} in the job's code")
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def import_script(settings: dict[str, Any]) -> ModuleType:
    """The entry script as a module; the process then looks as if it had been started with it."""
    script = Path.cwd() / settings["entry_script"]
    sys.path[:0] = list(dict.fromkeys([str(script.parent), str(Path.cwd())]))
    sys.argv = [str(script), *settings["arguments"], *own_arguments(settings)]
    logging.basicConfig(level=settings["logging_level"])
    module = load(script)
    if not callable(getattr(module, "run", None)):
        raise AttributeError(f"{settings['entry_script']} defines no run(mini_batch)")
    return module


def own_arguments(settings: dict[str, Any]) -> list[str]:
    """Arguments that Azure's runner adds to the component's: a script that can't bear them fails there as well."""
    values = {
        "scoring_module_name": settings["entry_script"],
        "mini_batch_size": settings["mini_batch_size"],
        "error_threshold": settings["error_threshold"],
        "output_action": "append_row" if settings["append_rows"] else "summary_only",
        "logging_level": settings["logging_level"],
        "run_invocation_timeout": int(settings["timeout"]),
        "run_max_try": settings["max_retries"] + 1,
    }
    return [text for name, value in values.items() for text in (f"--{name}", str(value))]


def cut(tables: Any, settings: dict[str, Any]) -> tuple[Any, ...]:
    """Cuts the table; returns the message for the driver."""
    try:
        cut = tables.cut if settings["tabular"] else tables.cut_files
        parts = cut(Path(settings["input"]), settings["partition_keys"], settings["mini_batch_size"])
    except tables.TableError as error:
        return "broken", f"The input {settings['input']} can't be cut into mini-batches: {error}", ""
    except Exception:  # noqa: BLE001 - mltable reports what is wrong with a table in types of its own
        return "broken", f"The input {settings['input']} can't be cut into mini-batches:", told()
    # Pickled here, so that the driver can pass them on without pandas, whose types the keys may have.
    return "cut", [(name, pickle.dumps(part)) for name, part in parts]


def work(
    connection: Connection, script: ModuleType, tables: Any, settings: dict[str, Any], number: int, content: Any
) -> tuple[Any, ...]:
    """Reads a mini-batch and runs the script on it; returns the message for the driver."""
    try:
        keys: dict[str, Any] = {}
        if tables:
            part = pickle.loads(content)
            content = tables.read(Path(settings["input"]), part) if settings["tabular"] else part["files"]
            keys = part.get("keys", {})
        given = len(content)
        if given == 0:
            return "done", 0, 0
        connection.send(("running", given))  # from here on retry_settings.timeout counts
        wants_context = len(inspect.signature(script.run).parameters) > 1
        returned = script.run(content, MiniBatchContext(number, keys)) if wants_context else script.run(content)
        if not isinstance(returned, (list, tuple)) and not hasattr(returned, "to_csv"):
            raise TypeError(f"run() returned {type(returned).__name__}; it must return a list, a tuple or a DataFrame")
        if settings["append_rows"]:
            write_rows(returned, Path(settings["rows"]) / f"{number:09d}.rows")
        return "done", given, len(returned)
    except (Exception, SystemExit):  # noqa: BLE001 - the script may raise anything
        return "failed", told()


def write_rows(rows: Any, path: Path) -> None:
    """One line for each row, the columns of a DataFrame with a blank between them and without a header, as on Azure."""
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("w", encoding="utf-8", newline="") as file:
        if hasattr(rows, "to_csv"):
            rows.to_csv(file, sep=" ", header=False, index=False)
        else:
            file.writelines(f"{row}\n" for row in rows)
    draft.replace(path)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the driver has died
        sys.exit(main())
