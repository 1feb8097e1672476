"""Registers what lands, as Azure does: each file becomes a BlobCreated event, and events become jobs of register-data.

    python -m scripts.watch --env local

It runs until it is ended (Ctrl-C). One job takes all that has landed before it was asked for; what lands meanwhile is
for the next one. It may be killed at any time: started again, it goes on where it was. See docs/events.md.

Exit code: 0 it was ended; 1 the workspace, its storage or its endpoint can't be reached, or somebody could not be told.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from watchfiles import Change, watch

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.events.journal import JournalError
from scripts.events.registrar import Undelivered
from scripts.events.retry import GaveUp
from scripts.events.wiring import Parts, parts
from scripts.land import LandError
from scripts.specs.errors import SpecError

TICK = 200  # ms between two looks at files that are being written, and at the job
RESCAN = 30  # seconds between two looks at everything: other machines' changes of a shared folder are not told


def main(args: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # on the way out, the journal is closed
    untold: list[str] = []
    try:
        with parts(Path.cwd(), args.env) as found:
            untold = found.untold
            while True:
                found.retries.run(lambda: present(found.landing.folder), OSError)
                look_on(found)
    except KeyboardInterrupt:
        return 1 if untold else 0
    except (LandError, JournalError, SpecError, AzError, GaveUp, Undelivered, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def present(folder: Path) -> None:
    """Makes the landing folder if only that is missing.

    Raises:
        OSError: its datastore is not there.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{folder} can't be reached: its datastore is not there") from error


def look_on(found: Parts) -> None:
    """Takes what lands until the landing folder is gone.

    Raises:
        GaveUp, Undelivered: see `Intake` and `Registrar`.
    """
    folder, scanned = found.landing.folder, None
    for changes in watch(folder, watch_filter=None, step=50, debounce=TICK, rust_timeout=TICK, yield_on_timeout=True):
        if not folder.is_dir():
            return
        deleted = False
        for change, name in changes:
            found.landing.noticed(Path(name))
            deleted |= change == Change.deleted
            if change == Change.added and Path(name).is_dir():
                scanned = (
                    None if scanned is None else scanned - RESCAN
                )  # files may have been in it before it was watched
        if deleted:
            found.intake.look_for_deleted()
        if scanned is None or time.monotonic() - scanned >= RESCAN:
            found.landing.look()
            found.intake.look_for_deleted()
            if scanned is None:
                print(f"watching {folder}; end it with Ctrl-C", flush=True)
            scanned = time.monotonic()
        for file in found.landing.whole():
            found.intake.landed(file)
        found.registrar.step()


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
