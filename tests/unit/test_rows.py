"""What a request may hold: good bodies become the model's table, bad ones a message that names what to mend."""

import json
import math

import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from tests.component import load_from

rows = load_from("endpoints/online/flight-delay", "rows")
COLUMNS = {"carrier": "string", "dep_delay": "double", "wind_gust": "double"}
RECORD = {"carrier": "UA", "dep_delay": 12, "wind_gust": None}


def table(input_data):
    return rows.table(json.dumps({"input_data": input_data}), COLUMNS)


def split(*data, columns=("carrier", "dep_delay", "wind_gust"), **more):
    return {"columns": list(columns), "data": [list(row) for row in data], **more}


def refused(body):
    with pytest.raises(rows.BadRequest) as caught:
        rows.table(body if isinstance(body, str) else json.dumps({"input_data": body}), COLUMNS)
    return str(caught.value)


# ---- What is taken


def test_both_forms_give_the_same_table_in_the_models_order_and_types():
    expected = pd.DataFrame({"carrier": ["UA", None], "dep_delay": [12.0, -3.5], "wind_gust": [math.nan, 20.0]})
    shuffled = split((12, "UA", None), (-3.5, None, 20), columns=("dep_delay", "carrier", "wind_gust"), index=[7, "x"])
    records = [RECORD, {"wind_gust": 20, "dep_delay": -3.5, "carrier": None}]
    for given in (shuffled, records):
        pd.testing.assert_frame_equal(table(given), expected)


def test_a_column_of_nulls_keeps_its_type():
    assert table([RECORD | {"dep_delay": None}]).dtypes.astype(str).to_dict() == {
        "carrier": "object",
        "dep_delay": "float64",
        "wind_gust": "float64",
    }


def test_names_that_nobody_has_seen_are_the_models_business():
    assert table([RECORD | {"carrier": "ZZ é 🛫"}])["carrier"].tolist() == ["ZZ é 🛫"]


# ---- What is not


@pytest.mark.parametrize("body", ["", "carrier=UA", "{", "[" * 100_000, '{"input_data": [1e]}', "1" * 5000])
def test_what_is_no_json_is_told_so(body):
    assert refused(body).startswith("the body is not JSON: ")


@pytest.mark.parametrize(
    ("body", "told"), [("", True), (" ", True), ("carrier=UA&dep_delay=1", True), ("{a=1}", False)]
)
def test_a_form_or_nothing_is_told_the_header_that_is_missing(body, told):
    assert ("send JSON, with the header Content-Type: application/json" in refused(body)) is told


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_pythons_own_numbers_are_no_json(number):
    assert f"{number} is no JSON; send null" in refused(f'{{"input_data": [{{"dep_delay": {number}}}]}}')


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[]", "the body must be an object"),
        ("null", "the body must be an object"),
        ("{}", "the body lacks input_data"),
        ('{"inputs": [], "input_data": []}', 'unknown key "inputs"'),
        ('{"input_data": "carrier"}', "must be a list of records, or an object with columns and data"),
        ('{"input_data": {}}', "input_data.columns must be a list of names"),
        ('{"input_data": {"columns": [1], "data": []}}', "input_data.columns must be a list of names"),
        ('{"input_data": {"columns": ["carrier"]}}', "input_data.data must be a list of rows"),
        ('{"input_data": {"columns": ["carrier"], "data": {}}}', "input_data.data must be a list of rows"),
    ],
)
def test_another_shape_is_told_from_the_outside_in(body, says):
    assert says in refused(body)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "input_data is empty"),
        (split(), "input_data.data is empty"),
        (split(("UA", 1, 2), rows=3), 'input_data has the unknown key "rows"'),
        (split(("UA", 1), columns=("carrier", "dep_delay")), "input_data.columns lacks wind_gust; send every column"),
        (split(("UA",), columns=("carrier",)), "lacks dep_delay, wind_gust"),
        ([RECORD, {"carrier": "UA", "wind_gust": 3}], "input_data[1] lacks dep_delay"),
        ([RECORD | {"arr_delay": 3}], 'input_data[0] has "arr_delay", which is no column of the model: carrier,'),
        (
            split(("UA", 1, 2, 3), columns=("carrier", "dep_delay", "wind_gust", "tail")),
            'has "tail", which is no column',
        ),
        (split(("UA", 1, 2, 3), columns=("carrier", "dep_delay", "dep_delay", "wind_gust")), 'has "dep_delay" 2 times'),
        (split(("UA", 1, 2), ("UA", 1)), "input_data.data[1] must be a list of 3 values"),
        (split(("UA", 1, 2), index=[]), "input_data.index must be a list of 1 labels"),
        ([RECORD, 3], "input_data[1] must be an object"),
        ([RECORD, RECORD | {"dep_delay": "late"}], 'input_data[1], column dep_delay: "late" is not a finite number'),
        ([RECORD | {"dep_delay": "12"}], 'column dep_delay: "12" is not a finite number; send a finite number or null'),
        ([RECORD | {"dep_delay": True}], "column dep_delay: true is not a finite number"),
        ([RECORD | {"dep_delay": [1]}], "column dep_delay: a list is not a finite number"),
        ([RECORD | {"dep_delay": 10**400}], "column dep_delay: 1000"),
        ([RECORD | {"carrier": 5}], "input_data[0], column carrier: 5 is not text; send text or null"),
        ([RECORD | {"carrier": "\ud800"}], 'column carrier: "\\ud800" is not text'),
        (
            split(
                ("UA", 1, {}),
            ),
            "input_data.data[0], column wind_gust: an object is not a finite number",
        ),
    ],
)
def test_a_wrong_row_is_told_by_its_place_and_column(given, says):
    message = refused(given)
    assert says in message
    assert len(message) < 300


def test_a_number_beyond_what_a_float_holds_is_refused():
    body = json.dumps({"input_data": [RECORD]}).replace("12", "1e999")
    assert "column dep_delay: Infinity is not a finite number" in refused(body)


# ---- The signature


def test_columns_come_from_the_signature():
    signature = ModelSignature(Schema([ColSpec("string", "carrier"), ColSpec("double", "dep_delay")]))
    assert rows.columns_of(signature) == {"carrier": "string", "dep_delay": "double"}


@pytest.mark.parametrize(
    ("signature", "says"),
    [
        (None, "the model has no signature"),
        (ModelSignature(Schema([ColSpec("long", "hour")])), "{'hour': 'long'}"),
    ],
)
def test_a_model_whose_requests_can_not_be_checked_is_refused(signature, says):
    with pytest.raises(ValueError, match=says):
        rows.columns_of(signature)
