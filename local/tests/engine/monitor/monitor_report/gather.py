"""Writes results.json: the monitor, what all signals say, and the names of earlier runs."""

import json
import pathlib
import sys

report, monitor, history, *folders = sys.argv[1:]
signals = {
    file.stem: json.loads(file.read_text()) for place in folders for file in pathlib.Path(place).glob("signals/*")
}
earlier = sorted(file.parent.name for file in pathlib.Path(history).glob("*/results.json"))
results = {"monitor": json.loads(monitor), "signals": signals, "earlier": earlier}
(pathlib.Path(report) / "results.json").write_text(json.dumps(results))
