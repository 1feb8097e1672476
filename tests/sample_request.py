"""Write the sample request anew, flights of June as prep makes them: python -m tests.sample_request."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.land import open_text, source
from tests.component import ROOT, load

REQUEST = ROOT / "endpoints/online/flight-delay/sample_request.json"
ROWS, SEED, MONTH = 8, 7, 6


def june() -> pd.DataFrame:
    """All flights of June that arrived: the model's columns and the target."""
    prep = load("prep")
    weather = _of_month("weather.csv")[["origin", "time_hour", *prep.WEATHER]]
    prepared: pd.DataFrame = prep.prepare(_of_month("flights.csv.zip"), weather)
    return prepared


def sample(flights: pd.DataFrame) -> dict[str, Any]:
    """A request with some rows of `flights`, without the target; a value that isn't known is null."""
    chosen = flights.drop(columns=load("prep").TARGET).sample(ROWS, random_state=SEED)
    return {"input_data": json.loads(chosen.to_json(orient="split"))}


def text(request: dict[str, Any]) -> str:
    """`request` as people read it: one row a line."""
    given = request["input_data"]
    rows = ",\n".join(f"      {json.dumps(row)}" for row in given["data"])
    return (
        '{\n  "input_data": {\n'
        f'    "columns": {json.dumps(given["columns"])},\n    "index": {json.dumps(given["index"])},\n'
        f'    "data": [\n{rows}\n    ]\n  }}\n}}\n'
    )


def _of_month(file: str) -> pd.DataFrame:
    with open_text(Path(source(file))) as lines:
        frame = pd.read_csv(lines)
    return frame[frame["month"] == MONTH].assign(time_hour=lambda rows: pd.to_datetime(rows["time_hour"], utc=True))


if __name__ == "__main__":
    REQUEST.write_text(text(sample(june())), encoding="utf-8")
