"""Scoring script of batch deployments of MLflow models that bring none. It runs in the environment of the model.

Each file of a mini-batch is a table, as on Azure: CSV or Parquet. The model predicts the whole table at once. A row of
the predictions has the number of its row in the file, what the model predicts, and the name of the file. A file that
can't be read or predicted is reported in the log and counts as a failed item.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.pyfunc import PyFuncModel, load_model

MODEL: PyFuncModel
# Types of a signature whose values a reader of CSV would take for something else, or may not guess.
TYPES: dict[str, Any] = {
    "string": str,
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": bool,
}


def init() -> None:
    global MODEL
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    MODEL = load_model(str(next(folder.glob("*/MLmodel")).parent))


def run(mini_batch: list[str]) -> list[str]:
    """The rows of each file that could be predicted, as one text a file: error_threshold counts files.

    Args:
        mini_batch: paths of the files.
    """
    predicted = []
    for path in map(Path, mini_batch):
        try:
            predicted.append(score(path))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a file or what the model makes of it
            print(f"ERROR: Error processing input file: '{path}'. {type(error).__name__}: {error}", flush=True)
    return predicted


def score(path: Path) -> str:
    """The rows of one file, without a newline at the end."""
    table = read(path)
    if table.empty:
        raise ValueError("it has no rows")
    predictions = pd.DataFrame(MODEL.predict(table)).reset_index(drop=True)
    predictions["file"] = path.name
    text: str = predictions.to_csv(header=False, lineterminator="\n")
    return text.rstrip("\n")


def read(path: Path) -> pd.DataFrame:
    """A file as a table, with the types of the model's signature."""
    kind = path.suffix.lower().lstrip(".")
    if kind in ("parquet", "pqt"):
        return pd.read_parquet(path)
    if kind != "csv":
        raise ValueError(f"File type '{kind}' is not supported, only csv, parquet and pqt: write a scoring script")
    schema = MODEL.metadata.get_input_schema()
    named = schema.input_types_dict() if schema is not None and schema.has_input_names() else {}
    types = {name: TYPES[kind.name] for name, kind in named.items() if getattr(kind, "name", "") in TYPES}
    return pd.read_csv(path, dtype=types)
