"""A run of azure-pipelines.yml on this machine: what Azure Pipelines itself does, played; scripts are really run.

Jobs run one after the other, each in a checkout of its own; what one publishes the next can download. A task that the
walk doesn't know is an error: nothing is passed over in silence but what only prepares an agent.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scripts.ci.expressions import evaluate, parse, truth
from scripts.ci.model import Condition, Job, Pipeline, Step

SUCCEEDED, FAILED, SKIPPED = "Succeeded", "Failed", "Skipped"
OF_AN_AGENT = {"UsePythonVersion@0", "Cache@2"}  # an agent's tools and the packages of earlier runs
MACRO = re.compile(r"\$\(([\w.-]+)\)")
RUNTIME = re.compile(r"\$\[\s*(.*?)\s*\]")
OUTPUT = re.compile(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", re.MULTILINE)


class Unknown(Exception):
    """The pipeline says something that the walk can't follow: it stops, rather than pass over it."""


@dataclass
class Walk:
    """A run.

    Args:
        pipeline: what is run.
        checkout: makes a clean checkout of the commit in a folder that isn't there yet.
        folder: for checkouts and artifacts.
        predefined: variables of Azure Pipelines and of variable groups, such as Build.Reason.
        environ: variables of every script.
        wait: what the server's task for a training job does; given its name.
        cancelled_in: text of the script or task during which a person cancels the run; "" if nobody does.
    """

    pipeline: Pipeline
    checkout: Callable[[Path], None]
    folder: Path
    predefined: Mapping[str, str]
    environ: Mapping[str, str]
    wait: Callable[[str], None] = lambda job: None
    cancelled_in: str = ""
    cancelled: bool = False
    statuses: dict[str, str] = field(default_factory=dict)
    stages: dict[str, bool] = field(default_factory=dict)  # whether a stage was started
    printed: dict[str, str] = field(default_factory=dict)
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)  # (job, "step.variable") -> value

    def run(self) -> dict[str, str]:
        """Runs all jobs that have not succeeded yet, as `Rerun failed jobs` does, and returns job -> status."""
        self.statuses = {job: status for job, status in self.statuses.items() if status == SUCCEEDED}
        self.stages = {}
        waiting = [job for job in self.pipeline.jobs if job.id not in self.statuses]
        while waiting:
            job = next(job for job in waiting if job.needs <= self.statuses.keys())
            waiting.remove(job)
            self.statuses[job.id] = self._run(job) if self._starts(job) else SKIPPED
        return self.statuses

    def _starts(self, job: Job) -> bool:
        stage = job.id.split(".")[0]
        of_job = {need for need in job.needs if need.startswith(f"{stage}.")}
        of_stage, own = job.conditions
        if stage not in self.stages:  # asked once, when all stages before it have ended
            self.stages[stage] = self._holds(of_stage, self._ended(job.needs - of_job).values(), stage, job)
        return self.stages[stage] and self._holds(own, [self.statuses[need] for need in of_job], stage, job)

    def _ended(self, jobs: Iterable[str]) -> dict[str, str]:
        """Status of each stage: it fails with one of its jobs, and is skipped if all of them are."""
        found: dict[str, set[str]] = {}
        for job in jobs:
            found.setdefault(job.split(".")[0], set()).add(self.statuses[job])
        return {
            stage: FAILED if FAILED in statuses else SUCCEEDED if SUCCEEDED in statuses else SKIPPED
            for stage, statuses in found.items()
        }

    def _holds(self, condition: Condition, before: Iterable[str], stage: str, job: Job) -> bool:
        statuses = list(before)

        def status(name: str) -> bool:
            return {
                "succeeded": all(status == SUCCEEDED for status in statuses) and not self.cancelled,
                "failed": FAILED in statuses and not self.cancelled,
                "succeededOrFailed": SKIPPED not in statuses and not self.cancelled,
                "always": True,
                "canceled": self.cancelled,
            }[name]

        text = condition.text or "succeeded()"
        return truth(evaluate(parse(text), lambda parts: self._value(parts, stage, job), status))

    def _value(self, parts: tuple[str, ...], stage: str, job: Job) -> str:
        """What an expression finds; an output that nothing has set, or whose job is not waited for, is empty."""
        match parts:
            case ("variables", *name):
                return self.predefined.get(".".join(name), "")
            case ("stageDependencies", of_stage, of_job, "outputs", name):
                giver = f"{of_stage}.{of_job}"
            case ("dependencies", owner, "outputs", name) if name.count(".") == 2:  # in a stage's condition
                of_job, _, name = name.partition(".")
                giver = f"{owner}.{of_job}"
            case ("dependencies", of_job, "outputs", name):
                giver = f"{stage}.{of_job}"
            case _:
                raise Unknown(f"the walk doesn't know {'.'.join(parts)}")
        return self.outputs.get((giver, name), "") if giver in job.needs else ""

    def _run(self, job: Job) -> str:
        variables = {**self.predefined}
        stage = job.id.split(".")[0]
        for name, written in job.variables.items():
            asked = RUNTIME.fullmatch(str(written))
            text = self._value(_path(asked[1]), stage, job) if asked else self._filled(str(written), variables)
            variables[name] = text
        sources = self.folder / job.id.lower()
        shutil.rmtree(sources, ignore_errors=True)
        self.checkout(sources)
        variables["Build.SourcesDirectory"] = str(sources)
        status = SUCCEEDED
        for step in job.steps:
            if self._holds(step.condition, [status], stage, job):
                done = self._step(job, step, sources, variables)
                if self.cancelled_in and self.cancelled_in in step.script + step.task:
                    self.cancelled, done = True, False
                status = status if done or step.written.get("continueOnError") else FAILED
        return status

    def _filled(self, text: str, variables: Mapping[str, str]) -> str:
        """`text` with its macros replaced; one that nothing defines stays, as in Azure Pipelines."""
        return MACRO.sub(lambda match: variables.get(match[1], match.group()), text)

    def _step(self, job: Job, step: Step, sources: Path, variables: Mapping[str, str]) -> bool:
        """Whether the step succeeded."""
        if step.script:
            return self._script(job, step, sources, variables)
        inputs = {
            name: self._filled(str(value), variables) for name, value in (step.written.get("inputs") or {}).items()
        }
        match step.task:
            case "DownloadPipelineArtifact@2":
                artifact = self.folder / "artifacts" / inputs["artifact"]
                if artifact.is_dir():
                    shutil.copytree(artifact, inputs["path"], dirs_exist_ok=True)
                return artifact.is_dir()
            case "PublishPipelineArtifact@1":
                artifact = self.folder / "artifacts" / inputs["artifact"]
                if Path(inputs["targetPath"]).is_dir() and not artifact.exists():
                    shutil.copytree(inputs["targetPath"], artifact)
                    return True
                return False
            case "PublishTestResults@2":
                files = [path.relative_to(sources).as_posix() for path in sources.glob("build/*")]
                return any(fnmatch(file, inputs["testResultsFiles"]) for file in files)
            case "AzureMLJobWaitTask@1":
                self.wait(inputs["azureMLJobName"])
                return True
        if step.task in OF_AN_AGENT or {"checkout", "download"} & step.written.keys():
            return True
        raise Unknown(f"the walk doesn't know the step {dict(step.written)}")

    def _script(self, job: Job, step: Step, sources: Path, variables: Mapping[str, str]) -> bool:
        exported = {re.sub(r"\W", "_", name).upper(): text for name, text in variables.items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", self._filled(step.script, variables)],
            cwd=sources,
            env={**self.environ, **exported},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        self.printed[job.id] = self.printed.get(job.id, "") + done.stdout
        for name, text in OUTPUT.findall(done.stdout):
            self.outputs[job.id, f"{step.name}.{name}"] = text
        return done.returncode == 0


def _path(expression: str) -> tuple[str, ...]:
    parts: Any = parse(expression).parts
    return tuple(parts)
