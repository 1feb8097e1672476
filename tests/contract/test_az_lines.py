"""What CI tells Azure: every `az` line of every make target, for dev, test and prod, checked before Azure sees one.

tests/golden/az has the lines; after a change that is meant: python -m tests.golden.update, then review the diff.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.specs.config import load_config
from scripts.specs.project import Project
from tests.azure import Azure
from tests.azure_services import flags_of, references
from tests.release import STEPS, recorded
from tests.specs_repository import GOLDEN
from tests.verbs import ROOT, VARIABLES, Verbs

REFERENCE: dict[str, dict[str, list[str]]] = json.loads(
    (ROOT / "local/tests/contract/az_ml_reference.json").read_text(encoding="utf-8")
)
EVERYWHERE = {"--output", "--query", "--only-show-errors", "--subscription"}  # flags of all commands
# Targets without an `az` line for Azure, and those whose lines have tests of their own.
WITHOUT = (
    "alert bench branch-policy check check-infra demo diff doctor down env event graph help infra infra-plan land lint "
    "render scheduler setup test test-fast up watch"
)
pytestmark = pytest.mark.slow  # make is driven
ID = re.compile(
    r"azureml:[\w.-]+(:[\w.-]+|@latest)?"
    r"|azureml://(registries|datastores)/.+"
)


@dataclass(frozen=True)
class Recorded:
    verbs: Verbs
    texts: dict[str, str]  # as in the golden files

    @property
    def azure(self) -> Azure:
        return self.verbs.azure


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """All targets, once, from training in dev to the second release in prod."""
    with pytest.MonkeyPatch.context() as patch:
        verbs = Verbs(tmp_path_factory.mktemp("verbs"), patch)
        yield Recorded(verbs, recorded(verbs))


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_the_lines_are_those_that_were_reviewed(done, env):
    golden = (GOLDEN / "az" / f"{env}.txt").read_text(encoding="utf-8")
    assert done.texts[env] == golden, "if this is meant: python -m tests.golden.update, and review the diff"


def test_nothing_is_refused_but_what_has_to_be(done):
    refused = [line for text in done.texts.values() for line in text.splitlines() if line.startswith("refused")]
    assert [line.split(" (")[0] for line in refused] == [
        "refused: model flight-delay has neither versions nor training runs; registered models: none",
        "refused: ENV=test never trains",
        "refused: ENV=prod never trains",
    ], "the stand-in has no MLflow, so `make compare` finds nothing; all else finds what it needs"


def test_azure_knows_every_command_and_every_flag(done):
    for line in done.azure.lines:
        command = " ".join(line[: first_flag(line)])
        assert command in REFERENCE, line
        known = {flag.split()[0]: flag for kind in ("required", "optional") for flag in REFERENCE[command][kind]}
        flags = set(flags_of(line))
        assert flags <= known.keys() | EVERYWHERE, f"{command} has no {flags - known.keys() - EVERYWHERE}"
        required = {flag.split()[0] for flag in REFERENCE[command]["required"]}
        assert required <= flags, f"{command} wants {required - flags}"
        assert "" not in line, f"a value is empty: {line}"


def first_flag(line: list[str]) -> int:
    return next(at for at, word in enumerate(line) if word.startswith("--"))


def test_every_line_names_its_workspace_or_registry(done):
    """Nothing relies on `az configure`: a task of Azure Pipelines forgets it when it ends."""
    configs = {env: load_config(done.verbs.root, env) for env in ("dev", "test", "prod")}
    for env, line in done.verbs.asked:
        flags, config = flags_of(line), configs[env]
        assert flags.get("--registry-name", config["registry"]) == config["registry"], line
        if "--subscription" in flags:  # of the environment in front, which `make promote` takes from
            config = configs[config["promote"]["from"]]
            assert flags["--subscription"] == config["subscription"], line
        if "--registry-name" not in flags or "--workspace-name" in flags:
            workspace = flags.get("--workspace-name") or flags["--name"]
            assert (flags["--resource-group"], workspace) == (config["resource_group"], config["workspace"]), line
    for env, one in done.verbs.called:
        expected = (configs[env]["subscription"], configs[env]["resource_group"], configs[env]["workspace"])
        assert tuple(one.variables[name] for name in VARIABLES[:3]) == expected, one


def test_every_file_is_a_rendered_spec_of_the_kind_that_the_command_takes(done):
    envs = {env: Project(done.verbs.root, env).specs.values() for env in ("dev", "test", "prod")}
    kinds = {f"build/{env}/{spec.path}": spec.kind.group for env, specs in envs.items() for spec in specs}
    assert done.azure.files
    for group, file, _ in done.azure.files:
        assert kinds[file] == group, f"az ml {group} takes no {file}"


def test_production_and_test_get_exact_versions_from_the_registry(done):
    """No id in a spec that is submitted there names a workspace's asset, or whatever is the newest."""
    envs = {file.split("/")[1] for _, file, _ in done.azure.files}
    assert envs == {"dev", "test", "prod"}
    for _, file, document in done.azure.files:
        of_endpoint = {one for endpoint, name in done.azure.deployments for one in [f"azureml:{endpoint}:{name}"]}
        for reference in set(references(document)) - of_endpoint:
            if not file.startswith("build/dev/"):
                assert reference.startswith(("azureml://registries/mlr-flights/", "azureml://datastores/")), file
                assert "@latest" not in reference, file


def test_ids_in_submitted_specs_are_ids_of_azure(done):
    for _, file, document in done.azure.files:
        for reference in references(document):
            assert ID.fullmatch(reference), f"{file}: {reference}"


def test_what_streams_is_not_captured_and_nothing_is_configured(done):
    """With --stream, the text of the job comes before what --query asks for."""
    for line in done.azure.lines:
        assert not {"--stream", "-s", "configure"} & set(line)
    texts = [ROOT / "Makefile", *(ROOT / "scripts").rglob("*.py"), *ROOT.glob("*.yml"), *(ROOT / "ci").glob("*.yml")]
    for path in texts:
        assert not re.search(r"az configure|az ml [^\n]*--stream", path.read_text(encoding="utf-8")), path


def test_every_target_of_the_makefile_is_among_them():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):.*?## ", makefile, re.MULTILINE))
    covered = {target.split()[0] for _, targets in STEPS for target in targets}
    new = targets - covered - set(WITHOUT.split())
    assert not new, f"{new}: a new verb belongs into STEPS of tests/release.py, or into WITHOUT here"


@pytest.mark.parametrize(("job", "status"), [("job", "Canceled"), ("job", "Failed"), ("", "Completed")])
def test_a_job_that_did_not_complete_fails_the_build(tmp_path, monkeypatch, job, status):
    """`az ml job stream` ends with 0 for a canceled job, and `az` may print no name and end with 0."""
    verbs = Verbs(tmp_path, monkeypatch, job=job, status=status)
    code, called, _ = verbs.recipe("dev", "train")
    assert code != 0
    assert any("stream" in one.arguments for one in called) == bool(job)
    verbs.job, verbs.status = "job", "Completed"
    assert verbs.recipe("dev", "train")[0] == 0


def test_the_stand_in_refuses_what_refers_to_nothing(tmp_path, monkeypatch):
    """So that the order of lines is tested at all."""
    monkeypatch.chdir(tmp_path)
    Path("component.yml").write_text("{name: prep, version: '1', environment: 'azureml:data:1'}")
    Path("environment.yml").write_text("{name: data, version: '1'}")
    azure = Azure("flight-delay", "w")
    create = ["az", "ml", "component", "create", "--file", "component.yml", "--workspace-name", "w"]
    assert azure.run(create).stderr == "ERROR: w has no azureml:data:1 yet"
    assert (
        azure.run(
            ["az", "ml", "environment", "create", "--file", "environment.yml", "--workspace-name", "w"]
        ).returncode
        == 0
    )
    assert azure.run(create).returncode == 0
