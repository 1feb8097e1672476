"""Which hyperparameters a sweep's trials get."""

import itertools
import math

import pytest
from ml_workspace import sampling
from ml_workspace.errors import Unsupported, WorkspaceError


def sweep(algorithm, **space):
    return {"sampling_algorithm": algorithm, "search_space": space}


def first(node, count):
    sampling.validate(node)
    return list(itertools.islice(sampling.sample(node), count))


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


@pytest.mark.parametrize("algorithm", ["bayesian", "sobol", {"type": "random", "rule": "sobol"}])
def test_what_only_azure_has_is_refused_by_name(algorithm):
    name = "sobol" if "sobol" in str(algorithm) else "bayesian"
    with pytest.raises(Unsupported, match=name):
        sampling.validate(sweep(algorithm, x={"type": "choice", "values": [1]}))


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
    ],
)
def test_wrong_search_space_names_the_field(node, message):
    with pytest.raises(WorkspaceError, match=message):
        sampling.validate(node)
