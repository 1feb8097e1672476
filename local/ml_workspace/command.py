"""The executor of command jobs: one command line in a copy of the code."""

from .jobs_text import render
from .steps import StepContext, StepFailed, StepResult


def run(context: StepContext) -> StepResult:
    """Run the job's command with bash to its end.

    Raises:
        StepFailed: it ended with another exit code than 0, or took longer than limits.timeout.
        StepCanceled: somebody asked for it.
    """
    command = render(context.node["command"], context.inputs, context.outputs)
    timeout = (context.node.get("limits") or {}).get("timeout")
    code = context.spawn(command, context.work(), timeout=float(timeout) if timeout else None)
    if code != 0:
        reason = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise StepFailed(f"the command {reason}")
    return StepResult()
