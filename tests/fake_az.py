"""An `az` on PATH that answers from a table and writes down what it was asked."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPT = """#!{python} -S
import json, sys
folder = {folder!r}
line = " ".join(sys.argv[1:])
with open(folder + "/asked", "a") as asked:
    asked.write(line + "\\n")
answers = json.load(open(folder + "/answers.json"))
fits = [start for start in answers if (line + " ").startswith(start + " ")]
if not fits:
    sys.exit("ERROR: the fake az has no answer to: az " + line)
code, out, error = answers[fits[-1]]
sys.stdout.write(out)
sys.stderr.write(error)
sys.exit(code)
"""


@dataclass
class FakeAz:
    """An `az` in `folder`.

    Args:
        answers: start of a line -> exit code, standard output, standard error; what was said last about a line holds.
    """

    folder: Path
    answers: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        script = self.folder / "az"
        script.write_text(SCRIPT.format(python=sys.executable, folder=str(self.folder)), encoding="utf-8")
        script.chmod(0o755)

    def says(self, line: str, document: Any) -> None:
        self._answer(line, 0, json.dumps(document), "")

    def fails(self, line: str, code: int, error: str) -> None:
        self._answer(line, code, "", f"ERROR: {error}\n")

    def _answer(self, line: str, code: int, out: str, error: str) -> None:
        self.answers.pop(line, None)
        self.answers[line] = (code, out, error)
        (self.folder / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")

    @property
    def asked(self) -> list[str]:
        path = self.folder / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
