"""Bayesian sampling of a sweep's search space: what a trial gets depends on how earlier ones did."""

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import WorkspaceError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SPACE = ("choice", "uniform", "quniform")  # as on Azure


def validate(node: dict[str, Any]) -> None:
    """Refuses what Azure refuses with bayesian sampling.

    Raises:
        WorkspaceError: another distribution than those of `SPACE`, or early termination.
    """
    for name, distribution in node["search_space"].items():
        if distribution["type"] not in SPACE:
            raise WorkspaceError(
                f"search_space.{name} is {distribution['type']}, and bayesian sampling takes only "
                f"{', '.join(SPACE)}; use these, or sampling_algorithm: random"
            )
    if node.get("early_termination"):
        raise WorkspaceError(
            "early_termination can't be combined with bayesian sampling, which learns from finished trials; "
            "leave it out, or use sampling_algorithm: random"
        )


def warning(limits: dict[str, Any]) -> str | None:
    """What to tell of limits that leave little to learn from, None if they are fine."""
    at_once, total = limits.get("max_concurrent_trials") or 1, limits.get("max_total_trials") or 0
    if 2 * at_once <= total or at_once == 1:
        return None
    return (
        f"warning: with limits.max_concurrent_trials {at_once} of {total} trials, most are chosen before others have "
        "ended, and bayesian sampling learns from those that have; fewer at once find better values"
    )


def sample(node: dict[str, Any], at_once: int, score: Callable[[int], float | None]) -> Iterator[dict[str, Any]]:
    """The hyperparameters of one trial after another, by optuna's TPE.

    Azure gives bayesian sampling no seed. Here a sweep that is submitted again makes the same trials, if they give the
    same scores: trial n is always chosen from what trials 0 … n - `at_once` have scored, whatever else has ended.

    Args:
        node: a sweep that `validate` has accepted.
        at_once: number of trials that run at the same time. Trial n may only be asked for when n - `at_once` has ended.
        score: primary metric of an ended trial by its number; None if it failed.
    """
    import optuna  # here: it takes a second, and only sweeps that ask for it need it

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Trials that run count as bad ones, so that no other one is started right beside them.
    sampler = optuna.samplers.TPESampler(seed=0, constant_liar=at_once > 1)
    study = optuna.create_study(direction=node["objective"]["goal"].lower(), sampler=sampler)
    axes = {name: _axis(distribution) for name, distribution in node["search_space"].items()}
    asked: list[optuna.Trial] = []
    for number in itertools.count(1 - at_once):
        if number > 0:
            value = score(number - 1)
            state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
            study.tell(asked[number - 1], value, state=state)
        asked.append(study.ask({name: axis for name, (axis, _) in axes.items()}))
        yield {name: read(asked[-1].params[name]) for name, (_, read) in axes.items()}


def _axis(distribution: dict[str, Any]) -> tuple["BaseDistribution", Callable[[Any], Any]]:
    """What optuna is told of a hyperparameter, and how its answer is read."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    from .sampling import multiple

    if distribution["type"] == "choice":
        values = distribution["values"]
        return CategoricalDistribution(range(len(values))), lambda index: values[index]
    low, high = distribution["min_value"], distribution["max_value"]
    if distribution["type"] == "uniform":
        return FloatDistribution(low, high), lambda value: value
    q = distribution["q"]
    return IntDistribution(round(low / q), round(high / q)), lambda steps: multiple(steps, q)
