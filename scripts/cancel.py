"""Cancel the last train job of this checkout, or a named job, unless it has ended: for CI, when its run is cancelled.

python -m scripts.cancel --env dev
python -m scripts.cancel --env dev --job ashy_brick_7
"""

import argparse
import sys
from pathlib import Path

from scripts.az import AzError, az
from scripts.looking.submitted import NoJob, last_job
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError

ENDED = {"Completed", "Failed", "Canceled"}


def main(args: argparse.Namespace) -> int:
    try:
        workspace = Workspace(load_config(Path.cwd(), args.env))
        job = args.job or last_job(args.env, "train")
        status = workspace.job(job)["status"]
        if status in ENDED:
            print(f"job {job} has ended: {status}")
            return 0
        az(["ml", "job", "cancel", "--name", job, *workspace.flags])
    except NoJob as error:  # the run was cancelled before it had submitted one
        print(f"nothing to cancel: {error}")
        return 0
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"job {job} was {status} and is cancelled")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="environment: a file of config/ (default: local)")
    parser.add_argument("--job", default="", help="its name (default: the last train job of this checkout)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
