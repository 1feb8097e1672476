"""The router and its clients: who is let in, and what becomes of requests that are wrong, huge or slow."""

import json
import os
import socket
import threading

import pytest
from routing import KEYS, Router, Server, error, route, wait

BODY_LIMIT = 10 * 2**20


def test_both_keys_open_and_nothing_else_does(router, blue):
    route(router, blue)
    assert [router.send(key=key).status for key in KEYS] == [200, 200]
    assert router.send(key=None, authorization=f"bearer {KEYS[1]}").status == 200
    for header in ("", "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEYS[0]}", KEYS[0], "Bearer \u00e9\u00ff",
                   f"Bearer {KEYS[0]} x", "Bearer " + "x" * 8000):  # fmt: skip
        answer = router.send(key=None, authorization=header)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "get-credentials" in error(answer)
    assert router.send(key=None).status == 401
    assert len(blue.requests) == 3


@pytest.mark.parametrize("path", ["/", "/e", "/e/", "/e/score/", "/e//score", "//e/score", "/e/%73core", "/%65/score",
                                  "/x/%2e%2e/e/score", "/e/../e/score", "/e/score%00", "/other/score", "/E/score", "*",
                                  "/e/score\u00e9", "http://127.0.0.1/e/score"])  # fmt: skip
def test_no_other_path_leads_anywhere(router, blue, path):
    route(router, blue)
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\nConnection: close\r\n\r\n"
    assert router.raw(request.encode()).split()[1] in (b"404", b"400")
    assert blue.requests == []


@pytest.mark.parametrize("size", [0, 1, 70_000, BODY_LIMIT])
def test_bodies_of_all_allowed_sizes_pass_whole(router, blue, size):
    route(router, blue)
    body = os.urandom(size)
    assert router.send(body).body == body
    in_chunks = router.send(iter([body[: size // 2], body[size // 2 :]]))
    assert (in_chunks.status, in_chunks.body) == (200, body)


def test_larger_bodies_are_refused_before_they_are_read(router, blue):
    route(router, blue)
    head = f"POST /e/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode())  # and not a byte of it
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert router.send(iter([b"x" * BODY_LIMIT, b"x"])).status == 413
    assert blue.requests == []


def test_a_client_that_asks_before_it_sends(router, blue):
    route(router, blue)
    head = "POST /e/score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as connection:
        connection.sendall(f"{head}Authorization: Bearer {KEYS[0]}\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert blue.requests[0]["headers"]["Expect"] is None


MALFORMED = {
    "a header of 100 kB": b"POST /e/score HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "a path of 100 kB": b"POST /e/score" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "1,000 headers": b"POST /e/score HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "a bare CR": b"POST /e/score HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
    "a bare LF": b"POST /e/score HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n\r\n",
    "two lengths": b"POST /e/score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a negative length": b"POST /e/score HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "length and chunks": b"POST /e/score HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no method": b"\r\n\r\n \x00\xff\r\n\r\n",
}


@pytest.mark.parametrize("head", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_told_so_and_closed(router, blue, head):
    route(router, blue)
    answer = router.raw(head)
    assert answer.split()[1] == b"400"
    assert b"Traceback" not in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "BadRequest"
    assert blue.requests == []
    assert router.send().status == 200


def test_headers_that_are_no_text_harm_nobody(router, blue):
    route(router, blue)
    blue.answer = lambda request: (200, {}, b"fine")
    line = f"POST /e/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\nContent-Length: 0\r\n"
    answer = router.raw(line.encode() + b"X-Odd: \xff\xfe\r\nx-request-id: \xff1\r\nConnection: close, \xff\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert blue.requests[0]["headers"]["X-Odd"].encode("latin-1", "surrogateescape") in (b"\xff\xfe", b"??")


def test_a_client_that_is_slow_holds_no_place(router, blue):
    route(router, blue, limit=1)
    head = f"POST /e/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\nContent-Length: 10\r\n\r\n1234"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as slow:
        slow.sendall(head.encode())
        assert router.send().status == 200
        slow.sendall(b"567890")
        assert slow.recv(12) == b"HTTP/1.1 200"
    assert blue.requests[-1]["body"] == b"1234567890"


def test_a_body_that_never_arrives(tmp_path, router_python):
    impatient = Router(tmp_path / "w", router_python, before="import serving_http; serving_http.PATIENCE = 0.2")
    blue = Server(tmp_path / "w" / "s" / "blue.sock")
    try:
        route(impatient, blue)
        head = f"POST /e/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\nContent-Length: 10\r\n\r\n12"
        with socket.create_connection(("127.0.0.1", impatient.port), timeout=10) as slow:
            slow.sendall(head.encode())
            assert slow.recv(12) == b"HTTP/1.1 408"
        assert blue.requests == []
    finally:
        impatient.close()


def test_a_client_that_leaves_is_no_error_of_the_router(router, blue):
    route(router, blue)
    release = threading.Event()
    blue.answer = lambda request: release.wait(20) and (200, {}, b"x" * 1_000_000)
    head = f"POST /e/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\nContent-Length: 0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as connection:
        connection.sendall(head.encode())
        wait(lambda: blue.requests)
    release.set()
    wait(lambda: router.status()["in_flight"][blue.server_address] == 0)
    assert router.send().status == 200
    assert "Traceback" not in (router.folder / "router.log").read_text()
