"""The process that runs one root job."""

import traceback
from pathlib import Path

from . import values
from .errors import WorkspaceError
from .execution import Call, execute
from .plan import Plan
from .session import Session
from .values import Value
from .workspace import Workspace


def run_job(folder: str, name: str) -> None:
    """Run a submitted job to its end. Whoever submitted it holds its lock and has handed it down to this process."""
    ws = Workspace(Path(folder))
    session = Session(ws, name)
    try:
        row = ws.catalog.row("SELECT plan FROM jobs WHERE name = ?", name)
        assert row is not None
        plan = Plan.load(row["plan"])
        document = ws.jobs.get(name)
        ws.tracking.uri(session.say)
        ws.jobs.settle_runs()
        inputs: dict[str, Value] = {}
        for key, bound in plan.inputs.items():
            inputs[key] = (
                values.literal(bound["literal"]) if "literal" in bound else values.data(ws, bound, f"inputs.{key}")
            )
        settings = plan.spec.get("settings") or {}
        execute(session, Call(plan, inputs, document["display_name"], name=name, settings=settings))
    except Exception as error:  # noqa: BLE001 - a job must never stay Running, and the reason belongs into it
        if not isinstance(error, WorkspaceError):
            traceback.print_exc()
        session.say(str(error))
        ws.catalog.edit_job(name, error={"message": str(error)})
        ws.catalog.update_job(name, status="Failed")
    finally:
        session.close()
