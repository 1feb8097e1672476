"""What came of the jobs of the demo: data, trials, metrics, the gate's decision, the model, the steps."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scripts.looking.workspace import AT_ONCE, Document, Workspace, page_of, reused_from

PIPELINES = ("register_data", "train")


class NotCompleted(Exception):
    """A job failed, was canceled or still runs; the message says which, why, and where its log is."""


def read_outcome(workspace: Workspace, jobs: dict[str, str]) -> Document:
    """The outcome of the pipelines, as build/<env>/demo.json has it.

    Args:
        workspace: where they ran.
        jobs: pipeline -> name of its job.

    Raises:
        NotCompleted: one of them did not complete.
        AzError: something can't be read.
    """
    names = list(jobs.values())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        documents = dict(zip(jobs, pool.map(workspace.job, names), strict=True))
        children = dict(zip(jobs, pool.map(workspace.children, names), strict=True))
    for pipeline, document in documents.items():
        refuse_unless_completed(workspace, document, children[pipeline])
    train = jobs["train"]
    evaluation, decision, result = workspace.outputs(
        [
            (train, "evaluation", "evaluation.json"),
            (train, "decision", "decision.json"),
            (train, "registered", "result.json"),
        ]
    )
    steps = [step(pipeline, child) for pipeline in jobs for child in children[pipeline]]
    return {
        "workspace": workspace.name,
        "tracking_uri": workspace.tracking_uri(),
        "jobs": {pipeline: job_row(document) for pipeline, document in documents.items()},
        "data": data(workspace, evaluation["candidate"]["data"]),
        "trials": trials(workspace, documents["train"], children["train"]),
        "evaluation": {
            "test_month": evaluation["test_month"],
            "rows": evaluation["rows"],
            "candidate": evaluation["candidate"]["metrics"],
            "champion": champion(evaluation["champion"]),
        },
        "gate": {name: decision[name] for name in ("promote", "reason", "checks")},
        "model": model(workspace, result),
        "steps": steps,
        "all_reused": all(step["reused_from"] for step in steps),
    }


def refuse_unless_completed(workspace: Workspace, job: Document, children: list[Document]) -> None:
    """Raises NotCompleted for a job that is not Completed, pointing to the step that failed where there is one."""
    if job["status"] == "Completed":
        return
    flags = " ".join(workspace.flags)
    what = f"job {job['name']} ({job['display_name']}) is {job['status']}"
    failed = [child for child in children if child["status"] == "Failed"]
    if not failed:
        why = f": {job['error']['message']}" if job.get("error") else ""
        raise NotCompleted(f"{what}{why}\n  follow it: az ml job stream --name {job['name']} {flags}")
    lines = [what]
    for child in failed:
        why = f": {child['error']['message']}" if child.get("error") else ""
        lines.append(f"step {child['display_name']} failed{why}")
        lines.append(f"  its log: az ml job stream --name {child['name']} {flags}")
        if page_of(child):
            lines.append(f"  its page: {page_of(child)}")
    raise NotCompleted("\n".join(lines))


def job_row(job: Document) -> Document:
    return {"name": job["name"], "status": job["status"], "seconds": seconds(job), "page": page_of(job)}


def seconds(job: Document) -> float | None:
    """How long a job took; the service itself does not tell."""
    told = job["properties"].get("azureml.duration")
    return float(told) if told else None


def step(pipeline: str, job: Document) -> Document:
    """A step; `reused_from` names the job that did its work earlier, None if it did it itself."""
    return {
        "pipeline": pipeline,
        "step": job["display_name"],
        "type": job["type"],
        "job": job["name"],
        "status": job["status"],
        "seconds": seconds(job),
        "reused_from": reused_from(job),
    }


def data(workspace: Workspace, trained_on: dict[str, str]) -> Document:
    """The datasets that the model was trained on.

    Args:
        workspace: where they are registered.
        trained_on: dataset -> "<content> by <job>", as the model itself tells.
    """
    sources = {name: text.partition(" by ")[::2] for name, text in trained_on.items()}
    reports = workspace.outputs([(job, "report", "report.json") for _, job in sources.values()])
    return {
        name: {
            "version": workspace.data_made_by(name, job),
            "content": content,
            "rows": report["rows"],
            "months": report["months"],
            "job": job,
        }
        for (name, (content, job)), report in zip(sources.items(), reports, strict=True)
    }


def trials(workspace: Workspace, train: Document, steps: list[Document]) -> Document | None:
    """The trials of the sweep and the best of them; None if the pipeline has no sweep."""
    sweep = next((step for step in steps if step["type"] == "sweep"), None)
    if sweep is None:
        return None
    origin = reused_from(sweep)
    sweep = workspace.job(origin) if origin else sweep
    settings = next(node for node in train["jobs"].values() if node["type"] == "sweep")
    children = workspace.children(sweep["name"])
    best_run = sweep["properties"].get("best_child_run_id")
    # A run of MLflow and its job have one name in Azure and two on this machine.
    best = next((c for c in children if best_run in (c["name"], c["properties"].get("mlflow.run_id"))), None)
    score = sweep["properties"].get("score")
    return {
        "number": len(children),
        "completed": sum(child["status"] == "Completed" for child in children),
        "metric": settings["objective"]["primary_metric"],
        "best": best
        and {
            "job": best["name"],
            "name": best["display_name"],
            "value": None if score is None else float(score),
            "settings": {name: (best.get("inputs") or {}).get(name) for name in settings["search_space"]},
        },
    }


def champion(judged: dict[str, Any] | None) -> Document | None:
    """The champion's version with its metrics, or with `error` if it could not be judged; None if there was none."""
    return judged and {key: judged[key] for key in ("name", "version", "metrics", "error") if key in judged}


def model(workspace: Workspace, result: Document) -> Document | None:
    """The registered version as the workspace has it; None if nothing was registered."""
    if result["version"] is None:
        return None
    found = workspace.model(result["model"], result["version"])
    return {
        "name": found["name"],
        "version": str(found["version"]),
        "created_at": found["creation_context"]["created_at"],
        "tags": found["tags"],
    }
