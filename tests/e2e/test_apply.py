"""Plan, apply, prune and clean through the real az: what is created once stays, and what is archived was ours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.place import ROOT, az_variables

pytestmark = pytest.mark.slow
MINE = "https://example.com/flights"
FILES = {
    "config/common.yml": "{}\n",
    "config/local.yml": "resource_group: local\nworkspace: local\npr: {days: 7}\n",
    "environments/base/environment.yml.j2": """
name: base
version: << version >>
tags: << tags >>
image: library/python
""",
    "components/train/component.yml.j2": """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: train
version: << version >>
tags: << tags >>
type: command
outputs: {model: {type: uri_folder}}
environment: << ref("environments/base") >>
code: ./src
command: python train.py ${{outputs.model}}
""",
    "components/train/src/train.py": "print('first')\n",
    "components/all/component.yml.j2": """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json
name: all
version: << version >>
tags: << tags >>
type: pipeline
jobs:
  train:
    type: command
    component: << ref("components/train") >>
""",
}


class Place:
    """A repository of three assets, each of which refers to the one before, with a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        for name, text in FILES.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text.lstrip(), encoding="utf-8")
        self.variables = {**az_variables(folder), "BUILD_REPOSITORY_URI": MINE}
        create = ["workspace", "create", "--name", "local", "--resource-group", "local", "--output", "none"]
        subprocess.run([ROOT / ".tools/bin/az", "ml", *create], env=self.variables, check=True)

    def script(self, says: str) -> None:
        (self.root / "components/train/src/train.py").write_text(f"print('{says}')\n", encoding="utf-8")

    def start(self, module: str, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        line = [sys.executable, "-u", "-m", f"scripts.{module}", "--env", "local", *arguments]
        return subprocess.Popen(
            line,
            cwd=self.root,
            env=self.variables | variables,
            text=True,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, module: str, *arguments: str, **variables: str) -> str:
        out, _ = self.start(module, *arguments, **variables).communicate(timeout=120)
        return out

    def apply(self, *arguments: str, **variables: str) -> list[str]:
        """What it has done: `<verb> <file or name>`."""
        self.run("render", **variables)
        said = self.run("apply", *arguments, **variables).splitlines()
        words = [line.split() for line in said if line.startswith("az ")]
        return [f"{word[3]} {word[5].removeprefix('build/local/')}" for word in words]

    def plan(self, **variables: str) -> dict[str, str]:
        """Spec -> what apply would do."""
        document = json.loads(self.run("plan", "--format", "json", **variables))
        return {step["spec"]: step["action"] for step in document["assets"]}

    def versions(self, group: str, name: str, *flags: str) -> list[dict[str, Any]]:
        line = [str(ROOT / ".tools/bin/az"), "ml", group, "list", "--name", name, *flags]
        line += ["--resource-group", "local", "--workspace-name", "local", "--output", "json"]
        done = subprocess.run(line, env=self.variables, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield Place(tmp_path_factory.mktemp("apply"))


TRAIN, ALL = "components/train/component.yml", "components/all/component.yml"


def test_an_apply_that_was_killed_is_finished_by_the_next_and_then_there_is_nothing_to_do(place: Place) -> None:
    assert set(place.plan().values()) == {"create"}
    place.run("render")
    process = place.start("apply")
    assert process.stdout is not None
    for line in process.stdout:
        if TRAIN in line:  # the second create has begun: the first is done
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = place.plan()
    assert (before["environments/base"], before["components/all"]) == ("leave", "create")

    assert place.apply()[-1] == f"create {ALL}"

    assert set(place.plan().values()) == {"leave"}
    assert place.apply() == []
    assert [len(place.versions(*one)) for one in (("component", "train"), ("environment", "base"))] == [1, 1]


def test_a_changed_component_makes_new_versions_of_it_and_of_what_refers_to_it(place: Place) -> None:
    place.script("second")
    assert place.plan() == {"environments/base": "leave", "components/train": "change", "components/all": "change"}
    assert place.apply() == [f"create {TRAIN}", f"create {ALL}"]


def test_pruning_archives_what_this_repository_has_made_and_nothing_names(place: Place) -> None:
    place.script("of another repository")
    theirs = "https://example.com/theirs"
    place.apply(BUILD_REPOSITORY_URI=theirs)
    place.script("third")

    done = place.apply("--prune")

    assert done == [f"create {TRAIN}", f"create {ALL}", *["archive all"] * 2, *["archive train"] * 2]
    assert sorted(one["tags"]["repository"] for one in place.versions("component", "train")) == [MINE, theirs]
    assert len(place.versions("environment", "base")) == 1, "what the render refers to stays"
    assert place.apply("--prune") == []


def test_what_was_archived_is_restored_when_it_is_wanted_again(place: Place) -> None:
    place.script("second")
    assert place.apply() == ["restore train", "restore all"]
    assert place.apply() == []


def test_a_pull_request_has_its_own_and_leaves_nothing_behind(place: Place) -> None:
    assert len(place.apply(PR="7")) == 3
    [made] = place.versions("component", "train_pr_7")
    assert (made["tags"]["pr"], made["environment"].split(":")[1]) == ("7", "base-pr-7")

    assert place.run("clean") == "local: nothing has expired\n", "a week is not over"
    assert place.run("clean", PR="7").endswith("local: 3 archived\n")
    assert place.run("clean", PR="7") == "local: nothing has expired\n"
    assert place.versions("component", "train_pr_7") == []
    assert set(place.plan().values()) == {"leave"}, "what everybody uses is as it was"
