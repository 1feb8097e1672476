"""Replays recorded events, as if they came now, and follows the job that they ask for.

    python -m scripts.event --env local --file tests/data/events/blob_created.json

The file holds a list of events, or one, in Event Grid's own schema. It goes through what `make watch` does with files
that land. See docs/events.md.

Exit code: 0 what the events ask for is registered, or they ask for nothing; 1 it could not be asked for, or the job has
registered nothing; 2 the file holds no events.
"""

import argparse
import sys
import time
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.events.blob import Malformed, read_events
from scripts.events.journal import JournalError
from scripts.events.registrar import Undelivered
from scripts.events.retry import GaveUp
from scripts.events.wiring import parts
from scripts.land import LandError
from scripts.specs.errors import SpecError

TICK = 0.2  # seconds between two looks at the job


def main(args: argparse.Namespace) -> int:
    try:
        events = read_events(args.file.read_text(encoding="utf-8"), str(args.file))
    except (Malformed, OSError, UnicodeDecodeError) as error:
        print(f"error: {args.file} holds no events: {error}", file=sys.stderr)
        return 2
    try:
        with parts(Path.cwd(), args.env) as found:
            for blob in events:
                found.intake.came(blob)
            while not found.registrar.idle:
                found.registrar.step()
                time.sleep(TICK)
            return 1 if found.failed else 0
    except (LandError, JournalError, SpecError, AzError, GaveUp, Undelivered, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--file", type=Path, required=True, help="JSON of events")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
