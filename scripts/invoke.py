"""Send the sample request to the online endpoint and print the predictions beside its rows.

python -m scripts.invoke --env dev
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError, az_json, workspace_flags
from scripts.looking.table import shown, table
from scripts.rolling.scoring import Rows, numbers
from scripts.rolling.specs import SAMPLE, serving_of
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        serving = serving_of(project)
        line = ["ml", "online-endpoint", "invoke", "--name", serving.name]
        line += ["--request-file", f"{serving.folder}/{SAMPLE}", *workspace_flags(project.config)]
        print(f"az {' '.join(line)}", flush=True)
        text = az_json(line)  # az prints the text of the answer as a JSON string
        predictions = numbers(text)
        if predictions is None or len(predictions) != len(serving.sample.data):
            raise AzError(f"the endpoint answered {str(text)[:300]}, not one prediction for each row")
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    width = shutil.get_terminal_size((120, 24)).columns
    print("\n".join(beside(serving.sample, predictions, json.loads(text).get("model"), width)))
    return 0


def beside(rows: Rows, predictions: list[float], model: str | None, width: int) -> list[str]:
    """Rows with their predictions first, and as many columns as fit into `width` characters."""
    for count in range(len(rows.columns), 0, -1):
        cells = [[f"{one:.1f}", *map(shown, row[:count])] for one, row in zip(predictions, rows.data, strict=True)]
        lines = table(["predicted", *rows.columns[:count]], cells)
        if max(map(len, lines)) <= width:
            break
    left = len(rows.columns) - count
    more = [f"  {left} more columns are sent: {', '.join(rows.columns[count:])}"] if left else []
    return [*lines, *more, *([f"  by model {model}"] if model else [])]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
