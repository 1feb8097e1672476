"""Print the version of the model that the last train job of this checkout registered, for CI to hand on.

    python -m scripts.registered --env dev

Standard output is the version, or empty if the gate let nothing through; standard error says why then.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.looking.submitted import NoJob, last_job
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError


def main(args: argparse.Namespace) -> int:
    try:
        job = last_job(args.env, "train")
        workspace = Workspace(load_config(Path.cwd(), args.env))
        result = workspace.output(job, "registered", "result.json")
    except (SpecError, NoJob) as error:
        print(error, file=sys.stderr)
        return 1
    except AzError as error:
        follow = f"make train ENV={args.env} JOB={job}"
        print(
            f"job {job} tells nothing: only one that is Completed does; `{follow}` follows it\n{error}", file=sys.stderr
        )
        return 1
    if result["version"] is None:
        print(f"job {job} has registered no model, so there is none to promote: {result['reason']}", file=sys.stderr)
    print(result["version"] or "")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
