"""A small model goes from dev over test to prod, as `make … REHEARSE=1` does it, with the real az and real servers.

Three workspaces and a registry in folders stand in for those of Azure. A job leaves what a training leaves: the gate's
decision and the reference data. One promotion is killed on the way, one release file is edited.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow.models
import pytest
import yaml

from scripts.releasing.release import digest_of
from scripts.specs.project import Project
from tests.place import ROOT, SPECS, good_model
from tests.releasing import write_evidence

pytestmark = pytest.mark.slow
TOOLS = ("Makefile", "scripts", "local", "requirements", ".venv", ".tools")
SETTINGS = "\nserving: {instance_count: 1}\nrollout: {max_p95_ms: 2500}\n"
# A training job as promotion looks at it.
TRAINED = """
type: pipeline
display_name: train
experiment_name: flights
outputs:
  decision: {{type: uri_folder}}
jobs:
  gate:
    type: command
    display_name: gate
    code: .
    environment: {environment}
    command: cp decision.json ${{{{outputs.decision}}}}
    outputs:
      decision: ${{{{parent.outputs.decision}}}}
  reference:
    type: command
    display_name: reference
    code: .
    environment: {environment}
    command: cp MLTable rows.csv ${{{{outputs.reference}}}}
    outputs:
      reference: {{type: mltable, name: flight-delay-reference}}
"""


@dataclass(frozen=True)
class Rehearsal:
    """A repository in git whose environments of Azure are folders.

    Args:
        root: of the repository.
        variables: of the shell.
    """

    root: Path
    variables: dict[str, str]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        line = ["make", *arguments, "REHEARSE=1"]
        return subprocess.Popen(
            line,
            cwd=self.root,
            env=self.variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def make(self, *arguments: str, refused: bool = False) -> str:
        process = self.start(*arguments)
        try:
            out, _ = process.communicate(timeout=300)
        finally:
            process.kill()
        assert (process.returncode != 0) == refused, out
        assert "Traceback" not in out
        return out

    def az(self, line: str) -> str:
        """What `az ml` prints in the shell of dev."""
        script = f'eval "$(make -s env ENV=dev REHEARSE=1)"\naz ml {line}'
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.root, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def released(self) -> Path:
        return self.root / "build/releases/test.yml"


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A repository of a commit with green tests, and a trained version 1 in dev."""
    folder = tmp_path_factory.mktemp("promotion")
    rehearsal = Rehearsal(copied(folder / "repository"), variables(folder))
    try:
        rehearsal.make("render", "ENV=dev")
        for name in ("data", "serving"):
            rehearsal.az(f"environment create --file build/dev/environments/{name}/environment.yml --output none")
        train(rehearsal, folder)
        yield rehearsal
    finally:
        rehearsal.make("down", "ENV=dev", "FORCE=1")


def copied(root: Path) -> Path:
    """This repository's specs, with its tools by links, in git."""
    for name in SPECS:
        shutil.copytree(ROOT / name, root / name)
    for name in TOOLS:
        (root / name).symlink_to(ROOT / name)
    for env in ("test", "prod"):
        config = yaml.safe_load((root / f"config/{env}.yml").read_text()) | yaml.safe_load(SETTINGS)
        (root / f"config/{env}.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    (root / ".gitignore").write_text("build/\n__pycache__/\n" + "".join(f"/{name}\n" for name in TOOLS))
    for line in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -q -m first"):
        subprocess.run(["git", "-C", str(root), *line.split()], check=True)
    write_evidence(root)
    return root


def variables(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AZURE", "MAKE", "MFLAGS", "ENV"))}
    return {
        **kept,
        "AZUREML_LOCAL_ROOT": str(folder / "root"),
        "AZUREML_LOCAL_ENVIRONMENTS": str(ROOT / ".azureml/environments"),
    }


def train(rehearsal: Rehearsal, folder: Path) -> None:
    """Version 1 of the model, with the job and the tags that a training leaves."""
    model = good_model(folder)
    uuid = mlflow.models.Model.load(str(model)).model_uuid
    code = folder / "job"
    code.mkdir()
    metrics = '{"rmse": 5.1, "r2": 0.9}'
    candidate = f'{{"model_uuid": "{uuid}", "metrics": {metrics}}}'
    (code / "decision.json").write_text(
        f'{{"promote": true, "reason": "better", "candidate": {candidate}, "champion": null}}'
    )
    (code / "MLTable").write_text(
        "paths: [{file: ./rows.csv}]\ntransformations: [{read_delimited: {delimiter: ','}}]\n"
    )
    (code / "rows.csv").write_text("arr_delay\n1\n")
    environment = Project(rehearsal.root, "dev").specs["environments/serving"].id
    (code / "train.yml").write_text(TRAINED.format(environment=environment))
    rehearsal.az(f"job create --file {code}/train.yml --name train-1 --stream --output none")
    tags = f"model_uuid={uuid} root_job=train-1 commit=c0ffee gate=better data.flights=1"
    rehearsal.az(f"model create --name flight-delay --type mlflow_model --path {model} --tags {tags} --output none")


TO_TEST = ("promote", "FROM=dev", "TO=test", "MODEL_VERSION=1")
TO_PROD = ("promote", "FROM=test", "TO=prod", "MODEL_VERSION=1", "APPROVED_BY=Ada")


def test_a_promotion_that_is_killed_leaves_nothing_to_deploy_and_is_finished_by_the_next(rehearsal):
    assert "ENV=test deploys what was promoted to it" in rehearsal.make("deploy", "ENV=test", refused=True)
    promotion = rehearsal.start(*TO_TEST)
    assert promotion.stdout is not None
    try:
        for line in promotion.stdout:
            if line.startswith("az ml data share"):
                break
    finally:
        os.killpg(promotion.pid, signal.SIGKILL)
        promotion.communicate()
    assert line.startswith("az ml data share")
    assert "is missing" in rehearsal.make("deploy", "ENV=test", refused=True)
    done = rehearsal.make(*TO_TEST)
    assert "az ml environment share" not in done, "that was done before"
    assert "flight-delay:1 is promoted to test" in done


def test_what_is_promoted_is_deployed_and_proven(rehearsal):
    assert "is promoted to test already" in rehearsal.make(*TO_TEST)
    assert "test serves nothing yet" in rehearsal.make(*TO_PROD, refused=True)
    deployed = rehearsal.make("deploy", "ENV=test")
    assert "test: assets come from registry mlr-flights" in deployed
    assert "flight-delay:1 is served by blue, with 100 % of the traffic" in deployed
    assert "predictions equal the registered model's own" in rehearsal.make("smoke", "ENV=test")


def test_an_edited_release_goes_nowhere(rehearsal):
    text = rehearsal.released.read_text()
    release = yaml.safe_load(text)
    release["metrics"]["rmse"] = 1.0
    release["digest"] = digest_of(release)
    rehearsal.released.write_text(yaml.safe_dump(release))
    for verb in (("deploy", "ENV=test"), TO_PROD):
        assert "is not the release of flight-delay:1 that the registry knows" in rehearsal.make(*verb, refused=True)
    rehearsal.released.write_text(text)


def test_production_serves_the_same_model(rehearsal):
    assert "nobody has approved" in rehearsal.make(*TO_PROD[:-1], refused=True)
    promoted = rehearsal.make(*TO_PROD)
    assert "share" not in promoted, "the registry has it all"
    assert "flight-delay:1 is served by blue, with 100 % of the traffic" in rehearsal.make("deploy", "ENV=prod")
    test, prod = (
        yaml.safe_load((rehearsal.root / f"build/releases/{env}.yml").read_text()) for env in ("test", "prod")
    )
    assert prod["approved_by"] == "Ada"
    assert [prod[key] for key in ("model", "data", "metrics")] == [test[key] for key in ("model", "data", "metrics")]
