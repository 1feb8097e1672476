"""Who rolls out, and whether that one is still there."""

import subprocess
import sys

import psutil

from scripts.rolling.owner import is_gone, owner

AGENT = {"BUILD_BUILDID": "4711", "SYSTEM_JOBID": "ab-cd", "SYSTEM_JOBATTEMPT": "1"}


def test_this_process_is_there():
    assert not is_gone(owner({}), {})


def test_a_process_that_has_ended_is_gone_also_when_its_number_is_taken_again():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = round(psutil.Process(process.pid).create_time())
    head = owner({}).partition(", process")[0]
    assert not is_gone(f"{head}, process {process.pid} of {start}", {})
    assert is_gone(f"{head}, process {process.pid} of {start - 60}", {})
    process.communicate(b"\n")
    assert is_gone(f"{head}, process {process.pid} of {start}", {})


def test_a_process_of_another_machine_can_not_be_known():
    assert not is_gone("ann@elsewhere, process 1 of 1", {})
    assert not is_gone("what somebody wrote into the tag", {})


def test_an_earlier_attempt_of_the_same_pipeline_run_is_gone():
    first, second = owner(AGENT), owner({**AGENT, "SYSTEM_JOBATTEMPT": "2"})
    assert is_gone(first, {**AGENT, "SYSTEM_JOBATTEMPT": "2"})
    assert not is_gone(second, {**AGENT, "SYSTEM_JOBATTEMPT": "2"})
    assert not is_gone(first, {**AGENT, "BUILD_BUILDID": "4712"})
    assert not is_gone(first, {}), "a person can't know about an agent"
