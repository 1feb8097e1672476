"""Mini-batches of flights, one partition (a month) each -> rows that a model can take: <output>/<month>.parquet.

The parallel runner calls `init` once in each worker and `run` for each mini-batch. Only the month's own weather is
read, so memory does not grow with the number of months.
"""

import argparse
import os
from pathlib import Path

import pandas as pd
import pyarrow.dataset

NUMBERS = ["dep_delay", "hour", "minute", "sched_arr_time", "day_of_week", "distance"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
NAMES = ["carrier", "origin", "dest"]
TARGET = "arr_delay"
STRONGEST_WIND = 250  # miles an hour; a gauge that tells more is broken

args: argparse.Namespace


def init() -> None:
    """Reads the arguments of the component; the runner's own are among them and are left alone."""
    global args
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weather", type=Path, required=True, help="folder of the weather dataset")
    parser.add_argument("--prepared", type=Path, required=True, help="output: one Parquet file a month")
    args, _ = parser.parse_known_args()


def run(mini_batch: pd.DataFrame) -> pd.DataFrame:
    """Prepares one month of flights; returns a row for each, since the runner takes what is missing for failed."""
    year, month = int(mini_batch["year"].iloc[0]), int(mini_batch["month"].iloc[0])
    prepared = prepare(mini_batch, read_weather(args.weather, year, month))
    name = f"{year}-{month:02d}"
    draft = args.prepared / f".{name}.{os.getpid()}"
    prepared.to_parquet(draft, index=False)
    draft.replace(args.prepared / f"{name}.parquet")  # a mini-batch that is tried again leaves one whole file
    print(f"{name}: {len(prepared):,} of {len(mini_batch):,} flights")
    return mini_batch


def read_weather(folder: Path, year: int, month: int) -> pd.DataFrame:
    """Weather of one month by local time, as flights are partitioned."""
    files = [str(path) for path in sorted(folder.glob("*/*.parquet"))]
    table = pyarrow.dataset.dataset(files, format="parquet")
    of_month = (pyarrow.dataset.field("year") == year) & (pyarrow.dataset.field("month") == month)
    weather = table.to_table(columns=["origin", "time_hour", *WEATHER], filter=of_month).to_pandas()
    if weather.empty:
        raise ValueError(
            f"there is no weather of {year}-{month:02d} for the flights of that month; land it and register"
        )
    return weather


def prepare(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Features and target of the flights that arrived.

    Args:
        flights: rows as in the flights contract.
        weather: rows of `origin`, `time_hour` and the columns of WEATHER.

    Returns:
        NAMES as text, NUMBERS and WEATHER as float64 (NaN where unknown, which the model takes), and TARGET.
    """
    arrived = flights.dropna(subset=["dep_delay", TARGET]).copy()  # cancelled and diverted flights have no delay
    day = pd.to_datetime(arrived[["year", "month", "day"]].astype(int))
    arrived["day_of_week"] = day.dt.dayofweek
    weather = weather.assign(wind_speed=weather["wind_speed"].where(weather["wind_speed"] <= STRONGEST_WIND))
    joined = in_utc(arrived).merge(in_utc(weather), on=["origin", "time_hour"], how="left", validate="many_to_one")
    return joined[NAMES].astype(str).join(joined[[*NUMBERS, *WEATHER, TARGET]].astype("float64"))


def in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """`time_hour` in one form: some versions of mltable give UTC without saying so, others and Parquet say it."""
    return frame.assign(time_hour=pd.to_datetime(frame["time_hour"], utc=True).dt.as_unit("us"))
