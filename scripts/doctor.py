"""Say what is missing for an environment, and how to get it, before anything runs there.

    python -m scripts.doctor --env dev
    python -m scripts.doctor --env dev --pipeline azure-devops --format json

Exits with 1 if something that is needed is missing or can't be asked.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError, is_local
from scripts.doctoring.azure import azure
from scripts.doctoring.check import Check, as_json, text
from scripts.doctoring.devops import azure_devops
from scripts.doctoring.github import github
from scripts.doctoring.machine import machine
from scripts.doctoring.project import NAME_IT, project_of
from scripts.doctoring.settings import variables
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError


def main(args: argparse.Namespace) -> int:
    try:
        checks = look(args)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    print(as_json(checks) if args.format == "json" else "\n".join(text(checks)))
    failed = [check for check in checks if not check.passed]
    if failed:
        causes = [check.name for check in failed if check.state == "missing"] or [check.name for check in failed]
        print(f"ENV={args.env} is not ready: {', '.join(causes)}; what to do is above", file=sys.stderr)
    return 1 if failed else 0


def look(args: argparse.Namespace) -> list[Check]:
    root, environ = Path.cwd(), os.environ
    config = load_config(root, args.env)
    checks = [variables(environ, config["ci"]["variable_group"])]
    if is_local():
        checks += machine(root, config, Path(environ["AZUREML_LOCAL_ROOT"]), args.make_version)
        if args.env != "local":
            why = "a rehearsal on this machine: login, subscription and what is in it are not asked"
            checks.append(Check("azure", "unknown", why, needed=False))
    else:
        checks += azure(config)
    if args.pipeline == "azure-devops":
        checks += pipeline_of(root, environ, config)
    elif args.pipeline == "github":
        checks += github(root, config)
    return checks


def pipeline_of(root: Path, environ: Mapping[str, str], config: Mapping[str, Any]) -> list[Check]:
    try:
        return azure_devops(project_of(root, environ), config)
    except AzError as error:
        return [Check("project", "missing", str(error), NAME_IT)]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text", help="of the checks (default: text)")
    parser.add_argument("--pipeline", choices=["azure-devops", "github"], help="also what its pipeline needs")
    parser.add_argument("--make-version", default="", help="of the make that calls this")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
