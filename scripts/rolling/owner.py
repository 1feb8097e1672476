"""Who rolls out: a text for a tag by which others, and a later self, can tell whether that process is still there."""

import getpass
import os
import platform
import re
from collections.abc import Mapping

import psutil

PROCESS = re.compile(r"(?P<who>.*)@(?P<host>.*), process (?P<pid>\d+) of (?P<start>\d+)")
BUILD = re.compile(r"(?P<build>pipeline run \S+), job (?P<job>.*)")
RUN, JOB, ATTEMPT = "BUILD_BUILDID", "SYSTEM_JOBID", "SYSTEM_JOBATTEMPT"  # Azure Pipelines


def owner(environment: Mapping[str, str] = os.environ) -> str:
    """This process, on an agent of Azure Pipelines the run and the attempt of its job.

    An agent is another machine each time, so a process number would tell nobody anything.
    """
    if environment.get(RUN):
        attempt = f"{environment.get(JOB, '')} attempt {environment.get(ATTEMPT, '1')}"
        return f"pipeline run {environment[RUN]}, job {attempt}"
    start = round(psutil.Process().create_time())
    return f"{user()}@{platform.node()}, process {os.getpid()} of {start}"


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"user {os.getuid()}"


def is_gone(other: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether `other` is known to have ended: a process of this machine that is not there, an earlier attempt of this
    run. What can't be known, such as a process of another machine, is not gone.
    """
    if build := BUILD.fullmatch(other):
        return build["build"] == f"pipeline run {environment.get(RUN)}" and other != owner(environment)
    process = PROCESS.fullmatch(other)
    if process is None or process["host"] != platform.node():
        return False
    try:
        return round(psutil.Process(int(process["pid"])).create_time()) != int(process["start"])
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
