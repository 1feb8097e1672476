"""The trials of a sweep: what is known of one, what it runs, and how it is told in the log."""

import os
import threading
from dataclasses import dataclass, field
from typing import Any

from .sampling import Parameters
from .steps import ChildResult


@dataclass
class Trial:
    """One trial, from its start to its end."""

    name: str
    parameters: Parameters
    cancel: threading.Event = field(default_factory=threading.Event)
    run_id: str | None = None
    judged: int = 0
    """The last interval at which the early termination policy was applied."""
    history: list[float] = field(default_factory=list)
    """Values of the primary metric in the order they were logged."""
    metric: float | None = None
    """The best of them, when the trial has ended; None if there is none but NaN."""
    result: ChildResult | None = None
    ended: bool = False
    error: str | None = None

    @property
    def completed(self) -> bool:
        return self.result is not None and self.result.status == "Completed"

    @property
    def eligible(self) -> bool:
        """Only a completed trial can be the best: the outputs of one that was stopped may be half written."""
        return self.completed and self.metric is not None


def trial_node(node: dict[str, Any], at_once: int, parameters: Parameters) -> dict[str, Any]:
    """The command that each trial runs.

    Args:
        node: the sweep.
        at_once: number of trials that run at the same time; they share the cores.
        parameters: the trial's hyperparameters, which it also finds in its environment, as on Azure.
    """
    trial: dict[str, Any] = node["trial"]
    timeout = (node.get("limits") or {}).get("trial_timeout")
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // at_once))}
    told = {f"AZUREML_SWEEP_{name}": value for name, value in parameters.items()}
    return {
        **trial,
        "environment_variables": {**threads, **told, **(trial.get("environment_variables") or {})},
        "limits": {"timeout": timeout} if timeout else {},
    }


def describe(trial: Trial, status: str, metric: str, best: Trial | None) -> str:
    """A line on a finished trial: name, status and reason, hyperparameters, metric, best so far."""
    parameters = ", ".join(f"{name}={_short(value)}" for name, value in trial.parameters.items())
    value = f"no {metric}" if trial.metric is None else f"{metric}={trial.metric:.6g}"
    so_far = f"best so far {best.metric:.6g} ({best.name})" if best else "no best so far"
    why = f" ({trial.error.strip().splitlines()[-1]})" if trial.error and trial.error.strip() else ""
    return f"trial {trial.name}: {status}{why}; {parameters}; {value}; {so_far}"


def _short(value: str) -> str:
    """A hyperparameter for a log line: 0.10348211 as 0.1035; what is no fraction as it is."""
    try:
        return f"{float(value):.4g}" if "." in value or "e" in value else value
    except ValueError:
        return value


def why_none(trials: list[Trial], metric: str, logged: set[str]) -> str:
    """Why there is no best trial, and what to look at.

    Args:
        trials: all of the sweep.
        metric: the primary metric.
        logged: names of the metrics that the completed trials did log.
    """
    if not any(trial.completed for trial in trials):
        last = next((trial for trial in reversed(trials) if trial.error), None)
        reason = f" The last error, of {last.name}: {last.error}" if last else ""
        return f"No trial completed, of {len(trials)}, so there is no best one by {metric!r}.{reason}"
    if metric in logged:
        found = f"each value that the trials logged for {metric!r} is NaN"
    else:
        found = f"the trials logged {', '.join(sorted(logged))}" if logged else "the trials logged no metric at all"
    return (
        f"No trial has a value of the primary metric {metric!r}: {found}. Log it in the trial with "
        f"mlflow.log_metric({metric!r}, …), or correct objective.primary_metric."
    )
