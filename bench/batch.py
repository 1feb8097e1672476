"""A batch endpoint beside a plain script with the same model and processes; and its memory with many files."""

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.by_hand import interpreter
from bench.rows import Row
from bench.scratch import EXTENSION, REPOSITORY, Scratch, scratch
from bench.timing import BenchError, interleave, run, say, seconds

ENDPOINT = "bench"
# (files, rows of each): the first for speed, the others for memory
WHOLE, FEW, MANY = (100, 10_000), (10, 200), (1_000, 200)
CONDA = REPOSITORY / "environments" / "training" / "conda.yml"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
PROCESSES = 2
MINI_BATCH = 5
ROUNDS, MEMORY_ROUNDS = 3, 2
SPEED = 0.8  # of the rows a second of the plain script
FLAT = 1.15  # times the memory with few files
SCRIPT = "peak_of_batch.py"
SCORER = "mlflow_batch.py"


def measure() -> list[Row]:
    with scratch() as place:
        python = interpreter(place, register_environment(place))
        say("  a model, and files for it to score")
        data = place.workspace / "datastores" / "workspaceblobstore" / "bench"
        data.mkdir(parents=True)
        maker, sizes = Path(__file__).with_name("batch_model.py"), map(name_of, (WHOLE, FEW, MANY))
        run([python, maker, data, CONDA, *sizes], place.environment, REPOSITORY)
        deploy(place, data / "model")
        runs = {"endpoint": partial(by_endpoint, place), "by hand": partial(by_hand, place, python, data)}
        taken = interleave(runs, ROUNDS)
        same_rows(place)
        peaks = interleave({name_of(size): partial(peak, place, size) for size in (FEW, MANY)}, MEMORY_ROUNDS)
        rows = f"{WHOLE[0] * WHOLE[1]:,} rows in {WHOLE[0]} files"
        slower, flat = f"{SPEED:g} x the rows/s by hand", f"{FLAT:g} x {FEW[0]} files"
        few, many = (peaks[name_of(size)] for size in (FEW, MANY))
        return [
            Row(f"{rows}, az ml batch-endpoint invoke and job stream", taken["endpoint"], slower, 1 / SPEED,
                reference=taken["by hand"]),
            Row(f"largest process, {MANY[0]:,} files", many, flat, FLAT, reference=few, unit="MB"),
        ]  # fmt: skip


def name_of(size: tuple[int, int]) -> str:
    """A set of files, as batch_model.py calls it."""
    return f"{size[0]}x{size[1]}"


def register_environment(place: Scratch) -> str:
    spec = {"name": "bench", "version": "1", "conda_file": str(CONDA), "image": IMAGE}
    place.az("ml", "environment", "create", "--file", written(place, "environment", spec))
    return "azureml:bench:1"


def deploy(place: Scratch, model: Path) -> None:
    """The endpoint with a deployment of the model alone, and one whose script measures."""
    place.az("ml", "model", "create", "--name", "bench", "--version", "1", "--type", "mlflow_model", "--path", model)
    place.az("ml", "batch-endpoint", "create", "--name", ENDPOINT)
    code = place.folder / "code"
    code.mkdir()
    shutil.copyfile(Path(__file__).with_name(SCRIPT), code / SCRIPT)
    shutil.copyfile(EXTENSION / "ml_workspace" / SCORER, code / SCORER)
    scripted = {"code_configuration": {"code": str(code), "scoring_script": SCRIPT}, "environment": "azureml:bench:1"}
    for name, more in (("plain", {}), ("measured", scripted)):
        spec: dict[str, Any] = {
            "name": name,
            "endpoint_name": ENDPOINT,
            "type": "model",
            "model": "azureml:bench:1",
            "compute": "azureml:cpu-cluster",
            "settings": {
                "mini_batch_size": MINI_BATCH,
                "max_concurrency_per_instance": PROCESSES,
                "error_threshold": 0,
                "retry_settings": {"max_retries": 0, "timeout": 120},
            },
            **more,
        }
        place.az("ml", "batch-deployment", "create", "--file", written(place, name, spec))


def written(place: Scratch, name: str, spec: dict[str, Any]) -> Path:
    path = place.folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def invoke(place: Scratch, size: tuple[int, int], deployment: str) -> str:
    """Score a set of files; returns the job's name when it has ended."""
    uri, job = f"azureml://datastores/workspaceblobstore/paths/bench/files-{name_of(size)}", f"job-{time.time_ns()}"
    options = ("--input", uri, "--input-type", "uri_folder", "--deployment-name", deployment, "--job-name", job)
    place.az("ml", "batch-endpoint", "invoke", "--name", ENDPOINT, *options, "--output", "none")
    place.az("ml", "job", "stream", "--name", job)
    return job


def output_of(place: Scratch, job: str) -> Path:
    """Folder with the output of a job."""
    target = place.folder / "downloads" / job
    place.az("ml", "job", "download", "--name", job, "--output-name", "score", "--download-path", target)
    return target / "named-outputs" / "score"


def by_endpoint(place: Scratch) -> float:
    started = time.perf_counter()
    invoke(place, WHOLE, "plain")
    return time.perf_counter() - started


def by_hand(place: Scratch, python: Path, data: Path) -> float:
    script, files, result = (
        Path(__file__).with_name("batch_by_hand.py"),
        data / f"files-{name_of(WHOLE)}",
        by_hand_to(place),
    )
    # Threads wait asleep, as in a job: on a busy machine spinning ones would slow the script down.
    environment = {**place.environment, "OMP_WAIT_POLICY": "passive"}
    return seconds([python, script, data / "model", files, result, str(PROCESSES)], environment, REPOSITORY)


def by_hand_to(place: Scratch) -> Path:
    return place.folder / "by-hand.csv"


def same_rows(place: Scratch) -> None:
    """See that both ways come to the same.

    Raises:
        BenchError: they do not.
    """
    made = output_of(place, invoke(place, WHOLE, "plain")) / "predictions.csv"
    if made.read_bytes() != by_hand_to(place).read_bytes():
        raise BenchError(f"the batch endpoint's predictions are not those of batch_by_hand.py: {made}")


def peak(place: Scratch, size: tuple[int, int]) -> float:
    """Megabytes of resident memory that the largest process of a job has had, a worker or their driver."""
    job = invoke(place, size, "measured")
    peaks = [int(path.read_text(encoding="utf-8")) for path in output_of(place, job).glob("*.peak")]
    if len(peaks) < 2:
        raise BenchError(f"neither a worker nor the driver of job {job} may be missing, and {len(peaks)} told its peak")
    return max(peaks) / 2**20
