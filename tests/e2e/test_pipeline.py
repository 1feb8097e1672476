"""From a merge to production: azure-pipelines.yml, walked with the real make, the real az and stand-ins for Azure.

Each job runs in a clean clone of the commit and gets what the jobs before it have published, as on an agent. The months
are real ones, thinned out; the sweep has two trials. Lint, tests, check and demo of the stage Validate are replaced by
the evidence that promotion asks for: `make test` runs this test, so it can't be a part of it, and what demo shows is
the loop that DEVTEST runs here. All else is run as it stands.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml

from scripts.ci.azure import MAIN, PULL_REQUEST, read_azure
from tests.place import ROOT
from tests.specs_repository import replace
from tests.walk import FAILED, SKIPPED, SUCCEEDED, Walk

pytestmark = pytest.mark.slow
SETTINGS = """
rollout: {watch_requests: 40, max_p95_ms: 2500}
monitor: {drift: 0.99, nulls: 0.99}
"""
RUN = "20261125.1"
EVERY = 8  # flight of a month lands
MAKE = """#!/bin/sh
case "$1" in
  lint|check|demo) mkdir -p build/local; echo "<testsuites/>" > build/check.xml; echo "not run in the walk" ;;
  test) mkdir -p build; cat > build/tests.xml <<END
<testsuites><testsuite tests="3" failures="0" errors="0" skipped="0"><properties>
<property name="commit" value="$(git rev-parse HEAD)"/><property name="whole" value="true"/>
<property name="collected" value="3"/></properties>
<testcase name="a"/><testcase name="b"/><testcase name="c"/></testsuite></testsuites>
END
    ;;
  *) exec {make} "$@" ;;
esac
"""


@dataclass(frozen=True)
class Team:
    """A repository of a team, with what stands in for its subscription.

    Args:
        folder: of everything.
        environ: variables of every script.
    """

    folder: Path
    environ: dict[str, str]

    def checkout(self, path: Path, branch: str = "main") -> None:
        """A clone with the tools that are built here, as an agent has them from its cache."""
        self.git("clone", "--quiet", "--branch", branch, str(self.folder / "origin"), str(path))
        for name in (".venv", ".tools"):
            (path / name).symlink_to(ROOT / name)
        (path / ".git/info/exclude").write_text(".venv\n.tools\n")
        for file in path.rglob("*"):
            if not file.is_symlink() and ".git" not in file.relative_to(path).parts:
                os.utime(file, (0, 0))  # older than the stamps, so that nothing is built anew

    def git(self, *arguments: str, cwd: Path | None = None) -> None:
        author = ["-c", "user.name=Team", "-c", "user.email=team@example.com"]
        subprocess.run(["git", *author, *arguments], cwd=cwd or self.folder, check=True, env=self.environ)

    def make(self, *arguments: str, cwd: Path) -> None:
        subprocess.run(["make", *arguments], cwd=cwd, env=self.environ, check=True)

    @property
    def landed(self) -> Path:
        """Where flights land in dev."""
        [folder] = (self.folder / "root").glob("*/*/datastores/*/landing/flights")
        return folder

    def walk(self, name: str, variables: Mapping[str, str], branch: str, environ: Mapping[str, str]) -> Walk:
        """A run of the pipeline of `branch`, in the folder `name`."""
        known = {**variables, "Build.BuildId": RUN, "Agent.OS": "Linux"}
        known |= {f"serviceConnection-{env}": f"azure-{env}" for env in ("dev", "test", "prod")}
        pipeline = read_azure(self.folder / "origin", variables, {})
        return Walk(pipeline, partial(self.checkout, branch=branch), self.folder / name, known, environ)


@pytest.fixture(scope="module")
def walk(team: Team) -> Walk:
    return team.walk("run", MAIN, "main", team.environ)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "bin").mkdir()
    (folder / "bin/make").write_text(MAKE.replace("{make}", str(shutil.which("make"))))
    (folder / "bin/make").chmod(0o755)
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AZURE", "MAKE", "BUILD_")) and name not in {"ENV", "MFLAGS", "CI"}
    }
    environ = inherited | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "REHEARSE": "1",
        "AZUREML_LOCAL_ROOT": str(folder / "root"),
        "AZUREML_LOCAL_ENVIRONMENTS": str(ROOT / ".azureml/environments"),
    }
    team = Team(folder, environ)
    commit(team)
    try:
        team.checkout(folder / "outside")
        team.make("land", "ENV=dev", "MONTH=2013-01..2013-03", cwd=folder / "outside")
        for file in team.landed.glob("2013-*/flights.csv"):
            head, *rows = file.read_text().splitlines(keepends=True)
            file.write_text("".join([head, *rows[::EVERY]]))
        yield team
    finally:
        stop = [ROOT / ".tools/extensions/ml/ml_workspace", "stop", "--cancel", folder / "root"]
        subprocess.run([sys.executable, *map(str, stop)], env=environ, check=True)


def commit(team: Team) -> None:
    """The repository as it is here, uncommitted changes included, with settings that keep the run short."""
    origin = team.folder / "origin"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, origin / name)
    for env in ("dev", "test", "prod"):
        with (origin / f"config/{env}.yml").open("a", encoding="utf-8") as file:
            file.write(SETTINGS)
    replace(origin, "pipelines/train.yml.j2", '"2013-05"', '"2013-02"')
    replace(origin, "pipelines/train.yml.j2", '"2013-06"', '"2013-03"')
    replace(origin, "pipelines/_train_jobs.yml.j2", "max_total_trials: 6", "max_total_trials: 2")
    replace(origin, "data/flights/contract/contract.yml", "minimum_rows: 20000", "minimum_rows: 3000")
    team.git("init", "--quiet", "--initial-branch", "main", cwd=origin)
    team.git("add", "--all", cwd=origin)
    team.git("commit", "--quiet", "--message", "All of it", cwd=origin)


def test_a_pull_request_shows_what_it_changes(team: Team) -> None:
    """Without an account: no step has a login, and none asks `az` for anything."""
    origin = team.folder / "origin"
    team.git("checkout", "--quiet", "-b", "smaller", cwd=origin)
    replace(origin, "config/prod.yml", "instance_count: 3", "instance_count: 2")
    team.git("commit", "--quiet", "--all", "--message", "Two instances", cwd=origin)
    team.git("checkout", "--quiet", "main", cwd=origin)

    asked = team.folder / "asked"
    (team.folder / "bin/az").write_text(f"#!/bin/sh\ntouch {asked}\nexit 1\n")
    (team.folder / "bin/az").chmod(0o755)
    walk = team.walk("pull", PULL_REQUEST, "smaller", {**team.environ, "REHEARSE": ""})
    statuses = walk.run()

    assert statuses == {"Validate.Checks": SUCCEEDED, "Validate.LocalLoop": SUCCEEDED}, walk.printed
    shown = (walk.folder / "artifacts/build/diff.md").read_text()
    assert "-instance_count: 3\n+instance_count: 2\n" in shown
    assert not asked.exists()


def test_a_training_job_that_fails_stops_the_deploy_job(team: Team, walk: Walk) -> None:
    """A landing file is cut off; register_data refuses it, so nothing is trained, deployed or promoted."""
    [first, *_] = sorted(team.landed.glob("2013-*/flights.csv"))
    whole = first.read_bytes()
    first.write_bytes(whole[:20_000].rpartition(b"\n")[0])

    statuses = walk.run()

    first.write_bytes(whole)
    assert statuses["DEVTEST.TrainingJob"] == FAILED
    assert "is the file cut off?" in walk.printed["DEVTEST.TrainingJob"]
    later = [job for job in statuses if not job.startswith("Validate") and job != "DEVTEST.TrainingJob"]
    assert {statuses[job] for job in later} == {SKIPPED}


def test_with_the_whole_file_the_same_run_goes_on_to_production(team: Team, walk: Walk) -> None:
    statuses = walk.run()
    assert set(statuses.values()) == {SUCCEEDED}, "\n".join(walk.printed.values())
    for env in ("test", "prod"):
        release = yaml.safe_load((walk.folder / f"artifacts/release-{env}/{env}.yml").read_text())
        assert release["model"]["version"] == "1"
        assert release["approved_by"] == f"environment flights-{env} of run {RUN}"
        printed = walk.printed[f"{env.upper()}.ReleaseJob"]
        assert "flight-delay:1 is served by blue, with 100 % of the traffic" in printed
        assert "az ml job create" not in printed, "a model is promoted, not trained anew"
