"""A sweep with trials that only pretend: which one wins, and what happens when trials fail, lag behind or never end."""

import itertools
import math
import statistics
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from ml_workspace import sampling, sweep
from ml_workspace.errors import WorkspaceError
from ml_workspace.steps import ChildResult, StepCanceled, StepContext, StepFailed

TRIAL = {
    "type": "command",
    "command": "python train.py --rate ${{inputs.rate}} --data ${{inputs.data}}",
    "environment": "azureml:training:1",
    "inputs": {"rate": {"type": "number"}, "data": {"type": "uri_folder"}},
    "outputs": {"model": {"type": "mlflow_model"}},
}


def node(*rates, **changes):
    return {
        "type": "sweep",
        "trial": TRIAL,
        "search_space": {"rate": {"type": "choice", "values": list(rates)}},
        "sampling_algorithm": "grid",
        "objective": {"goal": "maximize", "primary_metric": "r2"},
        "limits": {"max_total_trials": 10, "max_concurrent_trials": 2},
        "inputs": {},
        **changes,
    }


class Workbench:
    """A context whose children are the function `trial(bench, run id, rate, cancel)`, which logs to `metrics`."""

    def __init__(self, trial):
        self.trial = trial
        self.metrics: dict[str, list[float]] = {}
        self.children: list[dict] = []
        self.lines: list[str] = []
        self.running = self.most_running = 0
        self.lock = threading.Lock()
        self.cancel = threading.Event()

    def run_child(self, node, inputs, display_name, cancel, started):
        run_id = f"run-{display_name}"
        with self.lock:
            self.children.append({"node": node, "inputs": inputs, "display_name": display_name})
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            started(run_id)
            outcome = self.trial(self, run_id, float(inputs["rate"]), cancel)
        finally:
            with self.lock:
                self.running -= 1
        status, error = outcome or ("Completed", None)
        return ChildResult(f"job-{display_name}", status, {"model": Path(f"/models/{display_name}")}, run_id, error)

    def report(self, run_id, *values):
        self.metrics.setdefault(run_id, []).extend(values)

    def context(self, node):
        tracking = SimpleNamespace(
            history=lambda run_id, metric: list(enumerate(self.metrics.get(run_id, []) if metric == "r2" else [])),
            run=lambda run_id: {"data": {"metrics": [{"key": "mae", "value": 1.0}]}},
        )
        ws: Any = SimpleNamespace(tracking=tracking)
        return StepContext(
            ws=ws,
            job="sweep",
            display_name="sweep",
            node=node,
            inputs={"data": "/data", "rate": "0.5"},
            outputs={},
            code=None,
            python=None,
            environment={},
            run_id="parent",
            log=self.lines.append,
            cancel=self.cancel,
            cores=threading.Semaphore(2),
            spawn=lambda *args, **kwargs: pytest.fail("a sweep has no process of its own"),
            work=lambda: pytest.fail("a sweep has no code of its own"),
            run_child=self.run_child,
        )

    def run(self, node):
        return sweep.run(self.context(node))


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr(sweep, "POLL", 0.02)
    monkeypatch.setattr(sweep.os, "cpu_count", lambda: 4)


def rate_is_r2(bench, run_id, rate, cancel):
    bench.report(run_id, rate)


def test_the_best_trial_by_goal_wins():
    best = Workbench(rate_is_r2).run(node(0.1, 0.3, 0.2))
    assert best.outputs == {"model": Path("/models/sweep_1")}
    assert best.properties == {"best_child_run_id": "job-sweep_1", "score": "0.3", "trials": "3"}
    lowest = Workbench(rate_is_r2).run(node(0.2, 0.1, 0.3, objective={"goal": "Minimize", "primary_metric": "r2"}))
    assert lowest.properties["best_child_run_id"] == "job-sweep_1"


def test_a_trial_is_the_component_with_its_inputs_and_its_own_time_limit():
    bench = Workbench(rate_is_r2)
    bench.run(node(0.1, limits={"max_total_trials": 1, "trial_timeout": 60}))
    (child,) = bench.children
    assert child["display_name"] == "sweep_0"
    assert child["inputs"] == {"data": "/data", "rate": "0.1"}  # the sampled value, not the component's default
    assert child["node"] == {**TRIAL, "limits": {"timeout": 60}, "environment_variables": ANY}


def test_trials_that_run_at_the_same_time_share_the_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    bench = Workbench(rate_is_r2)
    bench.run(node(0.1, 0.2, limits={"max_total_trials": 2, "max_concurrent_trials": 2}))
    assert {child["node"]["environment_variables"]["OMP_NUM_THREADS"] for child in bench.children} == {"4"}


def test_the_best_of_all_logged_values_counts():
    def overfitted(bench, run_id, rate, cancel):
        bench.report(run_id, rate, rate + 1, 0.0)

    assert Workbench(overfitted).run(node(0.1, 0.3)).properties["score"] == "1.3"


def test_of_equal_trials_the_first_wins_whichever_ended_first():
    def first_is_slow(bench, run_id, rate, cancel):
        bench.report(run_id, 0.5)
        time.sleep(0.1 if run_id.endswith("_0") else 0)

    assert Workbench(first_is_slow).run(node(1, 2, 3)).properties["best_child_run_id"] == "job-sweep_0"


def test_grid_ends_when_it_is_exhausted_and_random_at_the_limit():
    bench = Workbench(rate_is_r2)
    bench.run(node(1, 2, 3))
    assert len(bench.children) == 3
    bench = Workbench(rate_is_r2)
    bench.run(node(1, 2, 3, sampling_algorithm={"type": "random", "seed": 1}, limits={"max_total_trials": 7}))
    assert len(bench.children) == 7


@pytest.mark.parametrize(("concurrent", "cores", "expected"), [(2, 4, 2), (None, 4, 4), (8, 3, 3)])
def test_so_many_trials_at_once(concurrent, cores, expected, monkeypatch):
    monkeypatch.setattr(sweep.os, "cpu_count", lambda: cores)

    def slow(bench, run_id, rate, cancel):
        bench.report(run_id, rate)
        time.sleep(0.05)

    bench = Workbench(slow)
    bench.run(node(*range(8), limits={"max_total_trials": 8, "max_concurrent_trials": concurrent}))
    assert bench.most_running == expected


def test_a_failed_trial_does_not_fail_the_sweep_and_never_wins():
    def best_fails(bench, run_id, rate, cancel):
        bench.report(run_id, rate)
        return ("Failed", "exit code 1\nout of memory") if rate == 3 else None

    bench = Workbench(best_fails)
    assert bench.run(node(1, 2, 3)).properties["score"] == "2.0"
    failed = next(line for line in bench.lines if line.startswith("trial sweep_2"))
    assert "Failed (out of memory)" in failed


def test_an_error_of_the_engine_in_one_trial_does_not_fail_the_sweep():
    def raises(bench, run_id, rate, cancel):
        bench.report(run_id, rate)
        if rate == 1:
            raise WorkspaceError("the environment can't be built")

    assert Workbench(raises).run(node(1, 2)).properties["score"] == "2.0"


def test_when_all_trials_fail_the_last_error_is_shown():
    def fails(bench, run_id, rate, cancel):
        return "Failed", f"no module named x{rate:g}"

    with pytest.raises(StepFailed, match=r"No trial completed, of 2.*'r2'.*sweep_1: no module named x2"):
        Workbench(fails).run(node(1, 2, limits={"max_total_trials": 2, "max_concurrent_trials": 1}))


def test_when_no_trial_logs_the_metric_those_that_they_log_are_shown():
    with pytest.raises(StepFailed, match=r"primary metric 'r2': the trials logged mae\. Log it .*log_metric\('r2'"):
        Workbench(lambda *trial: None).run(node(1, 2))


def test_nan_is_no_metric():
    def broken(bench, run_id, rate, cancel):
        bench.report(run_id, math.nan if rate == 1 else rate)

    assert Workbench(broken).run(node(1, 0.5)).properties["score"] == "0.5"
    with pytest.raises(StepFailed, match="No trial has a value"):
        Workbench(broken).run(node(1))


def test_a_line_for_each_trial_tells_parameters_metric_and_best_so_far():
    bench = Workbench(rate_is_r2)
    bench.run(node(0.123456, 0.2, limits={"max_total_trials": 2, "max_concurrent_trials": 1}))
    assert bench.lines == [
        "trial sweep_0: Completed; rate=0.1235; r2=0.123456; best so far 0.123456 (sweep_0)\n",
        "trial sweep_1: Completed; rate=0.2; r2=0.2; best so far 0.2 (sweep_1)\n",
        "best trial of 2 (2 with r2): sweep_1, 0.2\n",
    ]


def endless(bench, run_id, rate, cancel):
    assert cancel.wait(10)
    return "Canceled", None


def test_cancellation_ends_the_running_trials():
    bench = Workbench(endless)
    threading.Timer(0.1, bench.cancel.set).start()
    with pytest.raises(StepCanceled, match="was canceled"):
        bench.run(node(1, 2, 3))
    assert bench.running == 0
    assert len(bench.children) == 2  # the third was never started


def test_the_time_limit_cancels_the_sweep_and_its_trials():
    bench = Workbench(endless)
    with pytest.raises(StepCanceled, match=r"limits\.timeout, 1 s"):
        bench.run(node(1, limits={"max_total_trials": 1, "timeout": 1}))
    assert bench.running == 0


def test_a_trial_that_lags_behind_is_stopped_early_and_the_others_go_on():
    gate = threading.Barrier(2)

    def two_epochs(bench, run_id, rate, cancel):
        bench.report(run_id, rate)
        gate.wait(5)
        if cancel.wait(0.3):
            return "Canceled", None
        bench.report(run_id, rate + 0.1)
        return None

    bench = Workbench(two_epochs)
    policy = {"type": "bandit", "slack_amount": 0.5, "evaluation_interval": 1, "delay_evaluation": 0}
    result = bench.run(node(1.0, 0.2, early_termination=policy))
    assert result.properties["best_child_run_id"] == "job-sweep_0"
    assert bench.metrics["run-sweep_1"] == [0.2]
    line = next(line for line in bench.lines if line.startswith("trial sweep_1"))
    assert "Canceled (stopped early: bandit at interval 1: 0.2 is worse than 0.5" in line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": {"goal": "best", "primary_metric": "r2"}}, "objective.goal 'best' is not one of maximize"),
        ({"objective": {"goal": "maximize"}}, "objective.primary_metric is missing"),
        ({"limits": {"max_total_trials": 0}}, "limits.max_total_trials must be from 1 to 1000"),
        ({"limits": {"max_concurrent_trials": 1001}}, "limits.max_concurrent_trials must be"),
        ({"early_termination": {"type": "halving"}}, "early_termination.type 'halving'"),
        ({"limits": {"max_total_trials": 1, "trial_timeout": 0}}, "limits.trial_timeout must be"),
        ({"search_space": {}}, "search_space is empty"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_runs(changes, message):
    with pytest.raises(WorkspaceError, match=message):
        sweep.validate(node(1, **changes))


@pytest.fixture
def _optuna(monkeypatch):
    """As the runner finds it: in the folder of the extension, which is appended."""
    extension = Path(__file__).parents[3] / ".tools" / "extensions" / "ml"
    monkeypatch.setattr(sys, "path", [*sys.path, str(extension)])


def bayesian(**changes):
    space = {"rate": {"type": "uniform", "min_value": 0, "max_value": 10},
             "depth": {"type": "quniform", "min_value": 2, "max_value": 8, "q": 2},
             "kind": {"type": "choice", "values": ["a", "b"]}}  # fmt: skip
    limits = {"max_total_trials": 30, "max_concurrent_trials": 2}
    return node(search_space=space, sampling_algorithm="bayesian", limits=limits, **changes)


@pytest.mark.usefixtures("_optuna")
def test_bayesian_sampling_repeats_itself_whichever_trial_ends_first():
    def hill(bench, run_id, rate, cancel):
        time.sleep(0.02 if run_id.endswith(("3", "7")) else 0)  # trials must not end in the order in which they start
        if run_id.endswith("_5"):
            return "Failed", "out of memory"
        return bench.report(run_id, -((rate - 7) ** 2))

    bench, again = Workbench(hill), Workbench(hill)
    bench.run(bayesian())
    inputs = [child["inputs"] for child in sorted(bench.children, key=lambda c: int(c["display_name"][6:]))]
    assert {values["depth"] for values in inputs} <= {"2", "4", "6", "8"}
    assert {values["kind"] for values in inputs} == {"a", "b"}
    again.run(bayesian())
    assert sorted(map(str, inputs)) == sorted(str(child["inputs"]) for child in again.children)


def mean_regret(target, algorithm, told=lambda regret: regret, at_once=1):
    """How far from the best the trials are that could learn from ten others, on a hill with its top at `target`.

    Args:
        told: what the sampler is told of a trial's regret, the squared distance from the top.
    """
    axis = {"type": "uniform", "min_value": 0, "max_value": 10}
    space = {"x": axis, "y": axis}
    regrets: list[float] = []
    sweep_ = node(search_space=space, sampling_algorithm=algorithm, objective={"goal": "minimize"})
    trials = sampling.sample(sweep_, at_once, lambda number: told(regrets[number]))
    for parameters in itertools.islice(trials, 30):
        regrets.append(sum((float(parameters[name]) - top) ** 2 for name, top in zip("xy", target, strict=True)))
    return statistics.fmean(regrets[10:])


TOPS = [(2, 8), (7, 3), (5, 5), (6, 7), (2, 1), (8, 4)]


@pytest.mark.usefixtures("_optuna")
@pytest.mark.parametrize("at_once", [1, 2])
def test_bayesian_sampling_learns_from_finished_trials(at_once):
    """On every one of several hills it comes nearer to the top than random sampling, and only if it is told scores."""
    random = [mean_regret(top, {"type": "random", "seed": seed}) for seed, top in enumerate(TOPS)]
    learned = [mean_regret(top, "bayesian", at_once=at_once) for top in TOPS]
    assert all(ours < theirs for ours, theirs in zip(learned, random, strict=True)), (learned, random)
    assert statistics.fmean(learned) < 0.6 * statistics.fmean(random)
    blind = [mean_regret(top, "bayesian", told=lambda regret: 1.0, at_once=at_once) for top in TOPS[:2]]
    misled = [mean_regret(top, "bayesian", told=lambda regret: -regret, at_once=at_once) for top in TOPS[:2]]
    assert statistics.fmean(blind) > 0.75 * statistics.fmean(random[:2]), "the test would pass without learning"
    assert statistics.fmean(misled) > statistics.fmean(random[:2]), "the goal makes no difference"


@pytest.mark.usefixtures("_optuna")
def test_bayesian_sampling_warns_when_most_trials_run_at_once():
    bench = Workbench(rate_is_r2)
    bench.run(bayesian() | {"limits": {"max_total_trials": 4, "max_concurrent_trials": 4}})
    assert bench.lines[0].startswith("warning: with limits.max_concurrent_trials 4 of 4 trials")
    bench = Workbench(rate_is_r2)
    bench.run(bayesian() | {"limits": {"max_total_trials": 4, "max_concurrent_trials": 2}})
    assert not bench.lines[0].startswith("warning")


def test_a_trial_finds_its_parameters_in_its_environment():
    bench = Workbench(rate_is_r2)
    bench.run(node(0.1))
    assert bench.children[0]["node"]["environment_variables"]["AZUREML_SWEEP_rate"] == "0.1"
