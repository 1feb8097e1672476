"""A trial: logs how near RATE is to 0.2, to MLflow over HTTP, and writes it down: score.py RATE OUT."""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path

rate = float(sys.argv[1])
point = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "score", "value": -abs(rate - 0.2),
         "timestamp": int(time.time() * 1000)}  # fmt: skip
request = urllib.request.Request(
    f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/log-metric",
    json.dumps(point).encode(),
    {"Content-Type": "application/json"},
)
urllib.request.urlopen(request).close()
Path(sys.argv[2], "rate.txt").write_text(f"{rate}\n", encoding="utf-8")
