"""Render every template for one environment into build/<env>/.

    python -m scripts.render --env dev
    python -m scripts.render --env dev --set model_version=3 --only endpoints/online/flight-delay/blue

The build folder is what `az ml` gets and what CI publishes: self-contained, the same bytes for the same commit.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.specs.build import frozen, write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project
from scripts.specs.values import parse_values


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env, parse_values(args.set))
        folder = write_build(project, args.only)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    if frozen() and not args.set:
        print(f"{folder.relative_to(project.root)} is what this checkout renders (FROZEN=1)")
        return 0
    what = ", ".join(args.only) or f"{len(project.specs)} specs"
    print(f"rendered {what} into {folder.relative_to(project.root)}")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="over the config")
    parser.add_argument("--only", action="extend", nargs="+", default=[], metavar="SPEC", help="write only these specs")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
