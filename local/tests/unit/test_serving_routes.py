"""Which deployment a request gets: the pure part of the router."""

from random import Random

import pytest
from ml_workspace.serving_routes import Routes, matches
from routing import KEYS, deployment, digest, endpoint


def routes(before=None, generation=1, **named):
    return (before or Routes()).next({"generation": generation, "endpoints": named})


def test_traffic_is_drawn_by_the_weights():
    known = routes(e=endpoint({"blue": 90, "green": 10, "idle": 0}, blue=deployment("b"), green=deployment("g"),
                              idle=deployment("i"))).endpoints["e"]  # fmt: skip
    random = Random(7)
    drawn = [known.draw(random).name for _ in range(20_000)]
    assert set(drawn) == {"blue", "green"}
    assert abs(drawn.count("green") / 20_000 - 0.10) < 0.01
    again = Random(7)
    assert [known.draw(again).name for _ in range(20_000)] == drawn


def test_mirrored_requests_are_a_share():
    known = routes(e=endpoint({"blue": 100}, {"green": 20}, blue=deployment("b"), green=deployment("g"))).endpoints["e"]
    random = Random(7)
    copies = sum(known.mirrored(random) is known.deployments["green"] for _ in range(20_000))
    assert abs(copies / 20_000 - 0.20) < 0.01


def test_what_has_no_server_gets_nothing():
    known = routes(e=endpoint({"blue": 50, "gone": 30, "starting": 20}, {"gone": 10}, blue=deployment("b"),
                              starting=deployment())).endpoints["e"]  # fmt: skip
    assert {known.draw(Random(seed)).name for seed in range(100)} == {"blue"}
    assert known.mirrored(Random(1)) is None
    assert list(known.deployments) == ["blue"]
    assert routes(e=endpoint({}, blue=deployment("b"))).endpoints["e"].draw(Random(1)) is None


def test_the_idlest_server_up_to_the_limit():
    blue = routes(e=endpoint({}, blue=deployment("b0", "b1", limit=3))).endpoints["e"].deployments["blue"]
    taken = []
    while (instance := blue.idlest()) is not None:
        instance.in_flight += 1
        taken.append(instance.socket)
    assert taken == ["b0", "b1", "b0"]


def test_newer_routes_know_what_is_under_way_and_what_was_counted():
    old = routes(e=endpoint({}, blue=deployment("b.1"), green=deployment("g.1")))
    for socket in ("b.1", "g.1"):
        old.instances[socket].in_flight = 1
    old.endpoints["e"].deployments["blue"].counters.requests = 5
    new = routes(before=old, generation=2, e=endpoint({}, blue=deployment("b.2"), green=deployment("g.1")))
    assert new.status() == {
        "generation": 2, "in_flight": {"b.1": 1, "b.2": 0, "g.1": 1},
        "deployments": {"e/blue": {"requests": 5, "errors": 0}, "e/green": {"requests": 0, "errors": 0}},
    }  # fmt: skip
    old.endpoints["e"].deployments["blue"].instances[0].in_flight -= 1  # the request ends where it began
    newest = routes(before=new, generation=3, e=endpoint({}, green=deployment("g.1")))
    assert newest.status()["in_flight"] == {"g.1": 1}
    assert list(newest.status()["deployments"]) == ["e/green"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "bearer x", "Basic first-key", "first-key",
                                    f"Bearer {digest('first-key')}", "Bearer first-key x", "\udcff"])  # fmt: skip
def test_no_key(header):
    assert not routes(e=endpoint({})).endpoints["e"].accepts(header)


def test_keys():
    known = routes(e=endpoint({})).endpoints["e"]
    assert all(known.accepts(f"Bearer {key}") and known.accepts(f"bearer  {key} ") for key in KEYS)
    assert not matches("", [])


@pytest.mark.parametrize("document", [
    [], {}, {"generation": 1}, {"generation": "x", "endpoints": {}}, {"generation": 1, "endpoints": {"e": {}}},
    {"generation": 1, "endpoints": {"e": endpoint({"blue": "x"}, blue=deployment("b"))}},
    {"generation": 1, "endpoints": {"e": endpoint({}, blue={"sockets": ["b"]})}},
])  # fmt: skip
def test_documents_of_another_form(document):
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        Routes().next(document)
