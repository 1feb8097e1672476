"""What an executor (command, sweep, parallel, pipeline) is given to run one job, and what it gives back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import WorkspaceError

if TYPE_CHECKING:
    from .workspace import Workspace


class StepFailed(WorkspaceError):
    """The step ran and failed; the message is the job's error."""


class StepCanceled(WorkspaceError):
    """The step was ended because somebody asked for it."""


@dataclass
class ChildResult:
    """A finished child job, as a sweep sees its trials."""

    job: str
    status: str
    outputs: dict[str, Path]
    run_id: str
    error: str | None = None


@dataclass
class StepResult:
    """What a finished step adds to its job: other places of its outputs, properties for the job's document."""

    outputs: dict[str, Path] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


class RunChild(Protocol):
    """Runs a child job to its end, blocking.

    Args:
        node: like `StepContext.node`.
        inputs: like `StepContext.inputs`.
        display_name: the child's name in listings, for a trial `<sweep>_<n>`.
        cancel: ends the child when it is set, on top of the parent's own cancellation.
        started: called with the child's MLflow run id as soon as there is one.
    """

    def __call__(
        self,
        node: dict[str, Any],
        inputs: dict[str, str],
        display_name: str,
        cancel: threading.Event,
        started: Callable[[str], None],
    ) -> ChildResult: ...


class Spawn(Protocol):
    """Runs a process in its own group to its end, gives its exit code, raises StepCanceled or, on time-out, StepFailed.

    Args:
        command: text for bash, or an argv.
        cwd: its working folder.
        env: variables on top of `StepContext.environment`.
        timeout: seconds, None for no limit.
        stdin: text given to the process; None for an empty standard input.
    """

    def __call__(
        self,
        command: str | list[str],
        cwd: Path,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
        stdin: str | None = None,
    ) -> int: ...


@dataclass
class StepContext:
    """One job about to run: everything is resolved to local paths and plain text."""

    ws: "Workspace"
    job: str
    display_name: str
    node: dict[str, Any]
    """The component with the node's own fields over it, in CLI v2 shape; `inputs` and `outputs` are declarations."""
    inputs: dict[str, str]
    """Literals as text, data as a local path; an optional input without a value is absent."""
    outputs: dict[str, Path]
    """Where each output is to be written: a folder that exists, or for uri_file a file path whose folder exists."""
    code: Path | None
    """The read-only snapshot of the code."""
    python: Path | None
    """The interpreter of the job's environment; None where nothing of the job runs by itself (pipeline)."""
    environment: dict[str, str]
    """The environment variables of the job's processes, whole."""
    run_id: str
    """The job's MLflow run."""
    log: Callable[[str], None]
    """Appends text to the job's user_logs/std_log.txt and to the stream of the root job."""
    cancel: threading.Event
    cores: threading.Semaphore
    """One permit a core of this machine, shared by all steps of the root job."""
    spawn: Spawn
    work: Callable[[], Path]
    """Makes the writable copy of the code in which the job's process runs, and returns it."""
    run_child: RunChild
