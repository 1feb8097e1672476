"""Scores CSV files with an MLflow model as a person would: `python batch_by_hand.py MODEL FILES PREDICTIONS PROCESSES`.

The same rows come out as from a batch endpoint: number of the row, prediction, name of the file.
"""

import multiprocessing
import sys
from pathlib import Path

import pandas as pd
from mlflow.pyfunc import PyFuncModel, load_model

MODEL: PyFuncModel


def load(folder: str) -> None:
    global MODEL
    MODEL = load_model(folder)


def score(path: Path) -> str:
    predictions = pd.DataFrame(MODEL.predict(pd.read_csv(path)))
    predictions["file"] = path.name
    return predictions.to_csv(header=False)


def main(model: str, files: str, predictions: str, processes: str) -> None:
    with Path(predictions).open("w", encoding="utf-8") as output:
        context = multiprocessing.get_context("spawn")  # a fork would share threads that the libraries have started
        with context.Pool(int(processes), load, (model,)) as pool:
            for text in pool.imap(score, sorted(Path(files).glob("*.csv"))):
                output.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
