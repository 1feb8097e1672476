"""Writes signals/<name>.json for each signal: the signal, and the arguments."""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1]) / "signals"
folder.mkdir(parents=True)
for signal in json.loads(sys.argv[2]):
    (folder / f"{signal['name']}.json").write_text(json.dumps({"signal": signal, "arguments": sys.argv[3:]}))
