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
from tests.azure import Azure, flags_of, references
from tests.specs_repository import GOLDEN
from tests.verbs import ROOT, TARGETS, Verbs, as_golden, recorded

REFERENCE: dict[str, dict[str, list[str]]] = json.loads(
    (ROOT / "local/tests/contract/az_ml_reference.json").read_text(encoding="utf-8")
)
EVERYWHERE = {"--output", "--query", "--only-show-errors", "--subscription"}  # flags of all commands
# Targets without an `az` line for Azure, and those whose lines have tests of their own (tests/unit/test_doctor*).
WITHOUT = (
    "alert bench branch-policy check clean demo doctor down env graph help land lint render scheduler setup test "
    "test-fast up"
)
ID = re.compile(
    r"azureml:[\w.-]+(:[\w.-]+|@latest)?"
    r"|azureml://(registries|datastores)/.+"
)


@dataclass(frozen=True)
class Recorded:
    verbs: Verbs
    lines: dict[str, list[str]]

    @property
    def azure(self) -> Azure:
        return self.verbs.azure


@pytest.fixture(scope="module", params=["dev", "test", "prod"])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """All targets, once in each environment."""
    with pytest.MonkeyPatch.context() as patch:
        verbs = Verbs(tmp_path_factory.mktemp("verbs"), request.param, patch)
        yield Recorded(verbs, recorded(verbs))


def test_the_lines_are_those_that_were_reviewed(done):
    golden = (GOLDEN / "az" / f"{done.verbs.env}.txt").read_text(encoding="utf-8")
    assert as_golden(done.lines) == golden, "if this is meant: python -m tests.golden.update, and review the diff"


def test_azure_knows_every_command_and_every_flag(done):
    for line in done.azure.lines:
        command = " ".join(word for word in line[: first_flag(line)])
        assert command in REFERENCE, line
        known = {flag.split()[0]: flag for kind in ("required", "optional") for flag in REFERENCE[command][kind]}
        flags = set(flags_of(line))
        assert flags <= known.keys() | EVERYWHERE, f"{command} has no {flags - known.keys() - EVERYWHERE}"
        required = {flag.split()[0] for flag in REFERENCE[command]["required"]}
        assert required <= flags, f"{command} wants {required - flags}"


def first_flag(line: list[str]) -> int:
    return next(at for at, word in enumerate(line) if word.startswith("--"))


def test_every_line_names_its_workspace_or_registry(done):
    """Nothing relies on `az configure`: a task of Azure Pipelines forgets it when it ends."""
    config = load_config(done.verbs.root, done.verbs.env)
    for line in done.azure.lines:
        flags = flags_of(line)
        if "--registry-name" in flags:
            assert flags["--registry-name"] == config["registry"], line
        else:
            workspace = flags.get("--workspace-name") or flags["--name"]
            assert (flags["--resource-group"], workspace) == (config["resource_group"], config["workspace"]), line
    for one in done.verbs.called:
        expected = (config["subscription"], config["resource_group"], config["workspace"])
        assert tuple(one.variables.values()) == expected, one


def test_every_file_is_a_rendered_spec_of_the_kind_that_the_command_takes(done):
    kinds = {spec.path: spec.kind.group for spec in Project(done.verbs.root, done.verbs.env).specs.values()}
    assert done.azure.files
    for group, file, _ in done.azure.files:
        build = f"build/{done.verbs.env}/"
        assert file.startswith(build), file
        assert kinds[file.removeprefix(build)] == group, f"az ml {group} takes no {file}"


def test_ids_in_submitted_specs_are_ids_of_azure(done):
    config = load_config(done.verbs.root, done.verbs.env)
    for _, file, document in done.azure.files:
        for reference in references(document):
            assert ID.fullmatch(reference), f"{file}: {reference}"
            if not config["training"]:
                assert reference != f"azureml:{config['model']}@latest", f"{file} deploys whatever is the newest"


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
    covered = {target.split()[0] for target in TARGETS}
    assert targets == covered | set(WITHOUT.split()), (
        "a new verb belongs into TARGETS of tests/verbs.py, or into WITHOUT here"
    )


@pytest.mark.parametrize(("job", "status"), [("job", "Canceled"), ("job", "Failed"), ("", "Completed")])
def test_a_job_that_did_not_complete_fails_the_build(tmp_path, monkeypatch, job, status):
    """`az ml job stream` ends with 0 for a canceled job, and `az` may print no name and end with 0."""
    verbs = Verbs(tmp_path, "dev", monkeypatch, job=job, status=status)
    code, called, _ = verbs.recipe("train")
    assert code != 0
    assert any("stream" in one.arguments for one in called) == bool(job)
    assert Verbs(tmp_path / "good", "dev", monkeypatch).recipe("train")[0] == 0


def test_the_stand_in_refuses_what_refers_to_nothing(tmp_path, monkeypatch):
    """So that the order of lines is tested at all."""
    monkeypatch.chdir(tmp_path)
    Path("component.yml").write_text("{name: prep, version: '1', environment: 'azureml:data:1'}")
    Path("environment.yml").write_text("{name: data, version: '1'}")
    azure = Azure("flight-delay")
    create = ["az", "ml", "component", "create", "--file", "component.yml"]
    assert azure.run(create).stderr == "ERROR: azureml:data:1 is not there yet"
    assert azure.run(["az", "ml", "environment", "create", "--file", "environment.yml"]).returncode == 0
    assert azure.run(create).returncode == 0
