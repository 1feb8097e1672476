"""The router while routes change, and while it is killed: no request is lost."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from routing import Router, Server, route, wait


def test_routes_change_under_load_and_no_request_is_lost(router, blue, green):
    route(router, blue)
    ended = threading.Event()

    def load(_):
        count = 0
        while not ended.is_set():
            assert router.send(b"x" * 1000).status == 200
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        counts = pool.map(load, range(4))
        for number in range(20):
            route(router, (green, blue)[number % 2])
            time.sleep(0.01)
        ended.set()
        total = sum(counts)
    assert total == len(blue.requests) + len(green.requests)
    assert blue.requests and green.requests


def test_a_request_under_way_keeps_its_server_and_is_counted_until_it_ends(router, blue, green):
    route(router, blue)
    release = threading.Event()
    blue.answer = lambda request: release.wait(20) and (200, {}, b"old")
    with ThreadPoolExecutor(1) as pool:
        old = pool.submit(router.send)
        wait(lambda: router.status()["in_flight"][blue.server_address] == 1)
        route(router, green)
        assert router.send(b"new").body == b"new"
        assert router.status()["in_flight"] == {blue.server_address: 1, green.server_address: 0}
        router.route({})  # the endpoint is deleted
        assert router.send().status == 404
        release.set()
        assert old.result().body == b"old"
    router.route({})
    assert router.status()["in_flight"] == {}


def test_routes_that_cannot_be_read_change_nothing(router, blue):
    route(router, blue)
    for text in ("", "{", "[]", "null", '{"generation": 1}', '{"generation": 1, "endpoints": {"e": {}}}', "\xff"):
        router.path.write_text(text, encoding="latin-1")
        time.sleep(0.1)  # two looks
        assert router.send().status == 200
        assert router.status()["generation"] == router.generation


def test_counts_tell_requests_from_errors(router, blue):
    router.route({})
    route(router, blue)
    router.send()
    blue.answer = lambda request: (500, {}, b"")
    router.send()
    router.send(key="wrong")
    assert router.status()["deployments"] == {"e/blue": {"requests": 2, "errors": 1}}


def test_a_killed_router_loses_no_connection_that_waits(tmp_path, router_python):
    router = Router(tmp_path / "w", router_python)
    blue = Server(tmp_path / "w" / "s" / "blue.sock")
    try:
        route(router, blue)
        assert router.stop(signal.SIGKILL) == -signal.SIGKILL
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(router.send, str(number).encode()) for number in range(4)]
            time.sleep(0.2)  # they connect
            assert not any(answer.done() for answer in waiting)
            router.start()
            assert [answer.result().body for answer in waiting] == [b"0", b"1", b"2", b"3"]
    finally:
        router.close()


def test_a_router_that_is_told_to_end_ends_its_requests_first(tmp_path, router_python):
    router = Router(tmp_path / "w", router_python)
    blue = Server(tmp_path / "w" / "s" / "blue.sock")
    release = threading.Event()
    blue.answer = lambda request: release.wait(20) and (200, {}, b"done")
    try:
        route(router, blue)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(router.send)
            wait(lambda: len(blue.requests) == 1)
            router.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert router.process.poll() is None
            release.set()
            assert answer.result().body == b"done"
        assert router.process.wait(15) == 0
    finally:
        router.close()
