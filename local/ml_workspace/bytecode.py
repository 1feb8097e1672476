"""Compiles the packages of an environment: `python bytecode.py FOLDER`, run by the environment's own interpreter.

A job's first start is seconds faster for it. Unlike uv and compileall this leaves out the packages' own tests, which
are a third of the files, and hands the files out in batches: half the time for the packages of data science.
"""

import multiprocessing
import os
import py_compile
import sys
from contextlib import suppress
from pathlib import Path

TESTS = {"test", "tests"}


def compile_file(path: str) -> None:
    """Write the byte code of one module. Templates and code for another Python stay as they are."""
    with suppress(py_compile.PyCompileError, UnicodeDecodeError, ValueError):
        py_compile.compile(path, doraise=True)


def main(folder: Path) -> None:
    """Compile all modules below `folder` on all cores."""
    paths = [str(p) for p in folder.rglob("*.py") if not TESTS & set(p.relative_to(folder).parts) and p.is_file()]
    print(f"compiling {len(paths)} modules", file=sys.stderr, flush=True)
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for _ in pool.imap_unordered(compile_file, sorted(paths), chunksize=16):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
