"""The router of online endpoints, a process as in a workspace: who answers a request, and what if nobody does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from routing import deployment, endpoint, error, route, wait


def test_a_request_reaches_the_server_and_its_answer_the_client(router, blue):
    route(router, blue)
    blue.answer = lambda request: (200, {"Content-Type": "text/x", "X-Mine": "1", "Connection": "X-Hop", "X-Hop": "1"},
                                   b"\x00answer\xff")  # fmt: skip
    answer = router.send(b"\xff\x00body", "/e/score?a=%2e&b=c%20d", X_Own="yes", Content_Type="application/x",
                         Connection="X-Secret", X_Secret="1", TE="x", Upgrade="h2c", azureml_model_deployment="blue",
                         x_request_id="id-1")  # fmt: skip
    assert (answer.status, answer.body) == (200, b"\x00answer\xff")
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert (answer.headers["x-request-id"], answer.headers["X-Mine"], answer.headers["X-Hop"]) == ("id-1", "1", None)
    (got,) = blue.requests
    assert (got["method"], got["path"], got["body"]) == ("POST", "/score?a=%2e&b=c%20d", b"\xff\x00body")
    headers = {name.lower(): value for name, value in got["headers"].items()}
    assert headers == {"host": f"127.0.0.1:{router.port}", "accept-encoding": "identity", "content-length": "6",
                       "x-own": "yes", "content-type": "application/x", "x-request-id": "id-1",
                       "connection": "close"}  # fmt: skip


def test_requests_are_numbered_and_the_openapi_document_has_its_own_path(router, blue):
    route(router, blue)
    first, second = router.send(), router.send(None, "/e/swagger.json", "GET")
    assert [request["path"] for request in blue.requests] == ["/score", "/swagger.json"]
    given = [request["headers"]["x-request-id"] for request in blue.requests]
    assert given == [first.headers["x-request-id"], second.headers["x-request-id"]]
    assert len(set(given)) == 2


def test_the_header_chooses_the_deployment(router, blue, green):
    route(router, blue, green)
    assert router.send(azureml_model_deployment="green").headers["azureml-model-deployment"] == "green"
    answer = router.send(azureml_model_deployment="red")
    assert answer.status == 404
    assert "its deployments are: blue, green" in error(answer)
    assert (len(blue.requests), len(green.requests)) == (0, 1)


def test_the_weights_share_out_the_rest(router, blue, green):
    route(router, blue, green, {"blue": 90, "green": 10})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: router.send(), range(400)))
    named = [answer.headers["azureml-model-deployment"] for answer in answers]
    assert named.count("blue") + named.count("green") == 400
    assert 10 <= named.count("green") <= 70  # 40 expected; five standard deviations are 30


def test_without_weights_only_named_deployments_answer(router, blue):
    route(router, blue, traffic={"blue": 0})
    answer = router.send()
    assert answer.status == 404
    assert "doesn't have any valid deployment with positive weight" in error(answer)
    assert router.send(azureml_model_deployment="blue").status == 200


@pytest.mark.parametrize("status", [201, 302, 400, 404, 429, 500, 503])
def test_what_the_server_refuses_is_a_failed_dependency(router, blue, status):
    route(router, blue)
    blue.answer = lambda request: (status, {"Content-Type": "text/plain", "Location": "/score"}, b"my reason")
    answer = router.send()
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (424, b"my reason", "text/plain")
    assert answer.headers["ms-azureml-model-error-statuscode"] == str(status)
    assert answer.headers["ms-azureml-model-error-reason"]
    assert len(blue.requests) == 1


def cut_off(request):
    return 200, {"Content-Length": "1000"}, b"a part"


def no_http(request):
    return 200, {"Content-Length": "x"}, b""


@pytest.mark.parametrize("answer", [lambda request: None, cut_off, no_http])
def test_a_request_that_a_server_loses_is_not_sent_again(router, blue, answer):
    route(router, blue)
    blue.answer = answer
    lost = router.send()
    assert (lost.status, lost.headers["ms-azureml-model-error-statuscode"]) == (424, "502")
    assert "get-logs" in error(lost)
    assert len(blue.requests) == 1


def test_a_socket_that_is_gone(router, blue):
    route(router, blue)
    Path(router.folder / "s" / blue.server_address).unlink()
    assert router.send().headers["ms-azureml-model-error-statuscode"] == "502"
    assert router.status()["in_flight"] == {blue.server_address: 0}


def test_a_server_that_takes_too_long(router, blue):
    route(router, blue, timeout_ms=200, limit=1)
    release = threading.Event()
    blue.answer = lambda request: release.wait(20) and (200, {}, b"late")
    answer = router.send()
    assert (answer.status, answer.headers["azureml-model-deployment"]) == (408, "blue")
    assert "200 ms" in error(answer)
    release.set()
    assert router.send().status == 200  # its place is free again


def test_more_requests_than_the_deployment_may_have_are_refused_at_once(router, blue):
    route(router, blue, limit=2)
    release = threading.Event()
    blue.answer = lambda request: release.wait(20) and (200, {}, b"")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(router.send) for _ in range(2)]
        wait(lambda: router.status()["in_flight"][blue.server_address] == 2)
        refused = router.send()
        release.set()
        assert [answer.result().status for answer in waiting] == [200, 200]
    assert (refused.status, refused.headers["azureml-model-deployment"]) == (429, "blue")
    assert router.send().status == 200


def test_requests_go_to_the_idlest_instance(router, blue, green):
    router.route({"e": endpoint({"blue": 100}, blue=deployment(blue.server_address, green.server_address))})
    both = threading.Barrier(2)  # each answers only when the other has a request too
    blue.answer = green.answer = lambda request: (both.wait(20), (200, {}, b""))[1]
    with ThreadPoolExecutor(2) as pool:
        assert {answer.status for answer in pool.map(lambda _: router.send(), range(2))} == {200}


def test_mirrored_requests_are_copies_whose_answer_nobody_sees(router, blue, green):
    route(router, blue, green, mirror={"green": 50})
    green.answer = lambda request: (500, {}, b"nobody sees this")
    for number in range(100):
        assert router.send(str(number).encode()).body == str(number).encode()
    assert router.send(b"named", azureml_model_deployment="blue").status == 200  # not routed by weights
    wait(lambda: router.status()["in_flight"][green.server_address] == 0)
    copies = {request["body"]: request["headers"]["x-request-id"] for request in green.requests}
    assert 25 <= len(copies) <= 75  # 50 expected; five standard deviations are 25
    sent = {request["body"]: request["headers"]["x-request-id"] for request in blue.requests}
    assert copies.items() <= sent.items()
    assert b"named" not in copies


def test_a_mirror_that_hangs_delays_nothing_and_gets_no_more_than_its_limit(router, blue, green):
    release = threading.Event()
    green.answer = lambda request: release.wait(20) and (200, {}, b"")
    route(router, blue, green, mirror={"green": 50}, limit=3)
    assert {router.send().status for _ in range(60)} == {200}
    assert router.status()["in_flight"] == {blue.server_address: 0, green.server_address: 3}
    assert len(green.requests) == 3
    release.set()
