"""Drift and missing values of two Parquet files by evidently: `python monitor_evidently.py REFERENCE PRODUCTION`.

The same as the monitor that this repository ships, as near as evidently comes to it: Jensen-Shannon distance and the
share of missing values of each column.
"""

import sys

import pandas as pd
from evidently import Report
from evidently.metrics import MissingValueCount
from evidently.presets import DataDriftPreset

METHOD = "jensenshannon"


def main(reference: str, production: str) -> None:
    before, after = pd.read_parquet(reference), pd.read_parquet(production)
    missing = [MissingValueCount(column=name) for name in before]
    report = Report([DataDriftPreset(num_method=METHOD, cat_method=METHOD), *missing])
    found = report.run(reference_data=before, current_data=after).dict()
    print(len(found["metrics"]), "metrics")


if __name__ == "__main__":
    main(*sys.argv[1:])
