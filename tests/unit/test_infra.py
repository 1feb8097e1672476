"""`make infra`, `make infra-plan` and what `make check` finds in infra/: each finding with a twin that has none."""

import os
from pathlib import Path

import pytest
import yaml

from scripts import infra
from scripts.specs.lint.codes import CODES
from scripts.specs.lint.infrastructure import infrastructure_findings
from scripts.specs.project import Project
from tests.infrastructure import ROOT, copied
from tests.specs_repository import line_of, replace

COLLECTED = (
    "{name: collected, container: workspaceblobstore, prefix: modelDataCollector/, cool: 60, archive: 0, delete: 0}"
)


def found(root: Path, env: str = "dev") -> list[str]:
    return [str(finding) for finding in infrastructure_findings(Project(root, env))]


def rule(
    prefix: str, *, container: str = "workspaceblobstore", cool: int = 30, archive: int = 0, delete: int = 0
) -> str:
    place = f"container: {container}, prefix: {prefix or chr(34) * 2}"
    return f"{{name: collected, {place}, cool: {cool}, archive: {archive}, delete: {delete}}}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copied(tmp_path)


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_the_infrastructure_of_each_environment_is_right(env: str) -> None:
    assert found(ROOT, env) == []
    assert "infra/main.parameters.json" in Project(ROOT, env).files


def test_the_local_workspace_has_none() -> None:
    assert Project(ROOT, "local").infrastructure == {}


def test_a_syntax_error_is_found_at_its_line(root: Path) -> None:
    replace(
        root, "infra/modules/keyvault.bicep", "    enablePurgeProtection: true\n", "    enablePurgeProtection true\n"
    )
    line = line_of(root, "infra/modules/keyvault.bicep", "enablePurgeProtection true")
    [finding] = found(root)
    assert finding.startswith(f"infra/modules/keyvault.bicep:{line}: AML701 ")


def test_a_file_that_ends_too_early_is_found_at_its_end(root: Path) -> None:
    path = root / "infra/modules/registry.bicep"
    path.write_text(path.read_text(encoding="utf-8").rstrip().removesuffix("}"), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").rstrip().count("\n") + 1
    [finding] = found(root)
    assert finding.startswith(f"infra/modules/registry.bicep:{lines}: AML701 ")


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        ("infra/main.parameters.json.j2", '"logDays"', '"logDay"', "has no parameter logDay"),
        ("infra/main.bicep", "param logDays int", "param logDays string", "logDays: 30 is no string"),
        ("config/common.yml", "log_days: 30", "log_days: 7", "logDays: 7 is less than 30"),
        ("config/common.yml", "soft_delete_days: 14", "soft_delete_days: 400", "softDeleteDays: 400 is more than 365"),
        ("config/common.yml", "max_nodes: 4", "max_nodes: true", "maxNodes: True is no int"),
        ("config/common.yml", "storage_sku: Standard_LRS", "storage_sku: Premium_LRS", "'Premium_LRS' is not allowed"),
        ("config/common.yml", COLLECTED, rule("x/", cool=90, archive=30), "cool comes before archive"),
        ("config/common.yml", COLLECTED, rule("x/", cool=0), "one of them is more"),
        ("config/common.yml", COLLECTED, rule("x/", cool=-1), "days, 0 for never"),
        ("config/common.yml", "name: collected,", "name: col-lected,", "letters and digits only"),
        ("config/common.yml", "prefix: modelDataCollector/, ", "", "must have the keys"),
    ],
)
def test_parameters_that_azure_would_refuse_are_found(root: Path, path: str, old: str, new: str, says: str) -> None:
    replace(root, path, old, new)
    assert any("AML702" in finding and says in finding for finding in found(root)), found(root)


def test_a_parameter_without_a_value_is_found_where_it_is_declared(root: Path) -> None:
    replace(root, "infra/main.parameters.json.j2", '    "landing": {"value": << landing | tojson >>},\n', "")
    line = line_of(root, "infra/main.bicep", "param landing string")
    assert found(root) == [
        f"infra/main.bicep:{line}: AML702 parameter landing of infra/main.bicep has no value; "
        "add it to infra/main.parameters.json.j2"
    ]


def test_parameters_that_are_no_json_are_found_at_their_line(root: Path) -> None:
    replace(
        root,
        "infra/main.parameters.json.j2",
        '"landing": {"value": << landing | tojson >>},',
        '"landing": << landing >>,',
    )
    line = line_of(root, "infra/main.parameters.json.j2", '"landing":')
    with pytest.raises(Exception, match=f"^infra/main.parameters.json.j2:{line}: renders to invalid JSON"):
        Project(root, "dev")


@pytest.mark.parametrize(
    ("wrong", "needs"),
    [
        (rule("landing/flights/", archive=90), "workspaceblobstore/landing/"),
        (rule("landing/flights/2013", delete=90), "workspaceblobstore/landing/"),
        (rule("Landing", archive=90), "workspaceblobstore/landing/"),
        (rule("", archive=90), "workspaceblobstore/azureml/"),
        (rule("azureml/flights/", archive=90), "workspaceblobstore/azureml/"),
        (rule("LocalUpload/", delete=90), "workspaceblobstore/LocalUpload/"),
        (rule("modelDataCollector/", archive=90), "workspaceblobstore/modelDataCollector/"),
        (rule("quarantine/", archive=90), "workspaceblobstore/quarantine/flights/"),
        (rule("ExperimentRun/", container="azureml", delete=90), "azureml/"),
    ],
)
def test_nothing_that_is_needed_is_archived_or_deleted(root: Path, wrong: str, needs: str) -> None:
    replace(root, "config/common.yml", COLLECTED, wrong)
    line = line_of(root, "config/common.yml", "- {name: collected")
    [finding] = found(root)
    assert finding.startswith(f"config/common.yml:{line}: AML703 ")
    assert f" {needs};" in finding


@pytest.mark.parametrize(
    "right", [rule("landing/flights/"), rule("exports/", archive=90), rule("", container="exports", archive=90)]
)
def test_what_is_needed_may_get_cool_and_the_rest_cold(root: Path, right: str) -> None:
    replace(root, "config/common.yml", COLLECTED, right)
    assert found(root) == []


def test_a_path_that_a_spec_reads_tomorrow_is_needed_too(root: Path) -> None:
    replace(root, "config/common.yml", COLLECTED, rule("exports/", archive=90))
    replace(
        root,
        "pipelines/train.yml.j2",
        "path: azureml:flights@latest",
        "path: azureml://datastores/workspaceblobstore/paths/exports/2013/",
    )
    [finding] = found(root)
    assert "AML703 rule collected would archive workspaceblobstore/exports/2013/" in finding


@pytest.mark.parametrize("sku", ["Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS"])
def test_a_zone_redundant_account_archives_nothing(root: Path, sku: str) -> None:
    replace(root, "config/common.yml", "storage_sku: Standard_LRS", f"storage_sku: {sku}")
    undelivered, previous = found(root)
    assert f"AML704 undelivered: {sku} has no archive tier" in undelivered
    assert f"AML704 previous_versions: {sku} has no archive tier" in previous
    for rest in ("cool: 30, archive: 90, delete: 365}\n  previous", "previous_versions: {cool: 30, archive: 90"):
        replace(root, "config/common.yml", rest, rest.replace("archive: 90", "archive: 0"))
    assert found(root) == []


@pytest.mark.parametrize(
    "output",
    [
        "output key string = account.listKeys().keys[0].value",
        "output key string = 'AccountKey=${account.listKeys().keys[0].value}'",
        "output key string = listKeys(account.id, '2025-01-01').keys[0].value",
        "output address string = listCallbackUrl('${account.id}/triggers/landed', '2019-05-01').value",
        "output insights string = account.properties.ConnectionString",
        "@secure()\nparam word string\noutput word string = word",
    ],
)
def test_an_output_shows_no_secret(root: Path, output: str) -> None:
    path = root / "infra/modules/storage.bicep"
    path.write_text(path.read_text(encoding="utf-8") + output + "\n", encoding="utf-8")
    line = path.read_text(encoding="utf-8").count("\n")
    [finding] = found(root)
    assert finding.startswith(f"infra/modules/storage.bicep:{line}: AML705 ")


def test_an_output_may_show_what_is_no_secret(root: Path) -> None:
    path = root / "infra/modules/storage.bicep"
    more = "output listing string = account.name\noutput address string = account.properties.primaryEndpoints.blob\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert found(root) == []


def test_every_code_of_infrastructure_has_a_case() -> None:
    tested = set(Path(__file__).read_text(encoding="utf-8").replace('"', " ").replace("(", " ").split())
    assert {code for code in CODES if code.startswith("AML7")} <= tested


# ---- the verbs


@pytest.fixture
def az(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `az` that writes its arguments, one a line, to the file that this returns."""
    said = tmp_path / "said"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/az").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}\nexit ${{AZ_FAILS:-0}}\n')
    (tmp_path / "bin/az").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(root)
    return said


WHERE = [
    "--subscription",
    "00000000-0000-0000-0000-000000000000",
    "--resource-group",
    "rg-flights-dev",
    "--name",
    "infra",
]
FILES = ["--template-file", "build/dev/infra/main.bicep", "--parameters", "@build/dev/infra/main.parameters.json"]


def test_infra_deploys_what_was_rendered(az: Path, root: Path) -> None:
    assert infra.main(infra.parse_args(["--env", "dev"])) == 0
    shown = ["--query", "properties.outputs", "--output", "yaml"]
    assert az.read_text().splitlines() == ["deployment", "group", "create", *WHERE, *FILES, *shown]
    built = root / "build/dev/infra"
    assert (built / "main.bicep").read_bytes() == (ROOT / "infra/main.bicep").read_bytes()
    assert (built / "modules/register-data.workflow.json").is_file()


def test_infra_plan_changes_nothing(az: Path) -> None:
    assert infra.main(infra.parse_args(["--env", "dev", "--plan"])) == 0
    assert az.read_text().splitlines() == ["deployment", "group", "what-if", *WHERE, *FILES]


def test_what_check_finds_is_not_deployed(az: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(root, "config/common.yml", COLLECTED, rule("landing/", archive=90))
    assert infra.main(infra.parse_args(["--env", "dev"])) == 1
    assert "AML703" in capsys.readouterr().err
    assert not az.exists()


def test_the_local_workspace_is_not_deployed(az: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infra.main(infra.parse_args([])) == 1
    assert "config/local.yml: `infra` is empty" in capsys.readouterr().err
    assert not az.exists()


def test_a_failed_deployment_says_what_may_be_missing(
    az: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AZ_FAILS", "3")
    assert infra.main(infra.parse_args(["--env", "dev"])) == 3
    assert (
        "az group create --subscription 00000000-0000-0000-0000-000000000000 --name rg-flights-dev"
        in capsys.readouterr().err
    )


def test_each_environment_creates_the_registry_or_uses_that_of_another() -> None:
    configs = {env: yaml.safe_load((ROOT / f"config/{env}.yml").read_text()) for env in ("dev", "test", "prod")}
    owners = [env for env, config in configs.items() if (config.get("infra") or {}).get("owns_registry")]
    assert owners == ["prod"]
    assert len({config["registry"] for config in configs.values()}) == 1
