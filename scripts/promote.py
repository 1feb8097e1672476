"""Promote a version of the model: give exactly what is proven in one environment to the next.

    python -m scripts.promote --from dev --to test --model-version 3 --approved-by "Ada"

Nothing is trained again. The version goes to the registry with its reference data and with the environments and
components that deployments name, the model last; then its tag gets the digest of the release, and the release file
build/releases/<to>.yml is written, from which `make deploy ENV=<to>` deploys. All refusals come first. A promotion that
was interrupted is finished by the next; one that is done is left as it is.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.az import AzError
from scripts.looking.workspace import Workspace
from scripts.monitor import live
from scripts.releasing.assets import lacking, needed, versions
from scripts.releasing.commit import clean_commit
from scripts.releasing.current import current_release, tag_of
from scripts.releasing.errors import ReleaseError
from scripts.releasing.evidence import REPORT, green_tests
from scripts.releasing.lineage import Lineage, lineage_of
from scripts.releasing.registry import UUID, Registry
from scripts.releasing.release import new_release, path_of
from scripts.releasing.route import refuse_route, refuse_unserved
from scripts.releasing.steps import Steps
from scripts.rolling.models import resolve
from scripts.rolling.specs import serving_of
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.ids import registry_of
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    try:
        promote(Path.cwd(), args)
    except (SpecError, AzError, ReleaseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def promote(root: Path, args: argparse.Namespace) -> None:
    """Promotes, unless that is done.

    Raises:
        SpecError, AzError, ReleaseError: why not.
    """
    source, target = load_config(root, args.origin), load_config(root, args.to)
    refuse_route(source, target, args.approved_by)
    project = Project(root, args.to)
    model, version, name = target["model"], args.model_version, f"{target['model']}:{args.model_version}"
    commit = clean_commit(root)
    tests = green_tests(REPORT, commit)
    if is_done(root, target, version):
        print(f"{name} is promoted to {args.to} already: {path_of(args.to)}")
        return
    registry, assets = Registry(str(project.registry), target), needed(project)
    lineage = proven(root, source, version)
    missing = lacking(assets, registry.has_spec)
    trained = registry_of(source) is None
    steps = Steps(registry, project, workspace_of(source), trained, lineage, (model, version))
    steps.refuse(missing, args.origin)
    steps.fill(missing)
    specs = {"commit": commit, **versions(assets)}
    route = (args.origin, args.to, registry.name)
    release = new_release(route, (model, version), lineage, specs, tests, args.approved_by, datetime.now(UTC))
    registry.tag("model", model, version, {UUID: lineage.model_uuid, tag_of(args.to): release.digest})
    print(f"{name} is promoted to {args.to}: {release.write()}; next: make deploy ENV={args.to}")


def is_done(root: Path, target: dict[str, Any], version: str) -> bool:
    """Whether the release file of the environment is of this version and commit, and known to the registry."""
    try:
        current_release(root, target, version)
    except ReleaseError:
        return False
    return True


def workspace_of(config: dict[str, Any]) -> Workspace:
    """The workspace of the environment in front; the variables of `make` name the subscription of the next one."""
    workspace = Workspace(config)
    workspace.flags += ["--subscription", config["subscription"]]
    return workspace


def proven(root: Path, source: dict[str, Any], version: str) -> Lineage:
    """Lineage of a version that the environment in front has trained, or that it serves by its own release.

    Raises:
        AzError, ReleaseError: it has not.
    """
    model, workspace = source["model"], workspace_of(source)
    if registry_of(source) is None:
        resolve(model, version, workspace.flags)
        return lineage_of(model, version, workspace)
    release = current_release(root, source, version)
    try:
        deployment = live(serving_of(Project(root, source["env"])).name, workspace)
    except AzError as error:
        env = source["env"]
        raise ReleaseError(f"{env} serves nothing yet, so nothing is proven; make deploy ENV={env}\n{error}") from error
    refuse_unserved(deployment, release.model_id, source["env"])
    return release.lineage


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="origin", required=True, help="environment where the version is proven: dev")
    parser.add_argument("--to", required=True, help="environment that gets it: test")
    parser.add_argument("--model-version", required=True, help="version of the registered model")
    parser.add_argument("--approved-by", default="", help="who has approved")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
