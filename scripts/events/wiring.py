"""What `make watch` and `make event` have in common."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.alerting.channels import channels
from scripts.az import AzError, is_local
from scripts.events.endpoint import Endpoint
from scripts.events.filters import Filter
from scripts.events.intake import Intake
from scripts.events.journal import journal
from scripts.events.landing import Landing
from scripts.events.registrar import Registrar
from scripts.events.retry import Retries
from scripts.events.tell import refused_files, tell
from scripts.land import LandError, landing_folder
from scripts.looking.workspace import Workspace
from scripts.specs.project import Project

KEPT = Path("build") / "events"  # not in build/<env>/, where only what was rendered stays
COMPLETED = "Completed"


@dataclass
class Parts:
    """Wired together for an environment.

    Args:
        failed: jobs that registered nothing; filled as they end.
        untold: those of which somebody could not be told.
    """

    landing: Landing
    intake: Intake
    registrar: Registrar
    retries: Retries
    failed: list[str]
    untold: list[str]


@contextmanager
def parts(root: Path, env: str) -> Iterator[Parts]:
    """All parts, with the journal of `env` open and the endpoint deployed.

    Raises:
        LandError: `env` is in Azure, or has no local workspace.
        JournalError: another process uses the journal.
        GaveUp: the workspace can't be reached.
        SpecError: a spec or a setting can't be used.
    """
    project = Project(root, env)
    config, settings = project.config, project.config["events"]
    if not is_local():
        raise LandError(f"Event Grid does this for {env}, which is in Azure: `make infra ENV={env}`; docs/infra.md")
    folder = landing_folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    ways, workspace = channels(config, os.environ), Workspace(config)
    retries = Retries(settings["retries"], settings["pause_seconds"])
    failed: list[str] = []
    untold: list[str] = []

    def ended(job: str, status: str) -> None:
        if status != COMPLETED:
            failed.append(job)
            if not tell(workspace, ways, retries, job, status, lambda: refused_files(workspace, job, root, folder)):
                untold.append(job)

    with journal(KEPT / env / "journal.jsonl") as opened:
        endpoint = Endpoint(project)
        container = retries.run(lambda: endpoint.container(config["datastore"]), AzError)
        retries.run(endpoint.deploy, AzError)
        landing = Landing(folder, settings["settle_seconds"])
        intake = Intake(opened, landing, Filter(container, config["landing"], settings["suffixes"]), retries)
        registrar = Registrar(opened, endpoint, retries, intake.there, ended, KEPT / env)
        try:
            yield Parts(landing, intake, registrar, retries, failed, untold)
        finally:
            registrar.close()
