"""Writes signals/<name>.json for each signal: the signal, and the arguments. A feature called `crash` makes it fail."""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1]) / "signals"
folder.mkdir(parents=True)
for signal in json.loads(sys.argv[2]):
    if "crash" in signal.get("features", ()):
        sys.exit("killed")
    (folder / f"{signal['name']}.json").write_text(json.dumps({"signal": signal, "arguments": sys.argv[3:]}))
