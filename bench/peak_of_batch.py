"""The scoring script of MLflow models, with a note of the most memory that each worker and their driver have had."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import mlflow_batch

UNIT = 1024 if sys.platform != "darwin" else 1  # of ru_maxrss, in bytes
init = mlflow_batch.init


def run(mini_batch: list[str]) -> list[str]:
    rows = mlflow_batch.run(mini_batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    note(f"worker-{os.getpid()}.peak", peak)
    driver = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getppid())], capture_output=True, text=True, check=True)
    note("driver.peak", int(driver.stdout) * 1024)
    return rows


def note(name: str, size: int) -> None:
    """The largest size so far, in a file of the job's output."""
    path = Path(os.environ["AZUREML_BI_OUTPUT_PATH"]) / name
    known = int(path.read_text(encoding="utf-8") or 0) if path.exists() else 0
    draft = path.with_name(f".{name}.{os.getpid()}")
    draft.write_text(str(max(known, size)), encoding="utf-8")
    draft.replace(path)
