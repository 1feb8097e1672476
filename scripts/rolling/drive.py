"""Carrying out what was decided, step by step: read the endpoint, decide, do it, and read again."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from scripts.az import AzError, shell_line
from scripts.rolling.actions import Action, End, Line, Progress, Smoke, Wait, Watch
from scripts.rolling.state import Endpoint

TRIES = 3  # of a line after another has failed: what restores the traffic is worth a second one
GIVEN_UP = "the traffic could not be restored; what it was is in the endpoint's tags: `make rollback` restores it"
PAUSE = 5.0  # seconds between looks at something that somebody else is at work on


class Online(Protocol):
    """The endpoint, as `az ml` reaches it."""

    def read(self) -> Endpoint | None: ...

    def run(self, arguments: tuple[str, ...]) -> None: ...


class Tests(Protocol):
    """The checks between two steps; each returns why it failed, or None."""

    def smoke(self, deployment: str) -> str | None: ...

    def watch(self, action: Watch) -> str | None: ...


Decide = Callable[[Endpoint | None, Progress], Action]


def drive(decide: Decide, online: Online, tests: Tests, patience: float, say: Callable[[str], None]) -> int:
    """Goes on until nothing is left to do.

    Args:
        decide: what comes next.
        online: the endpoint.
        tests: the checks.
        patience: seconds to wait for what somebody else is doing.
        say: gets a line for people.

    Returns:
        Exit code: 0 accepted, 1 refused, 2 the endpoint is out of reach.
    """
    progress, errors, deadline = Progress(), 0, time.monotonic() + patience
    while True:
        try:
            action = decide(online.read(), progress)
            if isinstance(action, End):
                say(action.message)
                return action.code
            progress, errors = step(action, progress, online, tests, say), 0
            if not isinstance(action, Wait):
                deadline = time.monotonic() + patience
            elif time.monotonic() > deadline:
                if progress.failure:
                    say(f"{progress.failure}\n{GIVEN_UP}")
                    return 2
                failure = f"{action.why}, for {patience / 60:.0f} minutes now"
                progress, deadline = replace(progress, failure=failure), time.monotonic() + patience
        except KeyboardInterrupt:
            if progress.failure:  # the second one: somebody does not want to wait for the traffic to be restored
                raise
            progress = replace(progress, failure="interrupted")
        except AzError as error:
            errors += 1
            if errors >= TRIES:
                say(f"{error}\n{GIVEN_UP if progress.claimed else 'nothing was changed'}")
                return 2
            if not progress.over:
                progress = replace(progress, failure=progress.failure or str(error))


def step(action: Action, progress: Progress, online: Online, tests: Tests, say: Callable[[str], None]) -> Progress:
    """Does one thing and returns what is known then."""
    match action:
        case Line():
            say(f"{action.why}\n  {shell_line(action.arguments)}")
            online.run(action.arguments)
            return action.after
        case Smoke():
            say(f"smoke test of {action.deployment}")
            return judged(progress, "smoke", tests.smoke(action.deployment))
        case Watch():
            return judged(progress, action.stage, tests.watch(action))
        case Wait():
            say(f"{action.why}; waiting")
            time.sleep(PAUSE)
    return progress


def judged(progress: Progress, check: str, failure: str | None) -> Progress:
    if failure:
        return replace(progress, failure=f"{check}: {failure}")
    return replace(progress, passed=progress.passed | {check})
