"""What was rolled out and scored last, as `make deploy` and `make batch` left it in build/<env>/."""

import json
from pathlib import Path

from scripts.looking.table import table
from scripts.looking.workspace import Document

STAGES = {"mirror": "mirrored", "share": "first share"}


def read_report(env: str, name: str) -> Document | None:
    """A report of an environment; None if the verb that writes it has not been used."""
    path = Path("build") / env / f"{name}.json"
    if not path.is_file():
        return None
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def rollout_lines(rollout: Document | None) -> list[str]:
    """The last rollout as lines for a terminal."""
    if rollout is None:
        return []
    lines = ["", f"Online endpoint: {rollout['endpoint']}", *(f"  {one}" for one in rollout["outcome"].splitlines())]
    if smoke := rollout.get("smoke"):
        equal = f"{smoke['compared_rows']} predictions equal the registered model's own"
        lines.append(f"  smoke test of {smoke['deployment']}: {equal}, p95 {smoke['p95_ms']:.0f} ms")
    rows = [
        [what, deployment, f"{found['requests']:,}", f"{found['errors']:,}", f"{found['p95_ms']:.0f}"]
        for stage, what in STAGES.items()
        for deployment, found in sorted(rollout.get(stage, {}).items())
    ]
    return lines + (table(["watched", "deployment", "requests", "failed", "p95 ms"], rows) if rows else [])


def batch_lines(batch: Document | None) -> list[str]:
    """The last batch job as lines for a terminal."""
    if batch is None:
        return []
    return [
        "",
        f"Batch endpoint: {batch['endpoint']}",
        f"  {batch['rows']:,} predictions by {batch['model']} for {batch['input']}",
        f"  {batch['file']}",
    ]
