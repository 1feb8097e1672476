"""Remove from the workspace of an environment what pull requests have made there and what has expired.

    python -m scripts.clean --env dev
    PR=123 python -m scripts.clean --env dev

Versions of assets and jobs are archived, endpoints and schedules deleted: each that this repository's tag owns, that
names its pull request in another and whose date is over. With PR=123 it is what that one has made, now. Safe to repeat.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from scripts.az import AzError, az, az_json, workspace_flags
from scripts.looking.workspace import Workspace, reused_from
from scripts.planning.decide import PlanError, known
from scripts.planning.expired import DELETED, VERSIONED, Document, Left, Lines, Rule, clean, number_in, over
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.provenance import provenance
from scripts.specs.scope import number_of

AT_ONCE = 4  # `az` lines that only ask; each is mostly start-up


def main(args: argparse.Namespace) -> int:
    try:
        config = load_config(Path.cwd(), args.env)
        rule = Rule(known(provenance(Path.cwd())["repository"]), datetime.now(UTC).date(), number_of(config))
        where = workspace_flags(config)
        lines = clean(look(Workspace(config), rule), rule)
        for line in lines:
            print(f"az {' '.join([*line, *where])}", flush=True)
            az([*line, *where, "--output", "none"])
    except (SpecError, AzError, PlanError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{args.env}: {told(lines)}")
    return 0


def look(workspace: Workspace, rule: Rule) -> Left:
    """What the workspace has that may be of pull requests.

    Raises:
        AzError: a line failed.
    """
    where = workspace.flags
    groups = {"schedule": ["--include-disabled"], **{group: [] for group in (*DELETED, *VERSIONED)}}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {group: pool.submit(az_json, ["ml", group, "list", *flags, *where]) for group, flags in groups.items()}
        jobs = pool.submit(az_json, ["ml", "job", "list", "--all-results", *where])
        rows: dict[str, list[Document]] = {group: answer.result() for group, answer in asked.items()}
        names = [(group, row["name"]) for group in VERSIONED for row in rows[group] if number_in(row["name"])]
        versions = pool.map(lambda one: az_json(["ml", one[0], "list", "--name", one[1], *where]), names)
        assets = dict(zip(names, versions, strict=True))
        # Only the reference data need them, and they cost a line each.
        made = list(over(jobs.result(), rule)) if any(group == "data" for group, _ in names) else []
        steps = dict(zip(made, pool.map(lambda job: steps_of(job, workspace), made), strict=True))
    services = {group: rows[group] for group in ("schedule", *DELETED)}
    return Left(services, assets, jobs.result(), steps)


def steps_of(job: str, workspace: Workspace) -> list[str]:
    """Names of a job's steps, and of those that did the work of a reused one."""
    steps = workspace.children(job)
    return [name for step in steps for name in (step["name"], reused_from(step)) if name]


def told(lines: Lines) -> str:
    """What was done, such as `4 archived, 1 deleted`."""
    done = {verb: sum(line[2] == verb for line in lines) for verb in ("archive", "delete")}
    return ", ".join(f"{number} {verb}d" for verb, number in done.items() if number) or "nothing has expired"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", required=True, help="environment: a file of config/")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
