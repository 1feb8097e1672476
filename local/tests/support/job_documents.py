"""Documents of jobs as azure-ai-ml gives them, and looks at what became of them."""

import time

from ml_workspace.streaming import TERMINAL


def ended(ws, name, seconds=60):
    """The job's document once it is in a final state."""
    deadline = time.monotonic() + seconds
    while (job := ws.jobs.get(name))["status"] not in TERMINAL:
        assert time.monotonic() < deadline, f"{name} is still {job['status']}:\n{log_of(ws, name)}"
        time.sleep(0.05)
    return job


def log_of(ws, name):
    """What `az ml job stream` would show."""
    lines = []
    path = ws.path / "jobs" / name / "stream.log"
    lines.append(path.read_text() if path.exists() else "")
    lines.append((ws.path / "jobs" / name / "runner.log").read_text())
    return "\n".join(lines)


def command(text, inputs=None, outputs=None, **fields):
    """A command component, inline."""
    return {"type": "command", "command": text, "environment": "azureml:plain:1", "inputs": inputs or {},
            "outputs": outputs or {}, **fields}  # fmt: skip


def node(component, **fields):
    """A job of a pipeline."""
    return {"type": component["type"], "component": component, **fields}


def children(ws, name):
    """Node -> job, of a pipeline's direct children."""
    return {job["display_name"].rpartition(".")[2]: job for job in ws.jobs.list(parent=name, max_results=None)}
