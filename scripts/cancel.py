"""Cancel the last jobs of this checkout, or a named job, unless they have ended: for CI, when its run is cancelled.

python -m scripts.cancel --env dev
python -m scripts.cancel --env dev --job ashy_brick_7
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, az
from scripts.looking.submitted import NoJob, last_job
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError

PIPELINES = ("register_data", "train")
ENDED = {"Completed", "Failed", "Canceled"}


def main(args: argparse.Namespace) -> int:
    try:
        workspace = Workspace(load_config(Path.cwd(), args.env))
        for job in [args.job] if args.job else submitted(args.env):
            cancel(job, workspace)
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def submitted(env: str) -> list[str]:
    """Jobs that this checkout submitted last; a run may be cancelled before it has submitted any."""
    jobs = []
    for pipeline in PIPELINES:
        try:
            jobs.append(last_job(env, pipeline))
        except NoJob as error:
            print(f"nothing to cancel: {error}")
    return jobs


def cancel(job: str, workspace: Workspace) -> None:
    """Cancels a job unless it has ended.

    Raises:
        AzError: it can't be cancelled, or there is no such job.
    """
    status = workspace.job(job)["status"]
    if status in ENDED:
        print(f"job {job} has ended: {status}")
        return
    az(["ml", "job", "cancel", "--name", job, *workspace.flags])
    print(f"job {job} was {status} and is cancelled")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--job", default="", help="its name (default: the last jobs of this checkout)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
