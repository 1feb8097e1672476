"""Where a registered version of the model comes from: its tags, and the train job that they name."""

from dataclasses import dataclass
from typing import Any

from scripts.az import AzError
from scripts.looking.workspace import Workspace, reused_from
from scripts.releasing.errors import ReleaseError

REFERENCE = "reference"  # step of the train pipeline that registers what its model was trained on
NEEDED = ("model_uuid", "root_job", "commit", "gate")  # tags that components/register gives a version
DATA = "data."  # start of those with the versions of the data


@dataclass(frozen=True)
class Lineage:
    """Where a model comes from.

    Args:
        model_uuid: that training gave it.
        job: train pipeline.
        commit: of its code.
        data: name -> version, of what it was trained on and of the reference that monitors compare with.
        metrics: on the test month.
        gate: why the gate let it through.
    """

    model_uuid: str
    job: str
    commit: str
    data: dict[str, str]
    metrics: dict[str, float]
    gate: str


def lineage_of(model: str, version: str, workspace: Workspace) -> Lineage:
    """Lineage of a version in the workspace where it was trained.

    Raises:
        AzError: there is no such version.
        ReleaseError: it has none, or the gate did not let it through.
    """
    tags = workspace.model(model, version).get("tags") or {}
    label = f"{model}:{version}"
    refuse_without(tags, label)
    job = tags["root_job"]
    try:
        decision = workspace.output(job, "decision", "decision.json")
    except AzError as error:
        raise ReleaseError(f"{label}: what the gate decided in its train job {job} can't be read: {error}") from error
    refuse_unless_passed(decision, tags["model_uuid"], label, job)
    reference = reference_made_by(job, model, workspace)
    if reference is None:
        raise ReleaseError(
            f"{label}: its train job {job} has registered no {model}-reference for a monitor; train anew"
        )
    data = {name.removeprefix(DATA): str(text) for name, text in sorted(tags.items()) if name.startswith(DATA)}
    metrics = {name: value for name, value in decision["candidate"]["metrics"].items() if value is not None}
    return Lineage(
        tags["model_uuid"], job, tags["commit"], {**data, f"{model}-reference": reference}, metrics, decision["reason"]
    )


def refuse_without(tags: dict[str, str], label: str) -> None:
    """Refuses a version without the tags that tell where it comes from."""
    missing = [name for name in NEEDED if not tags.get(name)]
    if not any(name.startswith(DATA) for name in tags):
        missing.append(f"{DATA}<name>")
    if missing:
        raise ReleaseError(
            f"{label} has no tag {', '.join(missing)}, so nobody knows where it comes from; promote a version that "
            "`make train` has registered from a commit"
        )


def refuse_unless_passed(decision: dict[str, Any], model_uuid: str, label: str, job: str) -> None:
    """Refuses a version that the gate has not let through, whatever its tags say."""
    judged = (decision.get("candidate") or {}).get("model_uuid")
    if judged != model_uuid:
        raise ReleaseError(f"{label}: the gate of job {job} has judged model {judged}, and this is {model_uuid}")
    if decision.get("promote") is not True:
        raise ReleaseError(f"{label}: the gate of job {job} has refused it: {decision.get('reason')}")


def reference_made_by(job: str, model: str, workspace: Workspace) -> str | None:
    """Version of <model>-reference that a train job has registered; None if there is none."""
    step = next((step for step in workspace.children(job) if step["display_name"] == REFERENCE), None)
    return workspace.data_made_by(f"{model}-reference", reused_from(step) or step["name"]) if step else None
