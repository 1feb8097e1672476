"""Which hyperparameters a sweep's trials get."""

import itertools
import math

import pytest
from ml_workspace import sampling
from ml_workspace.errors import WorkspaceError


def sweep(algorithm, **space):
    return {"sampling_algorithm": algorithm, "search_space": space}


def first(node, count):
    sampling.validate(node)
    return list(itertools.islice(sampling.sample(node, 1, lambda number: None), count))


def test_grid_gives_every_combination_once():
    node = sweep("grid", a={"type": "choice", "values": [1, 2]}, b={"type": "choice", "values": ["x", "y", "z"]})
    trials = first(node, 100)
    assert len(trials) == 6
    assert trials[0] == {"a": "1", "b": "x"}
    assert len({tuple(trial.items()) for trial in trials}) == 6


def test_random_with_a_seed_repeats_itself():
    space = {"rate": {"type": "uniform", "min_value": 0.1, "max_value": 0.2}}
    node = sweep({"type": "random", "seed": 7}, **space)
    assert first(node, 5) == first(node, 5)
    assert first(node, 5) != first(sweep({"type": "random", "seed": 8}, **space), 5)


def test_random_without_a_seed_is_not_repeated():
    node = sweep("random", rate={"type": "uniform", "min_value": 0, "max_value": 1})
    assert first(node, 5) != first(node, 5)


@pytest.mark.parametrize(
    ("distribution", "accepts"),
    [
        ({"type": "choice", "values": ["a", "b"]}, lambda text: text in "ab"),
        ({"type": "randint", "upper": 3}, lambda text: int(text) in {0, 1, 2}),
        ({"type": "uniform", "min_value": 2, "max_value": 3}, lambda text: 2 <= float(text) <= 3),
        ({"type": "quniform", "min_value": 10, "max_value": 30, "q": 5}, lambda text: int(text) in range(10, 31, 5)),
        ({"type": "loguniform", "min_value": -3, "max_value": 0}, lambda text: math.exp(-3) <= float(text) <= 1),
        ({"type": "qloguniform", "min_value": 0, "max_value": 5, "q": 2}, lambda text: int(text) % 2 == 0),
        ({"type": "normal", "mu": 100, "sigma": 0.1}, lambda text: 95 < float(text) < 105),
        ({"type": "qnormal", "mu": 100, "sigma": 3, "q": 10}, lambda text: int(text) in {80, 90, 100, 110, 120}),
        ({"type": "lognormal", "mu": 0, "sigma": 1}, lambda text: float(text) > 0),
        ({"type": "qlognormal", "mu": 3, "sigma": 0.1, "q": 1}, lambda text: int(text) > 0),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_distribution_stays_in_its_range(distribution, accepts):
    texts = [trial["x"] for trial in first(sweep({"type": "random", "seed": 1}, x=distribution), 200)]
    assert all(map(accepts, texts))
    assert len(set(texts)) > 1


def test_fractional_steps_read_as_written():
    node = sweep({"type": "random", "seed": 1}, x={"type": "quniform", "min_value": 0, "max_value": 1, "q": 0.1})
    assert {trial["x"] for trial in first(node, 300)} == {str(n / 10) for n in range(11)}


def test_a_base_of_its_own_for_the_logarithm():
    space = {"x": {"type": "loguniform", "min_value": -3, "max_value": 0}}
    texts = [trial["x"] for trial in first(sweep({"type": "random", "seed": 1, "logbase": 10}, **space), 200)]
    assert all(0.001 <= float(text) <= 1 for text in texts)
    assert min(map(float, texts)) < math.exp(-3)
    assert first(sweep({"type": "random", "seed": 1, "logbase": "e"}, **space), 5) == first(
        sweep({"type": "random", "seed": 1}, **space), 5
    )


SOBOL = {"type": "random", "rule": "sobol", "seed": 3}


def test_sobol_leaves_no_gaps_and_repeats_itself():
    space = {
        "x": {"type": "uniform", "min_value": 0, "max_value": 1},
        "c": {"type": "choice", "values": ["a", "b", "c", "d"]},
        "n": {"type": "normal", "mu": 0, "sigma": 1},
    }
    trials = first(sweep(SOBOL, **space), 16)
    assert sorted(int(float(trial["x"]) * 16) for trial in trials) == list(range(16)), "one in each 16th"
    assert sorted(trial["c"] for trial in trials) == sorted("abcd" * 4)
    assert sum(float(trial["n"]) < 0 for trial in trials) == 8
    assert trials == first(sweep(SOBOL, **space), 16)
    assert trials != first(sweep({**SOBOL, "seed": 4}, **space), 16)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (sweep("random"), "search_space is empty"),
        (sweep("genetic", x={"type": "choice", "values": [1]}), "'genetic' is not one of"),
        (sweep("random", x={"type": "gamma"}), r"search_space\.x: type 'gamma'"),
        (sweep("random", x={"type": "uniform", "min_value": 1}), "needs max_value"),
        (sweep("random", x={"type": "uniform", "min_value": 2, "max_value": 1}), "above max_value"),
        (sweep("random", x={"type": "uniform", "min_value": "a", "max_value": 1}), "min_value must be a number"),
        (sweep("random", x={"type": "choice", "values": []}), "not empty"),
        (sweep("random", x={"type": "choice", "values": [{"a": 1}]}), "conditional"),
        (sweep("random", x={"type": "quniform", "min_value": 0, "max_value": 1, "q": 0}), "q must be above 0"),
        (sweep("grid", x={"type": "uniform", "min_value": 0, "max_value": 1}), "grid sampling takes only choice"),
        (sweep({"type": "random", "seed": "x"}, x={"type": "choice", "values": [1]}), "seed must be an integer"),
        (sweep("sobol", x={"type": "choice", "values": [1]}), "rule of random: {type: random, rule: sobol}"),
        (sweep({"type": "random", "rule": "x"}, x={"type": "choice", "values": [1]}), "rule 'x' is not one of random"),
        (sweep({"type": "random", "logbase": -1}, x={"type": "choice", "values": [1]}), "logbase must be e or"),
        (sweep("bayesian", x={"type": "normal", "mu": 0, "sigma": 1}), "bayesian sampling takes only choice, uniform"),
        (
            sweep("bayesian", x={"type": "choice", "values": [1]}) | {"early_termination": {"type": "bandit"}},
            "early_termination can't be combined with bayesian",
        ),
    ],
)
def test_wrong_search_space_names_the_field(node, message):
    with pytest.raises(WorkspaceError, match=message):
        sampling.validate(node)
