"""Which job a make target has submitted last from this checkout; the Makefile leaves its name in build/jobs/."""

from pathlib import Path


class NoJob(Exception):
    """A pipeline was not run yet."""


def last_job(env: str, pipeline: str) -> str:
    """Name of the job that the make target of `pipeline` submitted last.

    Raises:
        NoJob: there is none.
    """
    path = Path("build") / "jobs" / f"{env}-{pipeline}"
    name = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if not name:
        target = f"make {pipeline.replace('_', '-')}" + (f" ENV={env}" if env != "local" else "")
        raise NoJob(f"{path} names no job: {pipeline} was not submitted from here yet; run `{target}`")
    return name
