"""Tell what a branch changes in the rendered specs: versions of assets that move, and a diff of what `az ml` would get.

    python -m scripts.diff --base origin/main
    python -m scripts.diff --base origin/main --env dev --format markdown

Both sides are rendered by the code of this checkout, without provenance: the files where the branch left BASE, and the
files as they lie here. Nothing is asked of a workspace. The exit code is 0 whatever differs.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.diffing.base import BaseError, commit_of, unpack
from scripts.diffing.compare import NOWHERE, Difference, compare
from scripts.diffing.text import as_markdown, as_text
from scripts.specs.config import environments
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

FORMATS = {"text": as_text, "markdown": as_markdown}


def main(args: argparse.Namespace) -> int:
    root = Path.cwd()
    try:
        commit = commit_of(root, args.base)
        with tempfile.TemporaryDirectory() as folder:
            unpack(root, commit, Path(folder))
            differences = differ(Path(folder), root, [args.env] if args.env else [])
    except (BaseError, SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    print(FORMATS[args.format](differences, f"{args.base} ({commit[:12]})"), end="")
    return 0


def differ(base: Path, root: Path, envs: Sequence[str]) -> dict[str, Difference]:
    """What changes from the repository at `base` to that at `root`, by environment.

    Args:
        envs: asked for; all of both repositories if empty.

    Raises:
        SpecError: `root` can't be rendered, or neither knows an environment.
    """
    before, after = set(environments(base)), set(environments(root))
    if unknown := set(envs) - before - after:
        raise SpecError(
            f"config/{min(unknown)}.yml", f"there is no such environment; there are: {', '.join(sorted(after))}"
        )
    return {env: _differ(base, root, env, env in before, env in after) for env in envs or sorted(before | after)}


def _differ(base: Path, root: Path, env: str, had: bool, has: bool) -> Difference:
    now = Project(root, env, origin=NOWHERE) if has else None
    try:
        then = Project(base, env, origin=NOWHERE) if had else None
    except SpecError as error:
        # The code of this checkout may ask for more than BASE's templates have: no mistake of the branch.
        return Difference(note=f"BASE can't be rendered by the code of this branch, so there is no diff: {error}")
    found = compare(then, now)
    note = "" if had and has else "this environment is new" if has else "this environment is gone"
    return Difference(found.moved, found.changes, note)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", help="environment: a file of config/ (default: all)")
    parser.add_argument("--base", default="origin/main", help="branch or commit to compare with (default: origin/main)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how it reads (default: text)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
