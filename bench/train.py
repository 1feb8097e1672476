"""The train pipeline beside its scripts run by hand, and once more with nothing changed."""

import time
from pathlib import Path
from typing import Any

import yaml

from bench.by_hand import ByHand
from bench.rows import Row
from bench.scratch import Scratch, scratch
from bench.submit import submission
from bench.timing import BenchError, interleave, say

ROUNDS, AGAIN = 2, 5
FACTOR = 1.10
UNCHANGED = 4.0  # seconds
STEPS = ("prep", "tune", "evaluate", "reference", "gate", "register")
SETTINGS = ("learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf")


def measure() -> list[Row]:
    with scratch() as place:
        build = place.render()
        say("  landing and registering six months")
        place.script("land", "--env", "local", "--month", "2013-01..2013-06")
        place.script("apply", "--env", "local")
        place.ended(place.submit(build / "pipelines" / "register_data.yml"))
        spec = build / "pipelines" / "train.yml"
        by_hand = ByHand(place, build, server(place), pipeline_inputs(place, spec))
        pipeline = Pipeline(place, spec)
        runs = {
            "pipeline": pipeline.first,
            "by hand": lambda: by_hand.run(pipeline.model("by-hand"), pipeline.trials()),
        }
        found = interleave(runs, ROUNDS)
        again = interleave({"again": pipeline.again}, AGAIN)["again"]
        return [
            first_run("whole", found, f"{FACTOR:g} x by hand", FACTOR),
            *(first_run(step, found) for step in STEPS),
            Row("train pipeline unchanged, job create --stream", again, f"{UNCHANGED:g} s", plus=UNCHANGED),
            submission(place, spec, "az ml job create, train pipeline", rounds=7),
        ]


def first_run(step: str, found: dict[str, list[dict[str, float]]], rule: str = "", factor: float = 0.0) -> Row:
    """Row of a step, or of the whole, beside the same by hand."""
    measured, reference = ([taken[step] for taken in found[name]] for name in ("pipeline", "by hand"))
    what = "train pipeline, first run" if step == "whole" else f"of it, {step}"
    return Row(what, measured, rule, factor, reference=reference)


def server(place: Scratch) -> str:
    """Address of the workspace's MLflow server."""
    return str(place.json("ml", "workspace", "show", "--name", "local")["mlflow_tracking_uri"])


def pipeline_inputs(place: Scratch, spec: Path) -> dict[str, str]:
    """Values of the pipeline's inputs as its scripts take them."""
    inputs = yaml.safe_load(spec.read_text(encoding="utf-8"))["inputs"]
    return {name: str(place.data(name)) if isinstance(value, dict) else str(value) for name, value in inputs.items()}


class Pipeline:
    """The train pipeline in a workspace; the n-th first run registers a model of its own, which has no champion yet."""

    def __init__(self, place: Scratch, spec: Path) -> None:
        self._place, self._spec = place, spec
        self._runs = 0
        self._job = ""

    def model(self, who: str) -> str:
        """Name of the model that the run registers."""
        return f"{who}-{self._runs}"

    def first(self) -> dict[str, float]:
        """Seconds of a run in which nothing is reused: of each step by its job, and of `whole`, `az` included."""
        self._runs += 1
        whole = self._run("settings.force_rerun=true")
        steps = {
            step["display_name"]: float(step["properties"]["azureml.duration"]) for step in self._children(self._job)
        }
        return {**{step: steps[step] for step in STEPS}, "whole": whole}

    def again(self) -> float:
        """Seconds of the same once more, everything reused.

        Raises:
            BenchError: a step was not.
        """
        taken = self._run()
        ran = [s["display_name"] for s in self._children(self._job) if "azureml.reusedrunid" not in s["properties"]]
        if ran:
            raise BenchError(
                f"nothing has changed, and the second run of the train pipeline ran {', '.join(ran)} again"
            )
        return taken

    def trials(self) -> list[dict[str, str]]:
        """The settings that the last run has tried."""
        tune = next(step["name"] for step in self._children(self._job) if step["display_name"] == "tune")
        return [{name: str(trial["inputs"][name]) for name in SETTINGS} for trial in self._children(tune)]

    def _run(self, *settings: str) -> float:
        self._job = f"train-{time.time_ns()}"
        options = ("--name", self._job, "--stream", "--output", "none")
        overrides = ("--set", f"inputs.model_name={self.model('in-pipeline')}", *settings)
        return self._place.az_seconds("ml", "job", "create", "--file", self._spec, *options, *overrides)

    def _children(self, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._place.json("ml", "job", "list", "--parent-job-name", job)
        return found
