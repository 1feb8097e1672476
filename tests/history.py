"""A workspace's MLflow as it looks after some weeks: versions, a refusal, a reused run, a failure, another model."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlflow import MlflowClient

MODEL, EXPERIMENT = "flight-delay", "flights"
FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
CARRIERS = {"UA": 4800, "B6": 4550, "EV": 4400, "DL": 4000, "AA": 2683, "HA": 30}
SHARED = {"max_iter": 100, "seed": 7, "train_from": "2013-01"}
RATES = ["0.033908080121445056", "0.05", "0.12"]


class History:
    """Writes runs and versions as the jobs of pipelines/train.yml.j2 do; one training run a day.

    Args:
        client: of the MLflow to write to.
        folder: for files on their way to artifacts.
    """

    def __init__(self, client: MlflowClient, folder: Path) -> None:
        self._client, self._folder = client, folder
        self._experiment = client.create_experiment(EXPERIMENT)
        self._day = 0
        self._newest: int | None = None  # version
        client.create_registered_model(MODEL)

    def run(
        self,
        name: str,
        job: str,
        parent: str | None = None,
        minute: int = 0,
        status: str = "FINISHED",
        params: Mapping[str, object] = {},
        metrics: Mapping[str, float] = {},
        tags: Mapping[str, str] = {},
    ) -> str:
        """A run of two minutes that starts `minute` minutes into the day's job; its id."""
        start = int((FIRST + timedelta(days=self._day, minutes=minute)).timestamp() * 1000)
        marks = {"azureml.job": job, "azureml.type": "command", "mlflow.source.git.commit": "1a9d73d" + "0" * 33}
        marks |= {"mlflow.parentRunId": parent} if parent else {}
        run = self._client.create_run(self._experiment, start, {**marks, **tags}, name).info.run_id
        for key, text in params.items():
            self._client.log_param(run, key, text)
        for key, number in metrics.items():
            self._client.log_metric(run, key, number)
        self._client.set_terminated(run, status, start + 120_000)
        return run

    def train(
        self,
        job: str,
        rmse: float,
        champion: float | None = None,
        registers: int | None = None,
        test_month: str = "2013-06",
        model: str = MODEL,
    ) -> None:
        """A training run in which three trials were compared and the best one was judged and let through or refused."""
        root = self.run("train", job, tags={"azureml.type": "pipeline", "branch": "main"})
        self.run("prep", f"{job}-prep", root)
        sweep = self.run("tune", f"{job}-tune", root, minute=2, tags={"azureml.type": "sweep"})
        for number, rate in enumerate(RATES):
            metrics = {"validation_rmse": rmse - 3 + 0.2 * number, "validation_r2": 0.81 - number / 100}
            self.run(
                f"{job}_{number}",
                f"{job}-{number}",
                sweep,
                3 + number,
                params=SHARED | {"learning_rate": rate},
                metrics=metrics,
            )
        judged = {"rmse": rmse, "mae": rmse * 0.64, "r2": 1.2 - rmse / 60}
        judged |= {"champion_rmse": champion} if champion else {}
        data = {"data.flights": f"{job[:6]}c0ffee by {job}-flights"}
        settings = {"test_month": test_month, "model_name": model, "seed": 7}
        evaluate = self.run("evaluate", f"{job}-evaluate", root, 6, params=settings, metrics=judged, tags=data)
        self._log_evaluation(evaluate, test_month, rmse, champion)
        reason = f"rmse {rmse:.4g} against {champion or 'none'}"
        self.run("gate", f"{job}-gate", root, 8, tags={"gate": "promoted", "gate.reason": reason})
        registered = f"{model}:{registers}" if registers else "none"
        register = self.run("register", f"{job}-register", root, 10, tags={"registered": registered})
        if registers:
            facts = {"root_job": job, "commit": "1a9d73d" + "0" * 33, "test_month": test_month, "gate": reason}
            tags = {**data, **facts, "rmse": f"{rmse:.6g}", "model_uuid": "eb51b81f495e4e16b2e8836ef68bde73"}
            self._client.create_model_version(model, f"runs:/{register}/model", register, tags=tags)
            self._newest = registers
        self._day += 1

    def reuse(self, job: str, origin: str) -> None:
        """A training run that reused every step of `origin`."""
        root = self.run("train", job, tags={"azureml.type": "pipeline"})
        for step in ("prep", "tune", "evaluate", "gate", "register"):
            marks = {"azureml.isreused": "true", "azureml.reusedrunid": f"{origin}-{step}"}
            self.run(step, f"{job}-{step}", root, tags=marks)
        self._day += 1

    def fail(self, job: str) -> None:
        """A training run that failed while it was tuning: one trial was done, one failed."""
        root = self.run("train", job, status="FAILED")
        sweep = self.run("tune", f"{job}-tune", root, status="FAILED")
        self.run(
            f"{job}_0",
            f"{job}-0",
            sweep,
            1,
            params=SHARED | {"learning_rate": "0.3"},
            metrics={"validation_rmse": 25.0},
        )
        self.run(f"{job}_1", f"{job}-1", sweep, 2, status="FAILED", params=SHARED | {"learning_rate": "0.9"})
        self._day += 1

    def stop(self, job: str, status: str = "FAILED") -> None:
        """A training run that ended in its first step, so that nothing was trained."""
        root = self.run("train", job, status=status)
        self.run("prep", f"{job}-prep", root, status=status)
        self._day += 1

    def _log_evaluation(self, run: str, test_month: str, rmse: float, champion: float | None) -> None:
        old = champion and {"name": MODEL, "version": str(self._newest), "slices": {"carrier": by_carrier(champion)}}
        evaluation = {
            "test_month": test_month,
            "candidate": {"slices": {"carrier": by_carrier(rmse)}},
            "champion": old,
        }
        path = self._folder / "evaluation.json"
        path.write_text(json.dumps(evaluation), encoding="utf-8")
        self._client.log_artifact(run, str(path), "evaluation")


def by_carrier(rmse: float) -> dict[str, dict[str, float]]:
    return {
        name: {"rows": rows, "rmse": rmse + 2 * at - 5 + (rmse * (at + 3) * 7) % 1.3}
        for at, (name, rows) in enumerate(CARRIERS.items())
    }


def weeks(folder: Path) -> str:
    """Three versions, the third on another test month; between them a refusal, a reused run, a failure.

    Returns:
        Address of the MLflow store, which is made in `folder`.
    """
    uri = (folder / "mlflow").as_uri()
    history = History(MlflowClient(uri, uri), folder)
    history.run("register_data", "land-1", tags={"azureml.type": "pipeline"})
    history.train("able", 22.4, registers=1)
    history.train("baker", 22.39, champion=22.4)
    history.train("charlie", 21.6, champion=22.4, registers=2)
    history.reuse("delta", "charlie")
    history.fail("echo")
    history.train("foxtrot", 20.9, champion=22.2, registers=3, test_month="2013-07")
    history.train("golf", 12.0, model="taxi-delay")
    return uri
