"""A pipeline whose steps do next to nothing, so that what it costs is what the workspace adds."""

import json
from pathlib import Path
from typing import Any

STEPS = 10
SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json"
FIRST = "echo {name} > {out}/text"
NEXT = "cat {previous}/text > {out}/text && echo {name} >> {out}/text"
ENVIRONMENT = {
    "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
    "conda_file": {"name": "bench", "dependencies": ["python=3.11"]},
}  # Python and nothing else


def names() -> list[str]:
    return [f"step_{number:02d}" for number in range(1, STEPS + 1)]


def command(number: int, previous: str, out: str) -> str:
    """The shell command of a step.

    Args:
        number: 0-based position.
        previous: folder that the step before has written; unused by the first.
        out: folder that this one writes.
    """
    return (NEXT if number else FIRST).format(name=names()[number], previous=previous, out=out)


def pipeline(environment: dict[str, Any]) -> dict[str, Any]:
    """A pipeline job of STEPS steps, each taking the output of the one before; none is reused.

    Args:
        environment: of each step, inline.
    """
    jobs: dict[str, Any] = {}
    for number, name in enumerate(names()):
        step: dict[str, Any] = {
            "type": "command",
            "command": command(number, "${{inputs.previous}}", "${{outputs.out}}"),
            "environment": environment,
            "outputs": {"out": {"type": "uri_folder"}},
        }
        if number:
            path = f"${{{{parent.jobs.{names()[number - 1]}.outputs.out}}}}"
            step["inputs"] = {"previous": {"type": "uri_folder", "path": path}}
        jobs[name] = step
    return {
        "$schema": SCHEMA,
        "type": "pipeline",
        "display_name": "bench",
        "experiment_name": "bench",
        "settings": {"default_compute": "azureml:cpu-cluster", "force_rerun": True},
        "jobs": jobs,
    }


def write_pipeline(folder: Path) -> Path:
    """Write the pipeline as a spec. JSON is YAML, too."""
    path = folder / "bench.yml"
    path.write_text(json.dumps(pipeline(ENVIRONMENT), indent=1), encoding="utf-8")
    return path


def write_script(folder: Path) -> Path:
    """Write the same commands as a shell script, which makes their folders below its first argument."""
    out = [f"$1/{name}" for name in names()]
    lines = [f"mkdir -p {out[number]}\n{command(number, out[number - 1], out[number])}" for number in range(len(out))]
    path = folder / "bench.sh"
    path.write_text("\n".join(["set -e", *lines, ""]), encoding="utf-8")
    return path
