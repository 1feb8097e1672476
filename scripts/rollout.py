"""Roll a registered model out to the online endpoint, without an interruption, or leave everything as it was.

    python -m scripts.rollout --env dev
    python -m scripts.rollout --env dev --model-version 3

The idle one of the two deployments gets the model, is tested by name, gets a copy of the requests, then a small share
of them, while errors and times of its answers are watched; then it gets all. If anything is wrong on the way, the
traffic goes back to what it was and the exit code is 1. What the rollout has to remember is in tags of the endpoint, so
a second rollout sees the first, and one that was killed can simply be started again.
"""

import argparse
import json
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError, workspace_flags
from scripts.looking.files import write_whole
from scripts.releasing.errors import ReleaseError
from scripts.rolling.actions import Action, Progress, Rollout
from scripts.rolling.checks import Checks
from scripts.rolling.decide import next_action
from scripts.rolling.drive import drive
from scripts.rolling.models import version_of
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.owner import is_gone, owner
from scripts.rolling.specs import Serving, serving_of
from scripts.rolling.state import Endpoint, StateError
from scripts.specs.build import write_build
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped pipeline is undone as Ctrl-C is
    try:
        config = load_config(Path.cwd(), args.env)
        where = workspace_flags(config)
        version = version_of(Path.cwd(), config, args.model_version)
        project = Project(Path.cwd(), args.env, {"model_version": version})
        serving = serving_of(project)
        return roll_out(f"{config['model']}:{version}", serving, Submitting(project, serving, where))
    except (SpecError, AzError, ReleaseError, StateError) as error:
        print(error, file=sys.stderr)
        return 1


class Submitting(OnlineEndpoint):
    """The endpoint; each spec is written right before it is submitted, so that build/<env>/ has what was."""

    def __init__(self, project: Project, serving: Serving, where: list[str]) -> None:
        super().__init__(serving.name, where)
        self.project, self._serving = project, serving

    def run(self, arguments: tuple[str, ...]) -> None:
        if "--file" in arguments:
            write_build(self.project, [self._serving.keys[arguments[arguments.index("--file") + 1]]])
        super().run(arguments)


def roll_out(model: str, serving: Serving, online: Submitting) -> int:
    config: dict[str, Any] = online.project.config
    settings = config["rollout"]
    asked = Rollout(
        model=model,
        content=serving.content,
        files=serving.files,
        endpoint_file=serving.file,
        owner=owner(),
        now=datetime.now(UTC),
        stale_after=timedelta(minutes=settings["stale_minutes"]),
        mirror=settings["mirror_percent"],
        share=settings["first_percent"],
    )

    def decide(endpoint: Endpoint | None, progress: Progress) -> Action:
        running = endpoint.running if endpoint else None
        known = replace(progress, owner_gone=running is not None and is_gone(running.owner))
        return next_action(endpoint, replace(asked, now=datetime.now(UTC)), known)

    checks = Checks(online, model, serving.sample, config)
    said: list[str] = []
    code = drive(decide, online, checks, 60 * settings["stale_minutes"], lambda text: tell(text, said))
    report = {"endpoint": serving.name, "model": model, "accepted": code == 0, "outcome": said[-1], **checks.report}
    write_whole(Path("build") / config["env"] / "rollout.json", json.dumps(report, indent=2, sort_keys=True) + "\n")
    return code


def tell(text: str, said: list[str]) -> None:
    said.append(text)
    print(text, flush=True)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--model-version", help="version of the registered model (default: the newest)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
