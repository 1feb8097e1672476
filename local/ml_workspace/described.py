"""What the document of a job says of what is to run."""

from typing import Any

from .catalog import Row
from .plan import Plan


def described(doc: dict[str, Any], plan: Plan) -> Row:
    """The document of a job with components by their names and inputs as they were resolved; not yet of any one run."""
    document = {
        **doc,
        "type": plan.type,
        "experiment_name": doc.get("experiment_name") or "Default",
        "tags": doc.get("tags") or {},
        "properties": doc.get("properties") or {},
        "inputs": {key: _shown(value, plan.inputs.get(key)) for key, value in (doc.get("inputs") or {}).items()},
    }
    if plan.type == "command":
        document |= {key: plan.spec[key] for key in ("command", "environment", "code") if plan.spec.get(key)}
        for unused in ("component", *(() if document.get("parameters") else ("parameters",))):
            document.pop(unused, None)
    if document.get("jobs"):
        document["jobs"] = {n: {**node, "component": plan.jobs[n].component} for n, node in document["jobs"].items()}
    return document


def _shown(value: Any, bound: dict[str, Any] | None) -> Any:
    """An input as the job's document has it: a literal as text, data by its asset or the place that it is read from."""
    if not bound or "from" in bound:
        return value
    if "literal" in bound:
        return bound["literal"]
    return {**(value if isinstance(value, dict) else {}), "type": bound["type"], "path": bound["asset"] or bound["uri"]}
