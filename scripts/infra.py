"""Create or change what an environment needs in Azure, from the Bicep files of infra/.

    python -m scripts.infra --env dev --plan
    python -m scripts.infra --env dev

Renders build/<env>/infra/, refuses what `make check` finds in it, and hands it to `az deployment group`. The resource
group has to be there: creating one is a right over the whole subscription, which nothing else here needs.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, az_shown
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.infrastructure import MAIN, PARAMETERS
from scripts.specs.lint.infrastructure import infrastructure_findings
from scripts.specs.project import Project

NAME = "infra"  # of the deployment: Azure refuses a second one of this name while the first runs


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        if not project.infrastructure:
            raise SpecError(f"config/{args.env}.yml", "`infra` is empty: there is nothing to create; use ENV=dev")
        found = sorted(infrastructure_findings(project))
        print("".join(f"{finding}\n" for finding in found), end="", file=sys.stderr)
        if found:
            return 1
        write_build(project)
        line = deployment(project, plan=args.plan)
        print("az " + " ".join(line), flush=True)
        code = az_shown(line)
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    if code:
        print(help_after(project), file=sys.stderr)
    return code


def deployment(project: Project, *, plan: bool) -> list[str]:
    """Arguments of the `az` line that deploys, or with `plan` only tells what it would change.

    Raises:
        SpecError: config does not say into which subscription and resource group.
    """
    config = project.config
    if missing := [key for key in ("subscription", "resource_group") if not config.get(key)]:
        raise SpecError(f"config/{project.env}.yml", f"{' and '.join(missing)} is missing; it says where to deploy to")
    folder = f"build/{project.env}"
    where = ["--subscription", config["subscription"], "--resource-group", config["resource_group"], "--name", NAME]
    files = ["--template-file", f"{folder}/{MAIN}", "--parameters", f"@{folder}/{PARAMETERS}"]
    if plan:
        return ["deployment", "group", "what-if", *where, *files]
    return ["deployment", "group", "create", *where, *files, "--query", "properties.outputs", "--output", "yaml"]


def help_after(project: Project) -> str:
    """What to do when `az` has failed for one of the reasons that a first deployment has."""
    config = project.config
    return (
        "If the resource group is missing, someone with rights over the subscription creates it once:\n"
        f"  az group create --subscription {config['subscription']} --name {config['resource_group']} "
        f"--location {config['location']}\n"
        "Role assignments need Owner, or Contributor with Role Based Access Control Administrator, on the group. "
        "docs/infra.md says more."
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--plan", action="store_true", help="only tell what would change")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
