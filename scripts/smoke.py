"""Smoke test of what the online endpoint serves, or of one of its deployments.

    python -m scripts.smoke --env dev
    python -m scripts.smoke --env dev --deployment green

It asks by name and compares: status, form and number of the predictions, finite and within what the model was trained
on, equal to what the registered model itself says on the same rows, p95 within the limit of config/. Where models come
from a registry, what has the traffic has to be what was released.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, az_json, workspace_flags
from scripts.releasing.current import current_release
from scripts.releasing.errors import ReleaseError
from scripts.releasing.route import refuse_unserved
from scripts.rolling.checks import Checks
from scripts.rolling.models import served
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.specs import serving_of
from scripts.rolling.state import written
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        serving, where = serving_of(project), workspace_flags(project.config)
        online = OnlineEndpoint(serving.name, where)
        deployment = args.deployment or live(online)
        line = ["ml", "online-deployment", "show", "--endpoint-name", serving.name, "--name", deployment, *where]
        shown = az_json(line)
        if project.registry and not args.deployment:
            refuse_unserved(shown, current_release(project.root, project.config).model_id, args.env)
        model = served(shown)
        checks = Checks(online, model, serving.sample, project.config)
        print(f"smoke test of {deployment}, which serves {model}", flush=True)
        if problem := checks.smoke(deployment):
            print(f"failed: {problem}", file=sys.stderr)
            return 1
    except (SpecError, AzError, ReleaseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def live(online: OnlineEndpoint) -> str:
    """The deployment with the traffic.

    Raises:
        AzError: there is none, or several.
    """
    endpoint = online.read()
    if endpoint is None:
        raise AzError(f"endpoint {online.name} is not there yet; `make deploy` makes it")
    if len(endpoint.traffic) != 1:
        raise AzError(f"traffic of {online.name} is {written(endpoint.traffic)}; name a deployment: --deployment blue")
    return next(iter(endpoint.traffic))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--deployment", help="deployment to test (default: the one that has the traffic)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
