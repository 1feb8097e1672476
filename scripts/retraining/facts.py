"""What the rules of retraining are about, read from a workspace."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scripts.alerting.decide import BREACHED, Seen
from scripts.alerting.runs import created
from scripts.az import AzError, az_json
from scripts.looking.workspace import Document, Workspace

TAG = "retrain_reason"  # of a train job that a breach has led to
DATA = "flights"
MADE_BY = re.compile(r"/azureml/([^/]+)/")  # in the path of an asset that a job has made


def reason_of(seen: Seen) -> str:
    """Why to retrain, by what a monitor has found; "" if that is no reason."""
    if seen.kind != BREACHED:
        return ""
    first = ", ".join(sorted(seen.what)[:3])
    more = f" and {len(seen.what) - 3} more" if len(seen.what) > 3 else ""
    return f"{seen.run}: {first}{more}"


def last_retraining(jobs: Iterable[Document]) -> datetime | None:
    """When the last train job was submitted that a breach has led to."""
    return max((created(job) for job in jobs if (job.get("tags") or {}).get(TAG)), default=None)


def new_rows(workspace: Workspace, model: str) -> int:
    """Labelled rows of the newest data in months later than those that the newest model was judged on.

    Raises:
        AzError: it can't be read, or there is no model or no data.
    """
    versions = az_json(["ml", "model", "list", "--name", model, *workspace.flags])
    if not versions:
        raise AzError(f"model {model} has no version yet, so there is none to retrain; make train")
    newest = max(versions, key=lambda one: int(one["version"]))
    known = str((newest.get("tags") or {}).get("test_month", ""))
    return rows_after(known, report_of_newest(workspace))


def report_of_newest(workspace: Workspace) -> Document:
    """What register_dataset says of the newest version of the data.

    Raises:
        AzError: there is none.
    """
    versions = az_json(["ml", "data", "list", "--name", DATA, *workspace.flags])
    newest = max(versions, key=created, default=None)
    job = MADE_BY.search(str(newest["path"])) if newest else None
    if job is None:
        raise AzError(f"no version of {DATA} was made by register_data; make land, make register-data")
    return workspace.output(job[1], "report", "report.json")


def rows_after(month: str, report: Mapping[str, Any]) -> int:
    """Rows of files whose folder, a date, is of a later month."""
    accepted = [file for file in report["files"] if file["status"] == "accepted"]
    return sum(int(file["rows"]) for file in accepted if str(file["file"])[:7] > month)
