"""Render every template for one environment into build/<env>/.

    python -m scripts.render --env dev

The build folder is what `az ml` gets and what CI publishes: self-contained, the same bytes for the same commit.
"""

import argparse
import sys
from pathlib import Path

from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    folder = write_build(project)
    print(f"rendered {len(project.specs)} specs into {folder.relative_to(project.root)}")
    return 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="environment: a file of config/ (default: local)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse_args()))
