"""Tell people what a monitor has found, that it failed, or that it did not run when it was due.

    python -m scripts.alert --env local

It looks from outside, by `az ml`, so a monitor that hangs, fails or is never started is noticed too: silence is never
"no drift". Run it by cron; it tells what has changed since it told last, and that all is well again. In Azure, the
monitor's alert_notification and rules of Azure Monitor do this; see docs/monitoring.md.

Exit code: 0 all is well, 1 it could not be found out or somebody could not be told, 3 something is wrong.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.alerting.channels import Channel, NotSent, channels
from scripts.alerting.decide import OK, Seen, Told, decide
from scripts.alerting.memory import memory
from scripts.alerting.runs import look
from scripts.alerting.text import body
from scripts.arguments import env_parser
from scripts.az import AzError, is_local
from scripts.looking.workspace import Workspace
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

WRONG = 3
KEPT = Path("build") / "alerts"  # not in build/<env>/, where only what was rendered stays


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        if not is_local():
            text = "Azure sends alerts by itself: alert_notification of monitors/, rules of Azure Monitor"
            raise SpecError("alert", text)
        workspace = Workspace(project.config)
        found = [alert(workspace, monitor, project.config, os.environ) for monitor in monitors(project)]
        for seen, _ in found:
            print("".join(f"  {key}: {text}\n" for key, text in sorted(seen.what.items())), end="")
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    if not all(reached for _, reached in found):
        return 1
    return 0 if all(seen.kind == OK for seen, _ in found) else WRONG


def monitors(project: Project) -> list[str]:
    """Names of the monitors among the specs."""
    return [spec.name for spec in project.specs.values() if "create_monitor" in spec.document]


def alert(
    workspace: Workspace, monitor: str, config: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Seen, bool]:
    """Tells on all channels what has to be told; (how the monitor is, whether every channel got its message).

    Raises:
        AzError: the workspace can't be asked.
        SpecError: a channel's settings can't be used.
    """
    settings, now = config["alert"], datetime.now(UTC)
    ways = channels(config, environment)
    path = KEPT / f"{config['env']}-{monitor}.json"
    with memory(path) as told:
        seen = look(workspace, monitor, now, timedelta(hours=settings["overdue_hours"]))
        print(f"{monitor}: {seen.kind}")
        if not ways:
            print("  nobody is told: config has no alert.smtp_host, and ALERT_WEBHOOK is not set")
        failed = tell(ways, told, seen, monitor, workspace.name, now, timedelta(hours=settings["repeat_hours"]))
    for text in failed:
        print(f"not told, will be tried again: {text}", file=sys.stderr)
    return seen, not failed


def tell(
    ways: Sequence[Channel],
    told: dict[str, Told],
    seen: Seen,
    monitor: str,
    workspace: str,
    now: datetime,
    repeat: timedelta,
) -> list[str]:
    """Sends on each channel what it has not been told; returns why some could not be reached."""
    failed = []
    for way in ways:
        after, message = decide(told.get(way.name), seen, now, repeat)
        try:
            if message:
                way.send(monitor, workspace, message, now)
                print(f"  told by {way.name}: {body(monitor, workspace, message).splitlines()[0]}")
        except NotSent as error:
            failed.append(str(error))
            continue
        if after:
            told[way.name] = after
    return failed


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
