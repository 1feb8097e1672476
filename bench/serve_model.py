"""Makes a model of the train component's kind, and requests for it: `python serve_model.py SAMPLE OUT`.

Runs in the training environment, in the component's folder. The rows are those of the sample request, shuffled column
by column: what the model has learned is of no account here, only what an answer costs.
"""

import argparse
import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path.cwd()))
import train

ROWS = 5000
SETTINGS = argparse.Namespace(learning_rate=0.1, max_iter=200, max_leaf_nodes=31, min_samples_leaf=20, seed=7)


def main(sample: Path, out: Path) -> None:
    given = json.loads(sample.read_text(encoding="utf-8"))["input_data"]
    rows = pd.DataFrame(given["data"], columns=given["columns"])
    random = np.random.default_rng(SETTINGS.seed)
    features = pd.DataFrame({name: random.choice(rows[name], ROWS) for name in rows})
    numbers = [str(name) for name in features if name not in train.NAMES]
    features[numbers] = features[numbers].astype("float64") + random.normal(size=(ROWS, len(numbers)))
    target = features["dep_delay"].fillna(0.0) + random.normal(scale=10, size=ROWS)
    model = train.build(SETTINGS).fit(features, target)
    mlflow.sklearn.save_model(model, str(out / "model"), signature=train.signature(features))
    (out / "azureml.json").write_text(json.dumps({"input_data": given}), encoding="utf-8")
    split = {"columns": given["columns"], "data": given["data"]}
    (out / "mlflow.json").write_text(json.dumps({"dataframe_split": split}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
