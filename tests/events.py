"""Events of files that land, for tests."""

import json
from pathlib import Path
from typing import Any

from scripts.events.blob import Blob, created
from scripts.events.filters import Filter

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests/data/events/blob_created.json"
FILTER = Filter("azureml-blobstore", "landing", [".csv", ".parquet"])
FLIGHTS = "landing/flights/2013-01-01/flights.csv"


def recorded(**data: Any) -> dict[str, Any]:
    """The recorded event with other values of its data, or of itself for `subject` and `eventType`."""
    [document] = json.loads(RECORDED.read_text())
    for key, value in data.items():
        (document if key in ("subject", "eventType") else document["data"])[key] = value
    return document


def named(path: str, container: str = "azureml-blobstore") -> dict[str, Any]:
    return recorded(subject=f"/blobServices/default/containers/{container}/blobs/{path}")


def blob(name: str, etag: str, sequencer: int) -> Blob:
    return created("azureml-blobstore", f"landing/{name}", "file:///x", 1, etag, sequencer, "2026-11-25T00:00:00+00:00")
