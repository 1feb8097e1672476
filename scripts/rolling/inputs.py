"""What a batch job scores.

    python -m scripts.rolling.inputs --env dev --input flights/

prints the input: the one that is asked for, unless it is missing here, or what `make train` prepared.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.looking.submitted import NoJob, last_job
from scripts.looking.workspace import Workspace, reused_from
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError

PREPARED = ("prep", "prepared")  # step of the train pipeline and its output


def main(args: argparse.Namespace) -> int:
    try:
        if args.input:
            input_type(args.input)
            print(args.input)
        else:
            config = load_config(Path.cwd(), args.env)
            print(prepared_by_train(Workspace(config), config))
    except (SpecError, AzError, NoJob) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def prepared_by_train(workspace: Workspace, config: dict[str, Any]) -> str:
    """The months that the last train job prepared.

    Raises:
        NoJob: none was submitted from here.
        AzError: it prepared none, or nothing is trained there.
    """
    step, output = PREPARED
    if config["training"] is False:
        raise AzError(
            f"ENV={config['env']} never trains, so nothing is prepared; say what to score: make batch INPUT=…"
        )
    train = last_job(config["env"], "train")
    found = next((child for child in workspace.children(train) if child["display_name"] == step), None)
    if found is None:
        raise AzError(f"job {train} has no step {step}; say what to score: make batch INPUT=…")
    job = reused_from(found) or found["name"]
    return f"azureml://datastores/{config['datastore']}/paths/azureml/{job}/{output}/"


def input_type(source: str) -> str:
    """Whether an input is a file or a folder.

    Raises:
        AzError: it would have to be here, and is not, or is a folder without files.
    """
    if ":" not in source.split("/")[0]:
        place = Path(source)
        if not place.exists():
            raise AzError(f"INPUT={source}: there is no such file or folder here; a datastore is azureml://…")
        if place.is_dir() and not any(file.is_file() for file in place.rglob("*")):
            raise AzError(f"INPUT={source}: nothing to score: there is no file in this folder")
        return "uri_folder" if place.is_dir() else "uri_file"
    return "uri_file" if Path(source).suffix and not source.endswith("/") else "uri_folder"


def parse_args() -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--input", help="file, folder, data asset or azureml:// path (default: what train prepared)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse_args()))
