"""Scoring script of deployments of MLflow models that bring none. It takes and gives what Azure's own does.

Runs in the environment of the deployment; imports nothing of the package that it lies in.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from mlflow.exceptions import MlflowException
from mlflow.utils.proto_json_utils import NumpyEncoder, dataframe_from_parsed_json

EXPECTED = (
    'Send {"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}, {"input_data": [[...], ...]} or '
    '{"input_data": [{"COLUMN": ...}, ...]}; "params" beside "input_data" if the model takes any.'
)

_model: Any = None


def init() -> None:
    """Load the model."""
    global _model
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    found = next(iter(sorted(folder.rglob("MLmodel"))), None)
    if found is None:
        raise FileNotFoundError(f"There is no MLflow model in {folder}: no file is called MLmodel.")
    _model = mlflow.pyfunc.load_model(str(found.parent))


def run(raw_data: str) -> AMLResponse:
    """Predict.

    Args:
        raw_data: the body of the request.
    """
    try:
        request = json.loads(raw_data)
        if not isinstance(request, dict) or "input_data" not in request:
            raise ValueError("the body is not an object with the field input_data")
        schema = _model.metadata.get_input_schema()
        data, params = parsed(request["input_data"], schema), request.get("params")
        if schema is not None:  # what does not fit is the request's fault; what predict raises later on is the model's
            data = mlflow.pyfunc._enforce_schema(data, schema)
    except (ValueError, TypeError, KeyError, MlflowException) as error:
        body = {"error": {"code": "BadRequest", "message": f"{str(error).rstrip('.')}. {EXPECTED}"}}
        return AMLResponse(body, 400, json_str=True)
    predicted = _model.predict(data, params=params) if params else _model.predict(data)
    return AMLResponse(encoded(predicted), 200, {"Content-Type": "application/json"})


def parsed(data: Any, schema: Any) -> Any:
    """What the model takes: a table, an array for a model of one tensor, arrays by name for one of several."""
    if schema is not None and schema.is_tensor_spec():
        if isinstance(data, dict):
            types = schema.input_dict() if schema.has_input_names() else {}
            return {name: np.array(value, dtype=types[name].type if name in types else None)
                    for name, value in data.items()}  # fmt: skip
        return np.array(data, dtype=schema.inputs[0].type)
    if isinstance(data, dict) and "data" in data:
        return dataframe_from_parsed_json(data, "split", schema)
    if isinstance(data, dict):
        return dataframe_from_parsed_json({"columns": list(data), "data": _rows(data)}, "split", schema)
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        return dataframe_from_parsed_json(data, "records", schema)
    if isinstance(data, list) and data:
        split = {"data": data, **({"columns": schema.input_names()} if schema is not None else {})}
        return dataframe_from_parsed_json(split, "split", schema)
    raise ValueError("input_data is neither a table nor a list of rows")


def _rows(columns: dict[str, Any]) -> list[Any]:
    return pd.DataFrame(columns).values.tolist()


def encoded(predicted: Any) -> str:
    """JSON of what a model predicts: a list, of objects for a table."""
    if isinstance(predicted, pd.DataFrame):
        predicted = predicted.to_dict(orient="records")
    elif isinstance(predicted, pd.Series):
        predicted = predicted.tolist()
    return json.dumps(predicted, cls=NumpyEncoder)
