"""Which version of the registered model is rolled out, and the files that came with it.

    python -m scripts.rolling.models --env dev --model-version 3

prints the version: the one that is asked for if it exists, or the newest; that of the release where models come from a
registry.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError, az, az_json, workspace_flags
from scripts.releasing.current import current_release
from scripts.releasing.errors import ReleaseError
from scripts.rolling.smoke import Expected
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.ids import registry_of


def main(args: argparse.Namespace) -> int:
    try:
        config = load_config(Path.cwd(), args.env)
        print(version_of(Path.cwd(), config, args.model_version))
    except (SpecError, AzError, ReleaseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def version_of(root: Path, config: dict[str, Any], asked: str | None) -> str:
    """The version that is deployed to an environment: its release's; where models are trained, the asked or newest one.

    Raises:
        AzError: there is no such version.
        ReleaseError: there is no release, or not this one.
    """
    if registry_of(config):
        return current_release(root, config, asked or "").version
    return resolve(config["model"], asked, workspace_flags(config))


def model_flags(config: dict[str, Any]) -> list[str]:
    """Flags that name what has the models of an environment: a registry or its workspace."""
    registry = registry_of(config)
    return ["--registry-name", registry] if registry else workspace_flags(config)


def resolve(model: str, version: str | None, where: list[str]) -> str:
    """The version that was asked for, or the newest.

    Raises:
        AzError: there is no such version, or none at all.
    """
    if version and not re.fullmatch("[0-9]+", version):
        raise AzError(f"MODEL_VERSION={version}: a version of a model is a number, such as 3")
    versions = az_json(["ml", "model", "list", "--name", model, *where])
    numbers = sorted(int(one["version"]) for one in versions)
    if not numbers:
        raise AzError(f"model {model} has no version yet; `make train` registers one if the gate lets it through")
    if version and int(version) not in numbers:
        there = ", ".join(map(str, numbers))
        raise AzError(f"model {model} has no version {version}, or it is archived; there are: {there}")
    return version or str(numbers[-1])


def expected(model: str, version: str, where: list[str]) -> Expected:
    """What the registered version says on the rows that came with it.

    Args:
        where: flags that name what has the model.

    Raises:
        AzError: it can't be downloaded.
        SmokeError: it has no such rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        line = ["ml", "model", "download", "--name", model, "--version", version, "--download-path", folder, *where]
        az([*line, "--output", "none"])
        return Expected.read(Path(folder), f"{model}:{version}")


def served(deployment: dict[str, Any]) -> str:
    """`name:version` of the model in what `az ml online-deployment show` prints.

    Raises:
        AzError: it names no registered version.
    """
    found = re.search(r"(?:models/|azureml:)([^/:]+)(?:/versions/|:)([0-9]+)$", str(deployment.get("model")))
    if not found:
        name, model = deployment["name"], deployment.get("model")
        raise AzError(
            f"deployment {name} serves {model}, no version of a registered model; `make deploy` rolls one out"
        )
    return f"{found[1]}:{found[2]}"


def parse_args() -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--model-version", help="version of the registered model (default: the newest)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse_args()))
