"""Tell what `make apply` would create, change, restore or leave in an environment, and what other verbs would change.

    python -m scripts.plan --env dev
    python -m scripts.plan --env dev --prune --format json

Nothing is written: neither in the workspace nor in build/. The exit code is 0 whatever the plan says.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.planning.decide import PlanError
from scripts.planning.plan import as_json, as_text, plan_all
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

FORMATS = {"text": as_text, "json": as_json}


def main(args: argparse.Namespace) -> int:
    try:
        plan = plan_all(Project(Path.cwd(), args.env), args.prune)
    except (SpecError, AzError, PlanError) as error:
        print(error, file=sys.stderr)
        return 1
    print(FORMATS[args.format](plan), end="")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--prune", action="store_true", help="also what apply --prune would archive")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how it reads (default: text)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
