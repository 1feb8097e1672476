"""What the Makefile itself decides: the shell that `make env` gives, and what comes first."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.specs.config import environments, load_config

ROOT = Path(__file__).resolve().parents[2]
INHERITED = (
    "ENV",
    "REHEARSE",
    "AZUREML_LOCAL_ROOT",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "AZURE_EXTENSION_DIR",
    "AZURE_CONFIG_DIR",
)


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """Variables of a person who has an `az` and a `python` of their own."""
    for name in ("az", "python"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    search = [str(tmp_path), *(part for part in os.environ["PATH"].split(":") if ".tools" not in part)]
    return {k: v for k, v in os.environ.items() if k not in INHERITED} | {"PATH": ":".join(search)}


def found(names: str, lines: str, variables: dict[str, str]) -> list[str]:
    """Where a shell finds commands after `lines`."""
    script = f"set -e\n{lines}\ncommand -v {names}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_local_shell_has_the_pinned_az_and_the_persons_python(person: dict[str, str], tmp_path: Path) -> None:
    az, python = found("az python", 'eval "$(make -s env)"', person)
    assert Path(az).is_relative_to(ROOT / ".tools")
    assert python == str(tmp_path / "python")


def test_in_the_local_shell_azure_is_still_reached_by_the_persons_az(person: dict[str, str], tmp_path: Path) -> None:
    assert found("az", 'eval "$(make -s env)"\neval "$(make -s env ENV=dev)"', person) == [str(tmp_path / "az")]


@pytest.fixture
def rehearsal(person: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The person's variables, with a root in which stand-ins of the workspaces and of the registry are ready."""
    root = tmp_path / "root"
    for config in (load_config(ROOT, env) for env in environments(ROOT)):
        for path in (
            root / config["resource_group"] / config["workspace"] / "workspace.json",
            root / "registries" / config["registry"] / "registry.json",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return {**person, "AZUREML_LOCAL_ROOT": str(root)}


def test_a_rehearsal_has_the_names_of_azure_and_the_pinned_az(rehearsal: dict[str, str]) -> None:
    shell = 'eval "$(make -s env ENV=dev REHEARSE=1)"\necho $AZURE_DEFAULTS_WORKSPACE $AZUREML_LOCAL_ROOT'
    names, az = found("az", shell, rehearsal)
    assert names == f"{load_config(ROOT, 'dev')['workspace']} {rehearsal['AZUREML_LOCAL_ROOT']}"
    assert Path(az).is_relative_to(ROOT / ".tools")
    assert "AZURE_DEFAULTS_SUBSCRIPTION" not in made("env", rehearsal, "ENV=dev", "REHEARSE=1")


@pytest.mark.parametrize("verb", ["apply", "register-data", "train", "invoke", "smoke", "monitor", "schedule"])
def test_a_rehearsal_issues_the_lines_that_azure_gets(rehearsal: dict[str, str], verb: str) -> None:
    lines = made(verb, rehearsal, "--dry-run", "ENV=dev")
    assert "dev" in lines
    assert made(verb, rehearsal, "--dry-run", "ENV=dev", "REHEARSE=1") == lines


def test_without_a_rehearsal_nothing_points_to_a_folder(rehearsal: dict[str, str]) -> None:
    """Scripts take AZUREML_LOCAL_ROOT as the sign that the workspace is local, whoever has exported it."""
    shell = 'eval "$(make -s env ENV=dev)"\necho "root:${AZUREML_LOCAL_ROOT-none}"'
    assert found("az", shell, rehearsal)[0] == "root:none"


def made(verb: str, variables: dict[str, str], *arguments: str) -> str:
    """What make prints."""
    line = ["make", "-s", verb, *arguments]
    return subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("verb", [["deploy"], ["batch", "INPUT=README.md"]])
def test_without_a_model_nothing_is_applied(person: dict[str, str], tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "az").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\necho "[]"\n')
    made = subprocess.run(["make", *verb, "ENV=dev"], cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "has no version yet; `make train` registers one" in made.stderr
    [asked] = (tmp_path / "asked").read_text().splitlines()
    assert asked.startswith("ml model list ")


def test_verbs_that_a_verb_calls_are_of_its_environment(person: dict[str, str]) -> None:
    rules = ["--eval", "outer: ; @$(MAKE) inner", "--eval", "inner: ; @echo $(ENV) $(PR)"]
    assert made("outer", person, *rules, "ENV=dev", "PR=7") == "dev 7\n"
    assert made("outer", {**person, "ENV": "dev", "PR": "7"}, *rules) == "dev 7\n"
    assert made("outer", person, *rules, "TO=test") == "test\n"


def test_without_what_it_would_score_a_batch_asks_nobody(person: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "az").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    line = ["make", "batch", "ENV=dev", """INPUT=no such/$(touch 'a') "ü" `b`.csv"""]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert """INPUT=no such/$(touch 'a') "ü" `b`.csv: there is no such file or folder here""" in made.stderr
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("verb", ["train", "retrain", "schedule"])
def test_what_trains_is_refused_where_config_says_so(person: dict[str, str], tmp_path: Path, verb: str) -> None:
    (tmp_path / "az").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n')
    line = ["make", verb, "ENV=prod"]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "ENV=prod never trains" in made.stderr
    assert "make promote FROM=… TO=prod" in made.stderr
    assert not (tmp_path / "asked").exists()


def test_a_promotion_runs_with_the_variables_of_where_it_goes_to(person: dict[str, str]) -> None:
    names = "FROM=dev", "TO=test", "MODEL_VERSION=3"
    exported = made("env", person, *names)
    assert f"AZURE_DEFAULTS_WORKSPACE={load_config(ROOT, 'test')['workspace']}" in exported
    wrong = subprocess.run(
        ["make", "promote", *names, "ENV=dev"], cwd=ROOT, env=person, capture_output=True, text=True, check=False
    )
    assert "ENV=dev is not TO=test" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["WAIT=0"], ["create"]),
        (["JOB=shy_kite"], ["stream --name shy_kite", "show --name shy_kite"]),
        ([], ["create", "stream --name brave_plum", "show --name brave_plum"]),
    ],
)
def test_training_is_submitted_or_followed_or_both(
    person: dict[str, str], tmp_path: Path, arguments: list[str], asked: list[str]
) -> None:
    (tmp_path / "az").write_text(f"""#!/bin/sh
echo "$*" >> {tmp_path}/asked
case "$3" in create) echo brave_plum ;; show) echo Completed ;; esac
""")
    repository = copied(tmp_path)
    line = ["make", "-o", "setup", "-o", "apply", "train", "ENV=dev", *arguments]
    subprocess.run(line, cwd=repository, env=person, check=True, capture_output=True)
    lines = [" ".join(one.split()[2:]) for one in (tmp_path / "asked").read_text().splitlines()]
    assert [one[: len(start)] for one, start in zip(lines, asked, strict=True)] == asked
    job = "shy_kite" if arguments == ["JOB=shy_kite"] else "brave_plum"
    assert (repository / "build/jobs/dev-train").read_text() == f"{job}\n"


def copied(folder: Path) -> Path:
    """The Makefile with the config that it reads, so that a job's name is left there and not here."""
    root = folder / "repository"
    shutil.copytree(ROOT / "config", root / "config")
    shutil.copy(ROOT / "Makefile", root)
    return root


def test_ci_takes_the_pinned_az_with_the_pinned_extension(person: dict[str, str]) -> None:
    """No test can download the extension, so this looks at what would be run."""
    lines = made("env", person, "--dry-run", "ENV=dev", "AZ=pinned")
    assert "az extension add --name ml --version 2.40.0 --yes" in lines
    assert "extension add" not in made("env", person, "--dry-run", "ENV=dev")
    exported = made("env", person, "-o", "setup", "ENV=dev", "AZ=pinned")
    assert f"export PATH={ROOT / '.tools/bin'}:" in exported
    assert f"export AZURE_EXTENSION_DIR={ROOT / '.tools/azure-extensions'}" in exported


@pytest.mark.parametrize("verb", ["watch", "event"])
def test_in_azure_nothing_is_made_for_a_verb_about_this_machine(person: dict[str, str], verb: str) -> None:
    line = ["make", verb, "ENV=dev"]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "ENV=dev is in Azure, where Event Grid does this" in made.stderr


@pytest.mark.parametrize("verb", ["register-data", "watch", "retrain", "schedule"])
def test_a_pull_request_adds_nothing_to_the_data_that_all_read(person: dict[str, str], verb: str) -> None:
    line = ["make", verb, "ENV=dev", "PR=7"]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "PR=7: this verb registers data that everybody reads" in made.stderr


@pytest.mark.parametrize(("words", "here"), [([], True), (["ENV=dev"], False), (["PR=7"], False)])
def test_clean_is_about_this_machine_or_about_a_workspace(person: dict[str, str], words: list[str], here: bool) -> None:
    line = ["make", "--dry-run", "clean", *words]
    made = subprocess.run(line, cwd=ROOT, env=person, capture_output=True, text=True, check=True)
    assert ("rm -rf build" in made.stdout) is here
    assert ("scripts.clean --env" in made.stdout) is not here


HOSTILE = ("""a b'"; touch pwned; echo "$$(touch pwned)`touch pwned`""", "$(shell touch pwned)x", "line\nof two")
TEXTS = [
    ("diff", "BASE"),
    ("check", "OUTPUT"),
    ("plan", "FORMAT"),
    ("doctor", "PIPELINE"),
    ("land", "MONTH"),
    ("promote", "MODEL_VERSION"),
    ("promote", "APPROVED_BY"),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("verb", "name"), TEXTS)
@pytest.mark.parametrize("on_the_line", [True, False])
def test_what_is_given_is_never_run(
    person: dict[str, str], tmp_path: Path, verb: str, name: str, text: str, on_the_line: bool
) -> None:
    """A name of a branch, a title: whatever it says, the script gets just that."""
    repository = with_recorder(tmp_path)
    values = {"FROM": "dev", "TO": "test", "MODEL_VERSION": "3"} if verb == "promote" else {}
    values[name] = text
    words = [f"{key}={value}" for key, value in values.items()] if on_the_line else []
    line = ["make", "-o", "setup", "-o", ".tools/pipelines/.ready", verb, *words]
    subprocess.run(line, cwd=repository, env=person if words else {**person, **values}, check=True)
    arguments = json.loads((repository / "arguments").read_text())
    assert text in arguments or f"--base={text}" in arguments
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(("verb", "name"), [("register-data", "PR"), ("promote", "TO"), ("render", "ENV")])
def test_nor_is_what_is_refused(person: dict[str, str], tmp_path: Path, verb: str, name: str) -> None:
    repository = with_recorder(tmp_path)
    for text in HOSTILE:
        values = {"ENV": "dev", "FROM": "dev", "MODEL_VERSION": "3", name: text}
        line = ["make", "-o", "setup", verb]
        done = subprocess.run(
            line, cwd=repository, env={**person, **values}, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert f"{name}={text}" in done.stderr
    assert not list(tmp_path.rglob("pwned"))


def with_recorder(folder: Path) -> Path:
    """The Makefile with a Python that writes down what it is given."""
    repository = copied(folder)
    python = repository / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable} -S\nimport json, sys\njson.dump(sys.argv, open('arguments', 'w'))\n")
    python.chmod(0o755)
    return repository
