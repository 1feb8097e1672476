"""Draw what refers to what: data, pipelines with their jobs, components and environments.

    python -m scripts.graph --output docs/graph.svg

The same specs give the same bytes, so the picture in git changes only with what it shows.
"""

import argparse
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.specs.errors import SpecError
from scripts.specs.graph.layout import layout
from scripts.specs.graph.model import graph_of
from scripts.specs.graph.svg import svg
from scripts.specs.project import Project


def main(args: argparse.Namespace) -> int:
    try:
        graph = graph_of(Project(Path.cwd(), args.env))
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(svg(graph, layout(graph)), encoding="utf-8")
    print(f"{args.output}: {len(graph.nodes) + len(graph.panels)} boxes, {len(graph.links)} arrows")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/graph.svg"), help="SVG (default: docs/graph.svg)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
