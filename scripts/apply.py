"""Create in the workspace of an environment the assets that its specs name and that it lacks.

    python -m scripts.apply --env dev

Versions are hashes of content, so an asset that is there is right; it is never written again. An asset is created
after what it refers to, so where one is there, everything below it is there too and is not asked for.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.az import AzError, az, workspace_flags
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.project import Project, Spec

AT_ONCE = 4  # `az` lines that only ask; each is mostly start-up


def main(args: argparse.Namespace) -> int:
    try:
        config = load_config(Path.cwd(), args.env)
        project = Project(Path.cwd(), args.env)
        where = workspace_flags(config)
        missing = find_missing(project, where)
        for spec in missing:
            line = ["ml", spec.kind.group, "create", "--file", f"build/{args.env}/{spec.path}", *where]
            print("az " + " ".join(line), flush=True)
            az([*line, "--output", "none"])
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    if project.registry:
        print(
            f"{args.env}: assets come from registry {project.registry}; `make promote TO={args.env} …` puts them there"
        )
    elif missing:
        print(f"{args.env}: {len(missing)} assets created, the others are there")
    else:
        print(f"{args.env}: all assets are there")
    return 0


def find_missing(project: Project, where: list[str]) -> list[Spec]:
    """Assets that the workspace lacks, each after what it refers to; not those that come from a registry."""
    assets = {key: spec for key, spec in project.specs.items() if spec.kind.asset and spec.registry is None}
    referred = {ref for spec in assets.values() for ref in spec.refs}
    asking, missing = [spec for key, spec in assets.items() if key not in referred], []
    known = set(assets) - referred
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while asking:
            there = pool.map(lambda spec: exists(spec, where), asking)
            absent = [spec for spec, found in zip(asking, there, strict=True) if not found]
            missing += absent
            asking = [
                assets[key] for key in dict.fromkeys(ref for spec in absent for ref in spec.refs) if key not in known
            ]
            known |= {spec.key for spec in asking}
    return in_order(missing)


def in_order(specs: list[Spec]) -> list[Spec]:
    """`specs`, each after those that it refers to."""
    waiting = {spec.key: spec for spec in sorted(specs, key=lambda spec: spec.key)}
    ordered: list[Spec] = []
    while waiting:
        ready = [spec for spec in waiting.values() if not waiting.keys() & set(spec.refs)]
        ordered += ready
        for spec in ready:
            del waiting[spec.key]
    return ordered


def exists(spec: Spec, where: list[str]) -> bool:
    """Whether the workspace has this version. Exit code 3 is az's for what is not found."""
    name, version = spec.document["name"], spec.version
    line = ["ml", spec.kind.group, "show", "--name", name, "--version", str(version), *where, "--output", "none"]
    return az(line, expected=(0, 3)).returncode == 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="environment: a file of config/ (default: local)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse_args()))
