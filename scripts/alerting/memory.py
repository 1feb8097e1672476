"""What each channel was told last of a monitor: build/alerts/<env>-<monitor>.json, used by one process at a time."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.alerting.decide import Told
from scripts.looking.files import write_whole


@contextmanager
def memory(path: Path) -> Iterator[dict[str, Told]]:
    """Channel -> what it was told; what the caller changes in it is kept, whatever is raised.

    A file that can't be read is told anew: a message twice is better than none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = _read(path)
        try:
            yield told
        finally:
            text = json.dumps({name: one.document() for name, one in told.items()}, indent=2, sort_keys=True)
            write_whole(path, text + "\n")


def _read(path: Path) -> dict[str, Told]:
    if not path.exists():
        return {}
    try:
        documents = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Told.read(document) for name, document in documents.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"WARNING {path} can't be read, everything is told anew: {type(error).__name__}: {error}")
        return {}
