"""Plan, apply, prune and clean through the real az: what is created once stays, and what is archived was ours."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.place import ROOT
from tests.specs_repository import copied, replace

pytestmark = pytest.mark.slow
MINE = "https://example.com/flights"
CONFIG = "resource_group: local\nworkspace: local\nsubscription: s\ntraining: true\npr: {days: 7}\n"
TRAIN = "components/train/src/train.py"


class Place:
    """The small repository with a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = copied(folder)
        with (self.root / "config/local.yml").open("a", encoding="utf-8") as file:
            file.write(CONFIG)
        for path in (*self.root.glob("pipelines/[a-z]*.j2"), *self.root.glob("endpoints/*/score/*.j2")):
            path.unlink()  # only assets are applied; they would name data and models that nobody registers here
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AZURE")},
            "PATH": f"{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "AZURE_CONFIG_DIR": str(folder / "az"),
            "AZURE_EXTENSION_DIR": str(ROOT / ".tools/extensions"),
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZUREML_LOCAL_ROOT": str(folder / "root"),
            "BUILD_REPOSITORY_URI": MINE,
        }
        create = ["workspace", "create", "--name", "local", "--resource-group", "local", "--output", "none"]
        subprocess.run([ROOT / ".tools/bin/az", "ml", *create], env=self.variables, check=True)

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


def test_an_apply_that_was_killed_is_finished_by_the_next_and_then_there_is_nothing_to_do(place: Place) -> None:
    assert set(place.plan().values()) == {"create"}
    place.run("render")
    process = place.start("apply")
    assert process.stdout is not None
    for line in process.stdout:  # the third create has begun, so two are done
        if "components/" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    assert 0 < list(place.plan().values()).count("leave") < 7

    created = place.apply()

    assert created[-1] == "create components/train_and_judge/component.yml"
    assert set(place.plan().values()) == {"leave"}
    assert place.apply() == []
    assert {name: len(place.versions("component", name)) for name in ("prep", "train", "train_and_judge")} == {
        "prep": 1,
        "train": 1,
        "train_and_judge": 1,
    }


def test_a_changed_component_makes_new_versions_of_it_and_of_what_refers_to_it(place: Place) -> None:
    (place.root / TRAIN).write_text("print('new')\n")
    changed = {key for key, action in place.plan().items() if action != "leave"}
    assert changed == {"components/train", "components/train_and_judge"}
    assert place.apply() == ["create components/train/component.yml", "create components/train_and_judge/component.yml"]
    assert place.apply() == []


def test_pruning_archives_what_this_repository_has_made_and_nothing_names(place: Place) -> None:
    """Another repository's workspace mates stay, and so does what somebody made by hand."""
    replace(place.root, TRAIN, "print('new')", "print('theirs')")
    place.apply(BUILD_REPOSITORY_URI="https://example.com/theirs")
    replace(place.root, TRAIN, "print('theirs')", "print('newest')")

    done = place.apply("--prune")

    assert done[:2] == ["create components/train/component.yml", "create components/train_and_judge/component.yml"]
    # Of each, two of this repository's versions that came before.
    assert sorted(done[2:]) == ["archive train"] * 2 + ["archive train_and_judge"] * 2
    owners = sorted(one["tags"]["repository"] for one in place.versions("component", "train"))
    assert owners == [MINE, "https://example.com/theirs"]
    assert place.apply("--prune") == []


def test_what_was_archived_is_restored_when_it_is_wanted_again(place: Place) -> None:
    replace(place.root, TRAIN, "print('newest')", "print('new')")
    assert place.apply() == ["restore train", "restore train_and_judge"]
    assert place.apply() == []


def test_a_pull_request_has_its_own_and_leaves_nothing_behind(place: Place) -> None:
    for path in ("components/train/component.yml.j2", "environments/base/environment.yml.j2"):
        text = (place.root / path).read_text()
        (place.root / path).write_text(
            "\n".join("tags: << tags >>" if "tags:" in one else one for one in text.splitlines())
        )
    (place.root / "monitors/drift.yml.j2").unlink()
    (place.root / "monitors/nightly.yml.j2").unlink()
    place.apply()

    assert len(place.apply(PR="7")) == 7
    [made] = place.versions("component", "train_pr_7")
    assert (made["tags"]["pr"], made["environment"].split(":")[1]) == ("7", "base-pr-7")

    assert place.run("clean") == "local: nothing has expired\n", "a week is not over"
    assert place.run("clean", PR="8") == "local: nothing has expired\n"
    assert place.run("clean", PR="7").endswith("local: 7 archived\n")
    assert place.run("clean", PR="7") == "local: nothing has expired\n"
    assert place.versions("component", "train_pr_7") == []
    assert set(place.plan().values()) == {"leave"}, "what everybody uses is as it was"
    assert set(place.plan(PR="7").values()) == {"restore"}
