"""Python's tracebacks in a log."""

import re

TRACEBACK = "Traceback (most recent call last):"
# What stands between an exception and the one that was raised because of it.
CHAINED = re.compile(r"^(?:The above exception was the direct cause|During handling of the above exception)", re.M)


def last_traceback(log: str) -> str:
    """The last traceback of a log; of a chain of exceptions the first, which the others only wrap. Empty if none."""
    blocks = log.split(TRACEBACK)
    number = len(blocks) - 1
    while number > 1 and CHAINED.search(blocks[number - 1]):
        number -= 1
    if number == 0:
        return ""
    lines = CHAINED.split(blocks[number])[0].strip("\n").splitlines()
    # It ends with the first line that is not indented: the exception. A message of more lines ends with an empty one.
    end = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), len(lines) - 1)
    rest = lines[end + 1 :]
    message = rest[: rest.index("")] if "" in rest else rest
    return "\n".join([TRACEBACK, *lines[: end + 1], *message])
