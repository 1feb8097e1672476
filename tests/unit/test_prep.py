"""Preparing a month of flights: what is kept, the weather that belongs to each flight, and what the runner is given."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.component import load

prep = load("prep")

FLIGHT = {
    "year": 2013, "month": 1, "day": 1, "dep_delay": 2.0, "sched_arr_time": 819, "arr_delay": 11.0, "carrier": "UA",
    "origin": "EWR", "dest": "IAH", "distance": 1400, "hour": 5, "minute": 15, "time_hour": "2013-01-01T10:00:00Z",
}  # fmt: skip
WEATHER = {
    "origin": "EWR", "year": 2013, "month": 1, "time_hour": "2013-01-01T10:00:00Z", "temp": 39.0, "dewp": 28.0,
    "humid": 64.0, "wind_dir": 260.0, "wind_speed": 12.7, "wind_gust": np.nan, "precip": 0.0, "pressure": 1011.9,
    "visib": 10.0,
}  # fmt: skip


def rows(template, *changes):
    frame = pd.DataFrame([{**template, **change} for change in changes or ({},)])
    return frame.assign(time_hour=pd.to_datetime(frame["time_hour"], utc=True))


def flights(*changes):
    return rows(FLIGHT, *changes)


def weather(*changes):
    return rows(WEATHER, *changes)


def test_a_flight_gets_the_weather_of_its_airport_and_hour():
    prepared = prep.prepare(
        flights({}, {"origin": "JFK"}, {"time_hour": "2013-01-01T11:00:00Z"}),
        weather({}, {"origin": "JFK", "temp": 41.0}, {"time_hour": "2013-01-01T11:00:00Z", "temp": 37.0}),
    )
    assert list(prepared["temp"]) == [39.0, 41.0, 37.0]


def test_columns_and_types_are_those_that_a_model_takes():
    prepared = prep.prepare(flights(), weather())
    assert list(prepared) == [*prep.NAMES, *prep.NUMBERS, *prep.WEATHER, prep.TARGET]
    assert {str(prepared[name].dtype) for name in [*prep.NUMBERS, *prep.WEATHER, prep.TARGET]} == {"float64"}
    assert prepared[prep.NAMES].to_numpy().tolist()[0] == ["UA", "EWR", "IAH"]
    assert prepared.loc[0, "day_of_week"] == 1  # a Tuesday, Monday being 0


def test_flights_that_did_not_arrive_are_left_out():
    prepared = prep.prepare(
        flights({"arr_delay": 1.0}, {"dep_delay": None, "arr_delay": None}, {"arr_delay": None}), weather()
    )
    assert list(prepared["arr_delay"]) == [1.0]


def test_a_flight_without_weather_stays_with_unknown_values():
    prepared = prep.prepare(flights({"time_hour": "2013-01-01T23:00:00Z"}), weather())
    assert len(prepared) == 1
    assert prepared[prep.WEATHER].isna().all(axis=None)
    assert prepared[prep.NUMBERS].notna().all(axis=None)


def test_nulls_of_the_weather_stay_unknown_and_a_broken_gauge_becomes_unknown():
    prepared = prep.prepare(
        flights({}, {"origin": "JFK"}), weather({"pressure": None}, {"origin": "JFK", "wind_speed": 1048.4})
    )
    assert prepared["pressure"].to_list() == pytest.approx([np.nan, 1011.9], nan_ok=True)
    assert prepared["wind_speed"].to_list() == pytest.approx([12.7, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    "form",
    [
        lambda times: times,
        lambda times: times.dt.tz_localize(None),  # UTC without saying so
        lambda times: times.dt.as_unit("ns"),
        lambda times: times.dt.tz_convert("America/New_York"),
        lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ],
    ids=["utc", "naive", "nanoseconds", "local", "text"],
)
@pytest.mark.parametrize("side", ["flights", "weather"])
def test_hours_match_in_whatever_form_they_come(form, side):
    left, right = flights(), weather()
    changed = left if side == "flights" else right
    changed["time_hour"] = form(changed["time_hour"])
    assert prep.prepare(left, right).loc[0, "temp"] == 39.0


def test_the_hour_that_comes_twice_when_summer_time_ends_is_two_hours():
    """On 2013-11-03 one o'clock came twice in New York, at 05:00 and at 06:00 UTC."""
    twice = [{"time_hour": "2013-11-03T05:00:00Z", "temp": 50.0}, {"time_hour": "2013-11-03T06:00:00Z", "temp": 48.0}]
    day = {"month": 11, "day": 3, "hour": 1}
    prepared = prep.prepare(flights(*({**day, "time_hour": hour["time_hour"]} for hour in twice)), weather(*twice))
    assert list(prepared["temp"]) == [50.0, 48.0]


def test_weather_that_comes_twice_is_an_error_and_does_not_double_flights():
    with pytest.raises(pd.errors.MergeError, match="not a many-to-one merge"):
        prep.prepare(flights(), weather({}, {}))


@pytest.fixture
def dataset(tmp_path):
    """Weather of January and February, in a partition each."""
    for month in (1, 2):
        folder = tmp_path / "weather" / f"2013-{month:02d}-01"
        folder.mkdir(parents=True)
        hour = {"month": month, "time_hour": f"2013-{month:02d}-01T10:00:00Z", "temp": 30.0 + month}
        weather(hour).to_parquet(folder / "weather.parquet")
    return tmp_path / "weather"


def test_only_the_weather_of_the_month_is_read(dataset):
    assert list(prep.read_weather(dataset, 2013, 2)["temp"]) == [32.0]


def test_a_month_without_weather_is_named(dataset):
    with pytest.raises(ValueError, match="no weather of 2013-03"):
        prep.read_weather(dataset, 2013, 3)


def test_a_mini_batch_becomes_a_file_and_no_flight_counts_as_failed(dataset, tmp_path, monkeypatch):
    """The runner compares the number of rows that come back with that of the mini-batch."""
    out = tmp_path / "prepared"
    out.mkdir()
    monkeypatch.setattr(prep, "args", argparse.Namespace(weather=dataset, prepared=out), raising=False)
    month = flights({"month": 2, "time_hour": "2013-02-01T10:00:00Z"}, {"month": 2, "arr_delay": None})
    assert len(prep.run(month)) == 2
    assert [path.name for path in out.iterdir()] == ["2013-02.parquet"]
    assert list(pd.read_parquet(out / "2013-02.parquet")["temp"]) == [32.0]


def test_arguments_of_the_runner_are_left_alone(monkeypatch):
    own = ["--scoring_module_name", "prep.py", "--run_max_try", "3"]
    monkeypatch.setattr("sys.argv", ["prep.py", "--weather", "/w", "--prepared", "/p", *own])
    monkeypatch.setattr(prep, "args", None, raising=False)
    prep.init()
    assert prep.args == argparse.Namespace(weather=Path("/w"), prepared=Path("/p"))
