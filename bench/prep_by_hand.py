"""What a person would write to prepare months without a parallel runner: one after another in one process.

Runs in the environment of prep, in its folder; prep reads --weather and --prepared itself.
"""

import argparse
from pathlib import Path

import pandas as pd
import prep  # type: ignore[import-not-found]  # beside it in the job

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--flights", type=Path, required=True, help="folder of the flights dataset")
args, _ = parser.parse_known_args()

prep.init()
for month in sorted(args.flights.glob("*/flights.parquet")):
    prep.run(pd.read_parquet(month))
