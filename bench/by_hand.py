"""The scripts of the train pipeline run by a person, one after another, each as its component's command line has it."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.scratch import Scratch
from bench.timing import BenchError, run

EXPRESSION = re.compile(r"\$\{\{(?:inputs|outputs)\.(\w+)\}\}")
RMSE = re.compile(r"'validation_rmse': ([\d.]+)")
PREP = Path(__file__).with_name("prep_by_hand.py")
STEPS = ("prep", "train", "evaluate", "reference", "gate", "register")  # components of the train pipeline
# A job has an environment of its own over the shared one, gone with the job. Every environment here has pandas.
ASK = "python -c 'import pandas, pathlib; print(\"packages:\", pathlib.Path(pandas.__file__).parents[1])'"


class ByHand:
    """Runs the scripts of the components below `build` against the MLflow server of a workspace.

    Args:
        server: its address.
        fixed: values of inputs of the pipeline, by name: the datasets' folders, months, seed.
    """

    def __init__(self, place: Scratch, build: Path, server: str, fixed: Mapping[str, str]) -> None:
        self._place, self._build, self._fixed = place, build, fixed
        self._variables = {
            "MLFLOW_TRACKING_URI": server,
            "MLFLOW_EXPERIMENT_NAME": "by-hand",
            # As jobs have it. Threads that spin while they wait make training several times slower on a busy machine,
            # which would flatter the pipeline.
            "OMP_WAIT_POLICY": "passive",
        }
        self._component = {
            name: yaml.safe_load((build / "components" / name / "component.yml").read_text(encoding="utf-8"))
            for name in STEPS
        }
        found = {
            environment: interpreter(place, environment)
            for environment in map(environment_of, self._component.values())
        }
        self._python = {name: found[environment_of(component)] for name, component in self._component.items()}
        self._taken: dict[str, float] = {}

    def run(self, model_name: str, trials: Sequence[Mapping[str, str]]) -> dict[str, float]:
        """Seconds of each step by name, and of `whole`.

        Args:
            model_name: registered model; one that has no version yet, as in the pipeline's run.
            trials: settings of each trial.
        """
        folder = self._place.folder / "by-hand" / model_name
        self._taken = {}
        prepared = made(folder / "prepared")
        with self._timed("prep"):
            self._prep(prepared)
        with self._timed("tune"):
            tried = [
                (self._trial({**settings, "prepared": prepared, "model": model}), model)
                for settings, model in ((s, made(folder / f"model-{n}")) for n, s in enumerate(trials))
            ]
        values = {"model": min(tried)[1], "prepared": prepared, "model_name": model_name}
        steps = {"evaluate": "evaluation", "reference": "reference", "gate": "decision", "register": "registered"}
        for step, output in steps.items():
            values[output] = made(folder / output)
            with self._timed(step):
                self._script(step, values)
        return {**self._taken, "whole": sum(self._taken.values())}

    def _prep(self, prepared: str) -> None:
        folder = self._build / "components" / "prep"
        shutil.copyfile(PREP, folder / PREP.name)
        data = [text for name in ("flights", "weather") for text in (f"--{name}", self._fixed[name])]
        run([self._python["prep"], PREP.name, *data, "--prepared", prepared], self._place.environment, folder)

    def _trial(self, values: Mapping[str, str]) -> float:
        """Runs train; returns the metric that trials are compared by."""
        said = self._script("train", values)
        found = RMSE.search(said)
        if found is None:
            raise BenchError(f"train printed no validation_rmse:\n{said}")
        return float(found[1])

    def _script(self, name: str, values: Mapping[str, str]) -> str:
        """Run a component's command; returns what it printed."""
        known = {**self._fixed, **values}
        command = EXPRESSION.sub(lambda found: known[found[1]], self._component[name]["command"])
        environment = self._place.environment | self._variables
        environment["PATH"] = f"{self._python[name].parent}:{environment['PATH']}"
        return run(["bash", "-c", command], environment, self._build / "components" / name)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._taken[step] = time.perf_counter() - started


def made(folder: Path) -> str:
    folder.mkdir(parents=True)
    return str(folder)


def environment_of(component: dict[str, Any]) -> str:
    """Id of a component's environment."""
    return str(component.get("environment") or component["task"]["environment"])


def interpreter(place: Scratch, environment: str | dict[str, Any]) -> Path:
    """The Python of an environment, by its id or its document, which is built if it is not there: a job tells."""
    spec = place.folder / "interpreter.yml"
    job = {"type": "command", "command": ASK, "environment": environment, "compute": "azureml:cpu-cluster"}
    spec.write_text(yaml.safe_dump(job), encoding="utf-8")
    said = place.az("ml", "job", "create", "--file", spec, "--stream", "--output", "none")
    found = re.search(r"^packages: (.+)$", said, re.MULTILINE)
    if found is None:
        raise BenchError(f"the job that asks {environment} for its packages printed none:\n{said}")
    return Path(found[1]).parents[2] / "bin" / "python"  # <environment>/lib/python3.11/site-packages
