"""Answers requests for the arrival delay of flights; the inference server calls init() once in each worker.

Request: {"input_data": {"columns": […], "data": [[…], …]}} or {"input_data": [{…}, …]}, with the columns of the model's
signature (sample_request.json). Answer: {"predictions": [minutes, …], "model": "…"}, a number for each row, and the
model_uuid by which the registered version is tagged. A body that the model can't take is answered with 400 and
{"error": {"code": "BadRequest", "message": "…"}}, where the message names row and column.

What was asked and answered goes to the collections model_inputs and model_outputs, with the request's x-request-id.
"""

import atexit
import logging
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.ai.monitoring.init import teardown
from azureml_inference_server_http.api.aml_response import AMLResponse
from mlflow.pyfunc import PyFuncModel
from rows import BadRequest, columns_of, table

log = logging.getLogger("azmlinfsrv.score")  # below the server's own logger, so that get-logs shows it


class Recorder:
    """A collector that never stands in the way of an answer: what goes wrong is logged, each kind of error once."""

    def __init__(self, name: str) -> None:
        self._name, self._told = name, set[type[Exception]]()
        self._collector = Collector(name=name, on_error=self._tell)

    def record(self, frame: pd.DataFrame, context: BasicCorrelationContext) -> None:
        try:
            self._collector.collect(frame, context)
        except Exception as error:  # noqa: BLE001  a row that can't be recorded has been scored all the same
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if type(error) not in self._told:
            self._told.add(type(error))
            log.warning("%s is not recorded (said once): %s: %s", self._name, type(error).__name__, error)


model: PyFuncModel
estimator: Any  # what it wraps
columns: dict[str, str]
recorders: tuple[Recorder, Recorder]  # of inputs, of predictions


def init() -> None:
    """Loads the model that the deployment names.

    Raises:
        ValueError: there is no MLflow model, or its signature is none that requests can be checked against.
    """
    global model, estimator, columns, recorders
    model = mlflow.pyfunc.load_model(str(model_folder(Path(os.environ["AZUREML_MODEL_DIR"]))))
    # Asked itself, since the request is checked already: MLflow's own checks would be a tenth of the time of an answer.
    estimator = model.get_raw_model()
    columns = columns_of(model.metadata.signature)
    recorders = Recorder("model_inputs"), Recorder("model_outputs")
    atexit.register(teardown, wait_for_flush=True)  # records that still wait when the worker ends are sent
    log.info("model %s, columns %s", model.metadata.model_uuid, ", ".join(columns))


def run(raw_data: str, request_headers: dict[str, Any]) -> AMLResponse:
    """Answers one request; the server fills in both arguments by their names."""
    try:
        flights = table(raw_data, columns)
    except BadRequest as error:
        return AMLResponse({"error": {"code": "BadRequest", "message": str(error)}}, 400, json_str=True)
    predictions = np.asarray(estimator.predict(flights), dtype="float64")
    context = BasicCorrelationContext(id=request_headers.get("X-Request-Id"))
    inputs, outputs = recorders
    inputs.record(flights, context)
    outputs.record(pd.DataFrame({"prediction": predictions}), context)
    return AMLResponse({"predictions": predictions.tolist(), "model": model.metadata.model_uuid}, 200, json_str=True)


def model_folder(root: Path) -> Path:
    """Folder of the one MLflow model below `root`, where the platform put the deployment's model."""
    found = sorted(root.rglob("MLmodel"))
    if len(found) != 1:
        raise ValueError(f"{root} holds {len(found)} MLflow models, not one: {', '.join(map(str, found))}")
    return found[0].parent
