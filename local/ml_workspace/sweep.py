"""Sweep: runs a trial component again and again with sampled hyperparameters and keeps the best trial's outputs."""

import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from . import bayesian, sampling, termination
from .errors import WorkspaceError
from .sampling import Parameters
from .steps import ChildResult, StepCanceled, StepContext, StepFailed, StepResult
from .trials import Trial, describe, trial_node, why_none

POLL = 1.0  # seconds between two looks at the trials' metrics, the clock and cancellation
MOST_TRIALS = 1000  # max_total_trials where it is not given, and its upper limit, as on Azure
LIMITS = {"max_total_trials": MOST_TRIALS, "max_concurrent_trials": MOST_TRIALS,
          "timeout": math.inf, "trial_timeout": math.inf}  # fmt: skip


def validate(node: dict[str, Any]) -> None:
    """Refuses a sweep that can't run, before anything runs.

    Raises:
        WorkspaceError: it names the field; Unsupported: something that only Azure has.
    """
    sampling.validate(node)
    objective = node.get("objective") or {}
    if objective.get("goal", "").lower() not in ("maximize", "minimize"):
        raise WorkspaceError(f"objective.goal {objective.get('goal')!r} is not one of maximize, minimize")
    if not objective.get("primary_metric"):
        raise WorkspaceError("objective.primary_metric is missing; name the metric that the trials log")
    if policy := node.get("early_termination"):
        termination.validate(policy)
    for key, most in LIMITS.items():
        value = (node.get("limits") or {}).get(key)
        if value is not None and not 1 <= value <= most:
            raise WorkspaceError(f"limits.{key} must be from 1 to {most}, not {value}")


def run(context: StepContext) -> StepResult:
    """Runs the trials of a sweep; its outputs are those of the best one.

    Raises:
        StepCanceled: somebody asked for it, or `limits.timeout` passed: on Azure, too, the sweep is canceled then.
        StepFailed: no trial completed and logged the primary metric.
    """
    return Sweep(context).run()


class Sweep:
    """A running sweep. All methods run in the step's own thread, only `_trial` runs in those of the pool."""

    def __init__(self, context: StepContext) -> None:
        node = context.node
        limits = node.get("limits") or {}
        self.context = context
        self.metric: str = node["objective"]["primary_metric"]
        self.goal: str = node["objective"]["goal"].lower()
        self.policy: dict[str, Any] | None = node.get("early_termination") or None
        self.total: int = limits.get("max_total_trials") or MOST_TRIALS
        # A trial waits for a free core, so more threads than cores would only wait.
        self.threads = min(limits.get("max_concurrent_trials") or self.total, self.total, os.cpu_count() or 1)
        self.end = time.monotonic() + limits["timeout"] if limits.get("timeout") else math.inf
        self.bayesian = sampling.is_bayesian(node)
        self.trials: list[Trial] = []
        self.best: Trial | None = None

    def run(self) -> StepResult:
        if self.bayesian and (told := bayesian.warning(self.context.node.get("limits") or {})):
            self.context.log(told)
        waiting = sampling.sample(self.context.node, self.threads, self._score)
        running: dict[Future[ChildResult], Trial] = {}
        with ThreadPoolExecutor(self.threads, thread_name_prefix="trial") as pool:
            try:
                while True:
                    while len(running) < self.threads and (trial := self._next(waiting)):
                        running[pool.submit(self._trial, trial)] = trial
                    if not running:
                        return self._result()
                    done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
                    self._check_end()
                    for future in done:
                        self._finish(running.pop(future), future)
                    if self.policy:
                        self._judge(self.policy, list(running.values()))
            finally:  # leaving the pool waits for its threads, so end their trials first
                for trial in running.values():
                    trial.cancel.set()

    def _next(self, waiting: Iterator[Parameters]) -> Trial | None:
        """The next trial; None if there is none, or if it has to wait for the result of an earlier one."""
        number = len(self.trials)
        if number == self.total or (self.bayesian and not self._has_ended(number - self.threads)):
            return None
        if (parameters := next(waiting, None)) is None:
            return None
        trial = Trial(f"{self.context.display_name}_{number}", parameters)
        self.trials.append(trial)
        return trial

    def _score(self, number: int) -> float | None:
        trial = self.trials[number]
        return trial.metric if trial.eligible else None

    def _has_ended(self, number: int) -> bool:
        return number < 0 or self.trials[number].ended

    def _trial(self, trial: Trial) -> ChildResult:
        def started(run_id: str) -> None:
            trial.run_id = run_id

        inputs = {**self.context.inputs, **trial.parameters}
        return self.context.run_child(
            node=trial_node(self.context.node, self.threads, trial.parameters),
            inputs=inputs,
            display_name=trial.name,
            cancel=trial.cancel,
            started=started,
        )

    def _check_end(self) -> None:
        if self.context.cancel.is_set():
            raise StepCanceled("The sweep was canceled.")
        if time.monotonic() >= self.end:
            limit = self.context.node["limits"]["timeout"]
            raise StepCanceled(
                f"The sweep was canceled with all its trials: it did not finish within limits.timeout, {limit} s. "
                "Raise the limit, or lower max_total_trials."
            )

    def _finish(self, trial: Trial, future: Future[ChildResult]) -> None:
        """Records how a trial ended. A trial that failed does not end the sweep."""
        try:
            trial.result = future.result()
            trial.run_id = trial.result.run_id
            status = trial.result.status
            trial.error = trial.result.error if trial.completed else trial.error or trial.result.error
        except StepCanceled as error:
            trial.error, status = trial.error or str(error), "Canceled"
        except WorkspaceError as error:
            trial.error, status = str(error), "Failed"
        self._read(trial)
        trial.ended = True
        # Azure's SDK, too, takes the best of all logged values, not the last one.
        values = [value for value in trial.history if not math.isnan(value)]
        trial.metric = (max(values) if self.goal == "maximize" else min(values)) if values else None
        if trial.eligible and (self.best is None or self._key(trial) > self._key(self.best)):
            self.best = trial
        self.context.log(describe(trial, status, self.metric, self.best) + "\n")

    def _read(self, trial: Trial) -> None:
        if trial.run_id:
            trial.history = [value for _, value in self.context.ws.tracking.history(trial.run_id, self.metric)]

    def _judge(self, policy: dict[str, Any], running: list[Trial]) -> None:
        """Applies the early termination policy to the running trials that have reported since."""
        for trial in running:
            self._read(trial)
        histories = {trial.name: trial.history for trial in self.trials}
        for trial in running:
            interval = termination.due(policy, len(trial.history))
            if trial.cancel.is_set() or interval is None or interval <= trial.judged:
                continue
            trial.judged = interval
            if reason := termination.verdict(policy, self.goal, trial.name, interval, histories):
                trial.error = f"stopped early: {reason}"
                trial.cancel.set()

    def _key(self, trial: Trial) -> tuple[float, int]:
        """More is better; of two equal trials the one that was sampled first, whichever ended first."""
        assert trial.metric is not None
        return (trial.metric if self.goal == "maximize" else -trial.metric, -self.trials.index(trial))

    def _result(self) -> StepResult:
        best = self.best
        if best is None or best.result is None or best.metric is None:
            raise StepFailed(why_none(self.trials, self.metric, self._logged()))
        done = sum(trial.eligible for trial in self.trials)
        self.context.log(
            f"best trial of {len(self.trials)} ({done} with {self.metric}): {best.name}, {best.metric:.6g}\n"
        )
        return StepResult(
            outputs=best.result.outputs,
            properties={
                "best_child_run_id": best.result.job,  # on Azure a run has the name of its job
                "score": repr(best.metric),
                "trials": str(len(self.trials)),
            },
        )

    def _logged(self) -> set[str]:
        """Names of the metrics that the completed trials did log."""
        runs = [
            self.context.ws.tracking.run(trial.result.run_id)
            for trial in self.trials
            if trial.completed and trial.result
        ]
        return {metric["key"] for run in runs for metric in run.get("data", {}).get("metrics", [])}
