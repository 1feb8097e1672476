"""Small prepared months, models and an MLflow store for the tests of train, evaluate, gate and register."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.component import load

prep = load("prep")
CARRIERS = ["AA", "B6", "UA"]


def write_prepared(folder: Path, months: list[str], rows: int = 400) -> Path:
    """Months as prep writes them; the arrival delay follows the departure delay, with noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for month in months:
        rng = np.random.default_rng(int(month.replace("-", "")))
        frame = pd.DataFrame({name: rng.normal(50, 20, rows) for name in [*prep.NUMBERS, *prep.WEATHER]})
        frame.loc[rng.random(rows) < 0.2, "wind_gust"] = np.nan
        names = {"carrier": CARRIERS, "origin": ["EWR", "JFK", "LGA"], "dest": ["ATL", "BOS", "ORD"]}
        named = pd.DataFrame({name: rng.choice(values, rows) for name, values in names.items()})
        delay = frame["dep_delay"] + 10 * (named["carrier"] == "AA") + rng.normal(0, 5, rows)
        named.join(frame).assign(arr_delay=delay).to_parquet(folder / f"{month}.parquet", index=False)
    return folder


def write_dataset(folder: Path, version: str, job: str = "") -> Path:
    """What train reads of a registered dataset: its report."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps({"version": version, "job": job}))
    return folder


def train(folder: Path, *argv: str) -> Path:
    """Runs the train script on the prepared months of `folder`; settings in `argv` come over the ones here."""
    script = load("train")
    data = {name: write_dataset(folder / name, f"{name}-content", "job-1") for name in ("flights", "weather")}
    settings = ["--learning-rate", "0.2", "--max-iter", "20", "--max-leaf-nodes", "15", "--min-samples-leaf", "10"]
    places = [text for name, path in data.items() for text in (f"--{name}", str(path))]
    months = ["--train-from", "2013-01", "--train-to", "2013-03", "--seed", "7"]
    model = folder / "model"
    paths = ["--prepared", str(folder / "prepared"), *places, "--model", str(model)]
    script.main(script.parse_args([*settings, *months, *paths, *argv]))
    return Path(script.parse_args([*settings, *months, *paths, *argv]).model)
