"""Probes of servers, with sockets that play them and a clock of its own."""

import os
import socket

import pytest
from ml_workspace.serving_probe import Probe

SETTINGS = {"initial_delay": 10, "period": 10, "timeout": 2, "failure_threshold": 3, "success_threshold": 1}


@pytest.fixture
def server(tmp_path):
    """A socket that listens, by a relative path as in the supervisor."""
    before = os.getcwd()  # noqa: PTH109 - what chdir takes back
    os.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        listening.listen()
        yield listening
    os.chdir(before)


def verdict(probe):
    return probe.well


def answer(server, text=b"HTTP/1.1 200 OK\r\n\r\nHealthy"):
    connection, _ = server.accept()
    assert connection.recv(1000).startswith(b"GET / HTTP/1.1\r\n")
    connection.sendall(text)
    connection.close()


def test_a_server_is_ready_as_soon_as_it_answers_however_long_its_initial_delay(server):
    probe = Probe("s", SETTINGS, now=0)
    probe.step(0)
    probe.step(1)
    assert verdict(probe) is None
    answer(server)
    probe.step(1.1)
    assert verdict(probe) is True


def test_a_start_may_take_the_initial_delay_and_as_many_periods_as_failures_are_allowed(server):
    probe = Probe("s", SETTINGS, now=0)
    probe.step(0)
    probe.step(39.9)
    assert verdict(probe) is None
    probe.step(40)
    assert verdict(probe) is False


def test_failures_in_a_row_make_a_server_unwell_and_successes_make_it_well_again(server):
    probe = Probe("s", {**SETTINGS, "success_threshold": 2}, now=0)
    probe.step(0)
    answer(server)
    probe.step(0.1)
    assert verdict(probe) is None  # two in a row are asked for
    probe.step(10.1)
    answer(server)
    probe.step(10.2)
    assert verdict(probe) is True
    now = 10.2
    for failures in range(1, 4):
        now += 10
        probe.step(now)
        answer(server, b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        probe.step(now + 0.1)
        now += 0.1
        assert verdict(probe) is (failures < 3)


def test_no_answer_in_time_is_a_failure_and_so_is_nobody_who_listens(server):
    probe = Probe("s", {**SETTINGS, "failure_threshold": 1}, now=0)
    probe.step(0)
    answer(server)
    probe.step(0)
    probe.step(10)
    probe.step(11.9)
    assert verdict(probe) is True
    probe.step(12)
    assert verdict(probe) is False
    nobody = Probe("nowhere", SETTINGS, now=0)
    nobody.step(0)
    assert nobody.well is False
