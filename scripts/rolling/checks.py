"""The checks of a rollout: smoke test and watching, against the limits of config/."""

from functools import cached_property
from typing import Any

from scripts.az import workspace_flags
from scripts.rolling.actions import Watch
from scripts.rolling.models import expected, model_flags
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.scoring import Rows, Scoring
from scripts.rolling.smoke import Expected, SmokeError, smoke
from scripts.rolling.watch import Limits, judge, watch


class Checks:
    """Smoke test and watching of one model version.

    Args:
        online: the endpoint.
        model: `name:version`.
        sample: rows of the sample request.
        config: of the environment.
    """

    def __init__(self, online: OnlineEndpoint, model: str, sample: Rows, config: dict[str, Any]) -> None:
        self._online, self._model, self._sample, self._config = online, model, sample, config
        self._settings = settings = config["rollout"]
        self._limits = Limits(settings["max_error_rate"], settings["max_p95_ms"])
        self.report: dict[str, Any] = {}

    @cached_property
    def _address(self) -> tuple[str, str]:
        return self._online.address()

    @cached_property
    def _expected(self) -> Expected:
        name, _, version = self._model.rpartition(":")
        return expected(name, version, model_flags(self._config))

    def smoke(self, deployment: str) -> str | None:
        """Why the smoke test of a deployment failed; None if it did not."""
        try:
            found = smoke(Scoring(*self._address), deployment, self._expected, self._sample, self._limits)
        except SmokeError as error:
            return f"{error}\n{self._log(deployment)}"
        self.report["smoke"] = {"deployment": deployment, **found}
        print(
            f"  {found['compared_rows']} predictions equal the registered model's own, p95 {found['p95_ms']:.0f} ms",
            flush=True,
        )
        return None

    def watch(self, action: Watch) -> str | None:
        """Why a deployment did not keep the limits; None if it did."""
        settings = self._settings
        measured = watch(
            lambda: Scoring(*self._address),
            self._sample,
            action.deployment,
            self._limits,
            settings["watch_requests"],
            settings["watch_seconds"],
            settings["watch_clients"],
            seed=7,
        )
        self.report[action.stage] = {name: found.summary() for name, found in measured.items()}
        for name, found in sorted(measured.items()):
            print(
                f"  {name}: {found.requests} requests, {found.errors} failed, p95 {found.p95_ms:.0f} ms",
                flush=True,
            )
        problem = judge(measured[action.deployment], self._limits)
        return problem and f"{problem}\n{self._log(action.deployment)}"

    def _log(self, deployment: str) -> str:
        """Where a person reads on: the server tells callers nothing of an exception."""
        names = f"--endpoint-name {self._online.name} --name {deployment} {' '.join(workspace_flags(self._config))}"
        return f"  its log: az ml online-deployment get-logs {names}"
