"""Makes an MLflow model and files for it to score: `python batch_model.py FOLDER CONDA_FILE COUNTxROWS…`.

Below FOLDER: model/, and files-<COUNT>x<ROWS>/ with COUNT files of ROWS rows each.
"""

import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import HistGradientBoostingRegressor

COLUMNS = 8


def table(rows: int, seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(rows, COLUMNS)).round(3)
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(COLUMNS)])


def main(folder: Path, conda_file: str, sets: list[str]) -> None:
    known = table(20_000, 1)
    model = HistGradientBoostingRegressor(max_iter=300, early_stopping=False, random_state=1)
    model.fit(known, (known**2).sum(axis=1))
    mlflow.sklearn.save_model(
        model, folder / "model", conda_env=conda_file, signature=infer_signature(known, model.predict(known))
    )
    for size in sets:
        count, rows = map(int, size.split("x"))
        place = folder / f"files-{size}"
        place.mkdir()
        text = table(rows, 2).to_csv(index=False)
        for number in range(count):
            (place / f"{number:04d}.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
