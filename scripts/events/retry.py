"""Trying again what can't be reached, with growing pauses."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


class GaveUp(Exception):
    """It was tried often enough; the message is the last error."""


@dataclass(frozen=True)
class Retries:
    """How often, and how patiently.

    Args:
        number: of attempts after the first.
        pause: seconds before the first of these; twice as long before each next one.
        sleep: the clock.
    """

    number: int
    pause: float
    sleep: Callable[[float], None] = time.sleep

    def run(self, action: Callable[[], Result], *errors: type[Exception]) -> Result:
        """What `action` returns once it raises none of `errors`.

        Raises:
            GaveUp: it still does after all attempts.
        """
        for attempt in range(self.number + 1):
            try:
                return action()
            except errors as error:
                if attempt == self.number:
                    raise GaveUp(f"after {attempt + 1} attempts: {error}") from error
                pause = self.pause * 2**attempt
                print(f"will be tried again in {pause:g} s: {error}", flush=True)
                self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")
