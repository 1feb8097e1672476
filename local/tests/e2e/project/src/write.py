"""Writes a word to OUT/word.txt: write.py WORD LOUD OUT."""

import sys
from pathlib import Path

word, loud, out = sys.argv[1:]
Path(out, "word.txt").write_text(f"{word}{'!' if loud == 'True' else ''}\n", encoding="utf-8")
print("wrote", word)
