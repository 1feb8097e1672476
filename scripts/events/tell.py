"""Telling people of a job that registered nothing: which files broke the data contract, or why it failed."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.alerting.channels import Channel, NotSent
from scripts.az import AzError
from scripts.events.retry import GaveUp, Retries
from scripts.looking.workspace import Workspace

REFUSED, FAILED = "data.refused", "data.failed"
CONTRACT = "data/{dataset}/contract/contract.yml"
Document = dict[str, Any]


def refused_files(workspace: Workspace, job: str, root: Path, landing: Path) -> list[Document]:
    """Files that stopped the job: dataset, file, quarantine, broken.

    A step that failed has no outputs, so it is the quarantine that tells: register_dataset keeps a report there of what
    it refused, by content, and by the contract that it broke.

    Args:
        root: with the specs.
        landing: folder of a datastore, which has the quarantine beside it.

    Raises:
        AzError: the workspace can't be asked.
    """
    found: list[Document] = []
    for dataset in [step["display_name"] for step in workspace.children(job) if step["status"] == "Failed"]:
        rules = _digest(root / CONTRACT.format(dataset=dataset))
        for path in sorted((landing.parent / "quarantine" / dataset).rglob("report.json")):
            report = json.loads(path.read_text(encoding="utf-8"))
            file = landing / dataset / report["file"]
            if report["contract"] == rules and file.is_file() and _digest(file) == report["sha256"]:
                kept = {key: report[key] for key in ("file", "quarantine", "broken")}
                found.append({"dataset": dataset, **kept})
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def event(workspace: str, job: str, reason: str, files: Sequence[Document], now: datetime) -> Document:
    """CloudEvents 1.0 in JSON; of a job it always has the same id, by which receivers drop what comes twice.

    Args:
        reason: of the failure, in words.
        files: that broke the contract; none if the job failed for another reason.
    """
    source = f"/workspaces/{workspace}/jobs/{job}"
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, source)),
        "source": source,
        "type": REFUSED if files else FAILED,
        "subject": ", ".join(sorted({file["dataset"] for file in files})) or job,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": {"summary": reason, "job": job, "files": list(files)},
    }


def lines(files: Sequence[Document]) -> list[str]:
    """A line for each rule that a file breaks."""
    return [
        f"{file['dataset']}/{file['file']}: {rule['column'] + ': ' if rule['column'] else ''}{rule['rule']}; "
        f"{rule['example']} (report: {file['quarantine']})"
        for file in files
        for rule in file["broken"]
    ]


def tell(
    workspace: Workspace,
    ways: Sequence[Channel],
    retries: Retries,
    job: str,
    status: str,
    refused: Callable[[], Sequence[Document]],
) -> bool:
    """Tells on all channels that a job registered nothing, or not everything; whether all of them got it.

    Args:
        refused: see `refused_files`.
    """
    files: Sequence[Document] = []
    try:
        files = retries.run(refused, AzError, OSError)
    except GaveUp as error:
        print(f"why job {job} is {status} can't be found out, {error}", flush=True)
    why = "" if files else f": {workspace.why_failed(job) or 'see its log'}"
    reason = f"{len(files)} of the files that landed broke the contract" if files else f"the job is {status}{why}"
    document, said = event(workspace.name, job, reason, files, datetime.now(UTC)), lines(files)
    print("\n".join([f"{document['type']}: {reason}", *(f"  {line}" for line in said)]), flush=True)
    if not ways:
        print("  nobody is told: config has no alert.smtp_host, and ALERT_WEBHOOK is not set", flush=True)
    told = [_sent(way, retries, document, said) for way in ways]  # each, also after one that failed
    return all(told)


def _sent(way: Channel, retries: Retries, document: Mapping[str, Any], said: list[str]) -> bool:
    headline = f"[{document['type']}] {document['subject']}: {document['data']['summary']}"
    text = "\n".join([headline, "", *said, "", f"Job: {document['data']['job']}", ""])
    try:
        retries.run(lambda: way.deliver(headline, text, document, datetime.now(UTC)), NotSent)
    except GaveUp as error:
        print(f"not told, {error}", flush=True)
        return False
    print(f"  told by {way.name}", flush=True)
    return True
