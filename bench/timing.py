"""Measuring: one run after another in turn, so that a machine that grows busy slows what is compared alike."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class BenchError(Exception):
    """Something could not be measured; the message says what and why."""


def interleave(runs: Mapping[str, Callable[[], T]], rounds: int, warm_up: bool = False) -> dict[str, list[T]]:
    """Measure each of `runs` once a round (A B C, A B C, ...).

    Args:
        runs: name -> does what is measured and returns what came out, mostly seconds.
        rounds: number of values of each.
        warm_up: measure a round before these and forget it: files get into memory, byte code gets compiled.

    Returns:
        name -> values, one a round.
    """
    values: dict[str, list[T]] = {name: [] for name in runs}
    for number in range(-1 if warm_up else 0, rounds):
        for name, measure in runs.items():
            value = measure()
            if number >= 0:
                values[name].append(value)
        say(f"  round {number + 1} of {rounds}" if number >= 0 else "  warm-up")
    return values


def seconds(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, expected: tuple[int, ...] = (0,)
) -> float:
    """Wall time of a command from its start to its end.

    Raises:
        BenchError: it ended with another exit code than the `expected` ones.
    """
    started = time.perf_counter()
    run(command, env, cwd, expected)
    return time.perf_counter() - started


def run(command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, expected: tuple[int, ...] = (0,)) -> str:
    """Run a command to its end and return what it printed on standard output.

    Raises:
        BenchError: it can't be started, or ended with another exit code than the `expected` ones.
    """
    line = " ".join(map(str, command))
    try:
        result = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"{line}\ncan't be started: {error}") from error
    if result.returncode not in expected:
        raise BenchError(
            f"{line}\nended with exit code {result.returncode}:\n{(result.stdout + result.stderr)[-3000:]}"
        )
    return result.stdout


def say(text: str) -> None:
    """Progress, on standard error: standard output has the table only."""
    print(text, file=sys.stderr, flush=True)
