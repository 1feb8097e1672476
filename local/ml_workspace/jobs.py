"""Jobs of a workspace: submit, look, follow, cancel."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import streaming
from .catalog import Row, created, now
from .described import described
from .errors import Conflict, NotFound, WorkspaceError
from .names import JOB, job_name
from .processes import kill_group, kill_marked
from .streaming import TERMINAL
from .workspace import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plan import Plan
    from .workspace import Workspace

LOST = (
    "The runner of this job was ended from outside, or the disk or the memory was full. "
    "Submit the job again: steps that had completed are reused."
)
READ = "name, root, status, doc"  # columns; a plan is large
MUTABLE = ("description", "tags", "display_name", "properties")
TEXTS = {"description", "display_name"}


def _unheard(warning: str) -> None:
    del warning


class Jobs:
    """Each root job is run by a process of its own, which holds a lock for as long as it lives."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._catalog = ws.catalog

    def validate(self, doc: dict[str, Any], source: Path, warn: "Callable[[str], None]" = _unheard) -> None:
        """Refuse what `create` would refuse.

        Args:
            doc: the job as azure-ai-ml gives it.
            source: folder of its spec; relative local paths start there.
            warn: told what may go wrong when the job runs.
        """
        self.plan(doc, source, warn)

    def create(
        self, doc: dict[str, Any], source: Path, name: str | None = None, warn: "Callable[[str], None]" = _unheard
    ) -> Row:
        """Submit a job and return its document; a detached process runs it.

        Args:
            doc, source, warn: see `validate`.
            name: the job's name; by default that of the document, or else a new one.

        Raises:
            WorkspaceError: see `planner.Planner.plan`; or the name is taken.
        """
        name = name or doc.get("name") or job_name()
        return self.submit(doc, self.plan({**doc, "name": name}, source, warn), name)

    def submit(self, doc: dict[str, Any], plan: "Plan", name: str) -> Row:
        """Start a job whose plan is made; see `create`.

        Raises:
            Conflict: the name is taken.
        """
        document = {**described(doc, plan), "name": name, "display_name": doc.get("display_name") or name,
                    "creation_context": created()}  # fmt: skip
        folder = self._ws.path / "jobs" / name
        with self._catalog.transaction():
            if self._catalog.row("SELECT name FROM jobs WHERE name = ?", name):
                raise Conflict(f"A job with the name '{name}' exists already; give this one another name, or none.")
            self._catalog.insert(
                "jobs", name=name, root=name, status="NotStarted", created_at=now(), doc=document, plan=plan.document()
            )
            folder.mkdir(parents=True, exist_ok=True)
            # The lock is taken here and inherited by the runner, so there is no moment at which nobody holds it.
            lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        with (folder / "runner.log").open("ab") as log:
            subprocess.Popen(
                [sys.executable, str(Path(__file__).parent), "run", str(self._ws.path), name],
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=folder,
                env={key: value for key, value in os.environ.items() if key != JOB},  # a job that submits one
            )
        os.close(lock)
        return self.get(name)

    def record_failure(self, doc: dict[str, Any], name: str, message: str) -> None:
        """Keep a job that could not even be submitted as a failed one, where its owner will look for it.

        Args:
            doc: what is known of it.
        """
        document = {"type": "pipeline", "tags": {}, "properties": {}, "inputs": {}, "display_name": name, **doc,
                    "name": name, "creation_context": created(), "error": {"message": message}}  # fmt: skip
        self._catalog.insert("jobs", name=name, root=name, status="Failed", created_at=now(), doc=document, plan={})

    def get(self, name: str) -> Row:
        """A job's document.

        Raises:
            NotFound: no such job.
        """
        row = self._catalog.row(f"SELECT {READ} FROM jobs WHERE name = ?", name)
        if row is None:
            raise NotFound(
                f"Job '{name}' was not found in workspace '{self._ws.name}'. List them: az ml job list -o table"
            )
        if row["status"] not in TERMINAL and self._bury(row["root"]):
            return self.get(name)
        return self._document(row, self._ws.tracking.running())

    def list(
        self,
        parent: str | None = None,
        max_results: int | None = 50,
        include_archived: bool = False,
        archived_only: bool = False,
    ) -> list[Row]:
        """Jobs, newest first: root jobs, or the children of `parent`, in the order in which they started."""
        live = self._catalog.rows("SELECT DISTINCT root FROM jobs WHERE status NOT IN (?, ?, ?)", *TERMINAL)
        for row in live:
            self._bury(row["root"])
        if parent:
            self.get(parent)
        order, limit = "ASC" if parent else "DESC", -1 if max_results is None else max_results
        rows = self._catalog.rows(
            f"SELECT {READ} FROM jobs WHERE parent IS ? AND archived <= ? AND archived >= ? "
            f"ORDER BY seq {order} LIMIT ?",
            parent,
            int(include_archived or archived_only),
            int(archived_only),
            limit,
        )
        address = self._ws.tracking.running()
        return [self._document(row, address) for row in rows]

    def log_path(self, name: str) -> Path:
        """File that `stream` shows: a step's log, or the events of a pipeline or sweep."""
        job = self.get(name)
        if job["type"] == "pipeline" or (job["type"] == "sweep" and not job.get("parent_job_name")):
            return self._ws.path / "jobs" / name / "stream.log"
        return self._ws.path / "jobs" / name / "artifacts" / "user_logs" / "std_log.txt"

    def stream(self, name: str, write: "Callable[[str], None]") -> str:
        """See `streaming.stream`."""
        return streaming.stream(self._ws, name, write)

    def cancel(self, name: str) -> None:
        """Ask for the end of a job; one that has ended stays as it is."""
        self.get(name)
        self._catalog.rows(
            "UPDATE jobs SET status = 'CancelRequested' WHERE name = ? AND status NOT IN (?, ?, ?)", name, *TERMINAL
        )

    def archive(self, name: str, archived: bool = True) -> None:
        """Hide a job from listings, or show it again."""
        self.get(name)
        self._catalog.update_job(name, archived=int(archived))

    def update(self, name: str, changes: dict[str, Any]) -> Row:
        """Change description, tags, display_name or properties of a job.

        Raises:
            WorkspaceError: another field, or a text that is none.
        """
        current = self.get(name)
        wrong = [k for k, v in changes.items() if k not in MUTABLE and current.get(k) != v]
        if wrong:
            raise WorkspaceError(f"{', '.join(wrong)} of a job can't be changed; only {', '.join(MUTABLE)}.")
        changes = {k: v for k, v in changes.items() if k in MUTABLE and v is not None}
        for field in TEXTS & changes.keys():
            if isinstance(changes[field], dict | list):
                hint = "az makes a structure of what looks like JSON; --force-string keeps it as text"
                raise WorkspaceError(f"{field}: {changes[field]!r} is not a text; {hint}.")
            changes[field] = str(changes[field])
        self._catalog.edit_job(name, **changes)
        return self.get(name)

    def download(self, name: str, target: Path, output: str | None = None, all_outputs: bool = False) -> Path:
        """Copy a job's artifacts, one named output, or everything below `target`, laid out as Azure does it.

        A sweep's are those of its best trial; what the sweep itself has kept goes to `hd-artifacts`.
        """
        job, artifacts = self.get(name), "artifacts"
        if job["status"] not in TERMINAL:
            raise WorkspaceError(f"Job '{name}' is {job['status']}; download it when it has ended.")
        best = job["properties"].get("best_child_run_id") if job["type"] == "sweep" else None
        if best and not output:
            self.download(best, target)
            artifacts = "hd-artifacts"
        wanted = [output] if output else list(job["outputs"]) if all_outputs else []
        for item in wanted:
            place = self._ws.resolve.job_output(name, item)
            if not place.exists():
                raise NotFound(f"outputs.{item} of job '{name}' is no longer there: {place} was removed.")
            goal = target / "named-outputs" / item
            goal.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                shutil.copytree(place, goal, dirs_exist_ok=True)
            else:
                shutil.copyfile(place, goal / place.name)
        kept = self._ws.path / "jobs" / name / "artifacts"
        if kept.exists() and not output:
            shutil.copytree(kept, target / artifacts, dirs_exist_ok=True)
        return target

    def plan(self, doc: dict[str, Any], source: Path, warn: "Callable[[str], None]" = _unheard) -> "Plan":
        """The plan of a job, everything that it refers to resolved and kept in the workspace; see `validate`."""
        name = doc.get("name")
        if name and not NAME.match(name):
            raise WorkspaceError(f"name: '{name}' is not a job name: letters, digits, '-', '_' and '.', at most 255.")
        from . import outputs  # these two here, since those who only look don't need them
        from .planner import Planner

        plan = Planner(self._ws, source).plan(doc)
        for taken in outputs.taken(self._ws, plan):
            warn(taken)
        return plan

    def settle_runs(self) -> None:
        """End the MLflow runs of jobs whose runner was lost."""
        for row in self._catalog.rows("SELECT name, doc FROM jobs WHERE process LIKE '%\"lost\"%'"):
            run_id = row["doc"]["properties"].get("mlflow.run_id")
            if run_id:
                self._ws.tracking.end_run(run_id, "FAILED")
            self._catalog.update_job(row["name"], process=None)

    def _bury(self, root: str) -> bool:
        """Mark a root job whose runner is gone as Failed, end what is left of it; False if the runner lives."""
        lock = self._ws.path / "jobs" / root / "lock"
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            return False  # being submitted at this moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            rows = self._catalog.rows(
                "SELECT name, process FROM jobs WHERE root = ? AND status NOT IN (?, ?, ?)", root, *TERMINAL
            )
            for row in rows:
                process = row["process"] or {}
                if process.get("pid"):
                    kill_group(process["pid"], process["identity"])
                kill_marked(f"{JOB}={row['name']}")
                self._catalog.edit_job(row["name"], error={"message": LOST})
                self._catalog.update_job(row["name"], status="Failed", process={"lost": True})
            return bool(rows)
        finally:
            os.close(descriptor)

    def _document(self, row: Row, address: str | None) -> Row:
        document: Row = {**row["doc"], "status": row["status"], "outputs": row["doc"].get("outputs") or {}}
        document["id"] = f"azureml:{self._ws.id}/jobs/{row['name']}"
        run_id = document["properties"].get("mlflow.run_id")
        if address:
            view = (
                f"{address}/#/experiments/{document['properties'].get('mlflow.experiment_id', '')}/runs/{run_id}"
                if run_id
                else address
            )
            document["services"] = {
                "Studio": {"endpoint": view, "type": "Studio"},
                "Tracking": {"endpoint": address, "type": "Tracking"},
            }
        return document
