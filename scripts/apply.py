"""Create in the workspace of an environment the assets that its specs name and that it lacks.

    python -m scripts.apply --env dev
    python -m scripts.apply --env dev --prune

Versions are hashes of content, so an asset that is there is right and is never written again. Nothing is ever deleted;
--prune archives versions that this repository's tag owns and that nothing names any more. Each asset is created after
what it refers to, so a run that was killed is finished by the next one. `make plan` tells beforehand what will be done.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, az, workspace_flags
from scripts.planning.decide import PlanError
from scripts.planning.plan import Plan, plan_assets
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

DONE = {"create": "created", "change": "changed", "restore": "restored", "archive": "archived"}


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        plan = plan_assets(project, args.prune)
        for step in plan.changes:
            line = [*plan.line(step, project), *workspace_flags(project.config)]
            print("az " + " ".join(line), flush=True)
            az([*line, "--output", "none"])
    except (SpecError, AzError, PlanError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{args.env}: {told(plan, project.registry)}")
    return 0


def told(plan: Plan, registry: str | None) -> str:
    """What was done, such as `assets: 1 created, 2 changed, the others are there`."""
    if registry and not plan.changes:
        return f"assets come from registry {registry}; `make promote TO={plan.environment} …` puts them there"
    count = {word: sum(step.action == action for step in plan.changes) for action, word in DONE.items()}
    parts = [f"{number} {word}" for word, number in count.items() if number]
    return f"assets: {', '.join(parts)}, the others are there" if parts else "all assets are there"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--prune", action="store_true", help="also archive what nothing names any more")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
