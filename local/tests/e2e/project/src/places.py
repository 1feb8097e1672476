"""Writes a file wherever a script may think that it can, and prints the folders: places.py OUT."""

import sys
import tempfile
from pathlib import Path

for folder in (Path.home(), Path(tempfile.gettempdir()), Path.cwd(), Path(sys.argv[1])):
    (folder / "mark.txt").write_text("here\n", encoding="utf-8")
    print("wrote to", folder)
