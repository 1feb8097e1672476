"""Have Azure Repos build every pull request before it merges: a build-validation policy on the main branch.

    python -m scripts.branch_policy

`pr:` of azure-pipelines.yml does nothing there. A policy that is there as it has to be is left alone; one that differs
is updated.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from scripts.az import AzError, az, az_json
from scripts.doctoring.policy import differing, line_for, policies_of
from scripts.doctoring.project import project_of
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError


def main(args: argparse.Namespace) -> int:
    try:
        names = load_config(Path.cwd(), "dev")["ci"]
        project = project_of(Path.cwd(), os.environ)
        if not project.repository:
            raise AzError(
                "the remote `origin` is no address of Azure Repos, and only there a policy builds pull requests"
            )
        where = project.flags
        repository = asked(["repos", "show", "--repository", project.repository, *where])["id"]
        pipeline = asked(["pipelines", "show", "--name", names["pipeline"], *where])["id"]
        listed = asked(["repos", "policy", "list", "--repository-id", repository, "--branch", names["branch"], *where])
        found = policies_of(listed, pipeline, repository, names["branch"])
        line = line_for(found, pipeline, repository, names["branch"], where)
        if line is None:
            print(f"policy {found[0]['id']} of {names['branch']} is as it has to be")
            return 0
        if found:
            print(f"policy {found[0]['id']} differs: {', '.join(differing(found[0]))}")
        print(shlex.join(["az", *line]), flush=True)
        az([*line, "--output", "none"])
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def asked(line: list[str]) -> Any:
    print(shlex.join(["az", *line]), flush=True)
    return az_json(line)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
