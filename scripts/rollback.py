"""Restore the traffic that the online endpoint had before the last rollout; undo a rollout that was killed.

python -m scripts.rollback --env dev
"""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, workspace_flags
from scripts.rolling.actions import Action, Progress, Watch
from scripts.rolling.drive import drive
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.owner import is_gone
from scripts.rolling.specs import serving_of
from scripts.rolling.state import Endpoint, StateError
from scripts.rolling.undo import next_of_rollback
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


class NoTests:
    """A rollback goes to what was served before, and at once: it tests nothing."""

    def smoke(self, deployment: str) -> str | None:
        raise AssertionError(deployment)

    def watch(self, action: Watch) -> str | None:
        raise AssertionError(action)


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        online = OnlineEndpoint(serving_of(project).name, workspace_flags(project.config))
        stale_after = timedelta(minutes=project.config["rollout"]["stale_minutes"])

        def decide(endpoint: Endpoint | None, progress: Progress) -> Action:
            running = endpoint.running if endpoint else None
            known = replace(progress, owner_gone=running is not None and is_gone(running.owner))
            return next_of_rollback(endpoint, datetime.now(UTC), stale_after, known)

        return drive(decide, online, NoTests(), stale_after.total_seconds(), lambda text: print(text, flush=True))
    except (SpecError, AzError, StateError) as error:
        print(error, file=sys.stderr)
        return 1


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
