"""What the supervisor decides, from the catalog and from which servers answer."""

import pytest
from ml_workspace.serving_state import Deployment, endpoint_route, needed, pause, route, sha256


def plan(name, instances=1):
    return {"id": name, "instances": instances, "timeout_ms": 5000, "limit": 2 * instances}


def deployment(state, live, wanted):
    return Deployment("e", "blue", 1, {"provisioning_state": state}, live, wanted)


def routed(deployment, ready):
    """The sockets that requests go to; None if they can't go anywhere yet."""
    found = route(deployment, ready, None)
    return found and found["sockets"]


def sockets(*deployments):
    return sorted(needed(deployments))


def test_a_first_deployment_gets_no_requests_before_all_of_its_servers_are_ready():
    new = deployment("Creating", None, plan("a", 2))
    assert sockets(new) == ["e.blue.a.0.sock", "e.blue.a.1.sock"]
    assert routed(new, {"e.blue.a.0.sock"}) is None
    assert not new.complete({"e.blue.a.0.sock"})
    both = {"e.blue.a.0.sock", "e.blue.a.1.sock"}
    assert new.complete(both)
    assert routed(new, both) == ["e.blue.a.0.sock", "e.blue.a.1.sock"]


def test_an_update_serves_the_old_revision_until_the_new_one_is_ready():
    update = deployment("Updating", plan("a"), plan("b"))
    assert sockets(update) == ["e.blue.a.0.sock", "e.blue.b.0.sock"]
    assert routed(update, {"e.blue.a.0.sock"}) == ["e.blue.a.0.sock"]
    assert routed(update, {"e.blue.a.0.sock", "e.blue.b.0.sock"}) == ["e.blue.b.0.sock"]


def test_a_failed_update_leaves_the_old_revision_and_nothing_of_the_new_one():
    failed = deployment("Failed", plan("a"), plan("b"))
    assert sockets(failed) == ["e.blue.a.0.sock"]
    assert routed(failed, {"e.blue.a.0.sock", "e.blue.b.0.sock"}) == ["e.blue.a.0.sock"]
    assert sockets(deployment("Failed", None, plan("b"))) == []


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_another_number_of_instances_keeps_the_servers_that_stay(before, after):
    scaled = deployment("Updating", plan("a", before), plan("a", after))
    assert sockets(scaled) == [f"e.blue.a.{number}.sock" for number in range(after)]


def test_a_server_that_is_down_gets_no_requests_unless_there_is_no_other():
    live = deployment("Succeeded", plan("a", 2), plan("a", 2))
    assert routed(live, {"e.blue.a.1.sock"}) == ["e.blue.a.1.sock"]
    # They wait in the sockets for whichever comes back first.
    assert routed(live, set()) == ["e.blue.a.0.sock", "e.blue.a.1.sock"]


def test_routes_have_hashes_of_keys_and_weights_of_deployments_that_can_be_reached():
    doc = {"traffic": {"blue": 90, "gone": 10}, "mirror_traffic": {"gone": 10}}
    found = endpoint_route(doc, {"primary": "one", "secondary": "two"}, {"blue": {}})
    assert found["keys"] == [sha256("one"), sha256("two")]
    assert found["traffic"] == {"blue": 90}
    assert found["mirror_traffic"] == {}


def test_what_dies_is_started_again_at_once_then_with_longer_and_longer_pauses():
    assert [pause(deaths, 30) for deaths in range(1, 8)] == [0, 1, 2, 4, 8, 16, 30]
    assert pause(10_000, 30) == 30
