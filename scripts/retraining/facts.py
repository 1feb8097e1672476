"""What the rules of retraining are about, read from a workspace."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scripts.alerting.decide import BREACHED, Seen
from scripts.alerting.runs import created
from scripts.az import AzError, az_json
from scripts.looking.workspace import Document, Workspace

TAG = "retrain_reason"  # of a train job that is a retraining: why it ran
RUN_TAG, DATA_TAG = "retrain_monitor_run", "retrain_data"  # run of the monitor, and version of the data, that it knew
AND, NEW = " + ", "new data version "  # between two reasons; one of them
LONGEST = 256  # characters of a tag's value
DATA = "flights"
MADE_BY = re.compile(r"/azureml/([^/]+)/")  # in the path of an asset that a job has made


def reason_of(seen: Seen) -> str:
    """Why to retrain, by what a monitor has found; "" if that is no reason."""
    if seen.kind != BREACHED:
        return ""
    first = ", ".join(sorted(seen.what)[:3])
    more = f" and {len(seen.what) - 3} more" if len(seen.what) > 3 else ""
    return f"{seen.run}: {first}{more}"


def retrainings(jobs: Iterable[Document]) -> list[Document]:
    """The train jobs that retrained, whatever the gate has made of them."""
    return [job for job in jobs if (job.get("tags") or {}).get(TAG)]


def unused(seen: Seen, by_hand: str, data: str, before: Iterable[Document]) -> str:
    """Why to retrain now; "" if nothing is new. What a retraining knew is no reason for another, unless that failed.

    Args:
        seen: what the monitor has found.
        by_hand: a reason that a person gives in place of it.
        data: newest version of the data, such as flights:5.
        before: earlier retrainings.
    """
    used = [job["tags"] for job in before if job.get("status") not in {"Failed", "Canceled"}]
    found = []
    texts = [tags[TAG].removesuffix(f"{AND}{NEW}{tags.get(DATA_TAG)}") for tags in used]
    if by_hand and by_hand[:LONGEST] not in texts:
        found.append(by_hand)
    if not by_hand and seen.run not in (tags.get(RUN_TAG) for tags in used):
        found.append(reason_of(seen))
    if data not in (tags.get(DATA_TAG) for tags in used):
        found.append(f"{NEW}{data}")
    return AND.join(text for text in found if text)


def new_rows(workspace: Workspace, model: str, report: Mapping[str, Any]) -> int:
    """Labelled rows of the data in months later than those that the newest model was judged on.

    Args:
        report: of the newest version of the data.

    Raises:
        AzError: it can't be read, or there is no model.
    """
    versions = az_json(["ml", "model", "list", "--name", model, *workspace.flags])
    if not versions:
        raise AzError(f"model {model} has no version yet, so there is none to retrain; make train")
    newest = max(versions, key=lambda one: int(one["version"]))
    known = str((newest.get("tags") or {}).get("test_month", ""))
    return rows_after(known, report)


def newest_data(workspace: Workspace) -> tuple[str, Document]:
    """The newest version of the data, such as flights:5, and what register_dataset says of it.

    Raises:
        AzError: there is none.
    """
    versions = az_json(["ml", "data", "list", "--name", DATA, *workspace.flags])
    newest = max(versions, key=created, default=None)
    job = MADE_BY.search(str(newest["path"])) if newest else None
    if newest is None or job is None:
        raise AzError(f"no version of {DATA} was made by register_data; make land, make register-data")
    return f"{DATA}:{newest['version']}", workspace.output(job[1], "report", "report.json")


def rows_after(month: str, report: Mapping[str, Any]) -> int:
    """Rows of files whose folder, a date, is of a later month."""
    accepted = [file for file in report["files"] if file["status"] == "accepted"]
    return sum(int(file["rows"]) for file in accepted if str(file["file"])[:7] > month)
