"""What a branch changes in the rendered specs: told right, told once, and told within the size of a comment."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.diff import main, parse_args
from scripts.diffing.compare import Change, Difference, Moved
from scripts.diffing.text import LONGEST, as_markdown, as_text
from tests.specs_repository import copied, replace

TRAIN = "components/train/src/train.py"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small repository with a branch `work` that has left `main`."""
    root = copied(tmp_path)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "A")
    git(root, "config", "user.email", "a@example.com")
    commit(root)
    git(root, "switch", "-q", "-c", "work")
    monkeypatch.chdir(root)
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(parse_args(["--base", "main", *arguments])) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_the_same_files_are_no_difference_whatever_the_commit(root: Path, capsys) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    assert "The rendered specs are the same." in told(capsys)
    assert "The rendered specs are the same." in told(capsys, "--format", "markdown")


def test_a_changed_script_moves_its_component_and_what_refers_to_it(root: Path, capsys) -> None:
    (root / TRAIN).write_text("print('new')\n")  # not committed: what lies here counts
    text = told(capsys, "--env", "dev")
    moved = re.findall(r"^  (\S+) +([0-9a-f]{12}) +([0-9a-f]{12}) +dev$", text, re.MULTILINE)
    assert [key for key, before, after in moved if before != after] == [
        "components/train",
        "components/train_and_judge",
    ]
    assert f"+++ b/{TRAIN}" in text and "+print('new')" in text
    assert "pipelines/train.yml" in text, "it names the new versions"
    assert "pipelines/tune.yml" not in text


def test_what_several_environments_share_is_told_once(root: Path, capsys) -> None:
    (root / TRAIN).write_text("print('new')\n")
    replace(root, "config/prod.yml", "trials: 20", "trials: 21")
    text = told(capsys)
    assert text.count("+print('new')") == 1
    assert f"== {TRAIN} [dev, local, prod, test]" in text
    assert "== pipelines/tune.yml [prod]" in text


def test_a_new_and_a_removed_asset(root: Path, capsys) -> None:
    (root / "environments/more").mkdir()
    (root / "environments/more/environment.yml.j2").write_text("name: more\nversion: << version >>\nimage: a/b\n")
    (root / "pipelines/tune.yml.j2").unlink()
    text = told(capsys, "--env", "dev")
    assert re.search(r"environments/more +new +[0-9a-f]{12}", text)
    assert "--- /dev/null\n+++ b/environments/more/environment.yml" in text
    assert "--- a/pipelines/tune.yml\n+++ /dev/null" in text


def test_what_main_has_changed_since_is_not_the_branchs(root: Path, capsys) -> None:
    git(root, "switch", "-q", "main")
    (root / TRAIN).write_text("print('of main')\n")
    commit(root)
    git(root, "switch", "-q", "work")
    assert "The rendered specs are the same." in told(capsys)


@pytest.mark.parametrize("base", ["origin/nope", "nope", "--help", "main; rm -rf x", ""])
def test_an_unknown_base_says_how_to_get_it(root: Path, capsys, base: str) -> None:
    assert main(parse_args([f"--base={base}"])) == 1
    err = capsys.readouterr().err
    assert f"BASE={base}: git knows no such commit here; git fetch origin" in err


def test_environments_that_one_side_lacks_are_all_new_or_gone(root: Path, capsys) -> None:
    git(root, "mv", "config/dev.yml", "config/lab.yml")
    text = told(capsys)
    assert "dev: this environment is gone" in text
    assert "lab: this environment is new" in text
    assert "config/staging.yml: there is no such environment" in told(capsys, "--env", "staging", code=1)


def test_a_base_that_this_code_can_not_render_is_a_note(root: Path, capsys) -> None:
    git(root, "switch", "-q", "main")
    replace(root, "pipelines/tune.yml.j2", "<< trials >>", "<< trials_of_old >>")
    commit(root)
    git(root, "switch", "-q", "work")
    git(root, "reset", "-q", "--hard", "main")
    replace(root, "pipelines/tune.yml.j2", "<< trials_of_old >>", "<< trials >>")
    text = told(capsys, "--env", "dev")
    assert "dev: BASE can't be rendered by the code of this branch, so there is no diff: pipelines/tune.yml.j2" in text
    assert "The rendered specs are the same" not in text


def test_a_branch_that_can_not_be_rendered_fails(root: Path, capsys) -> None:
    replace(root, "pipelines/tune.yml.j2", "<< trials >>", "<< trails >>")
    assert "'trails' is not defined" in told(capsys, code=1)


def test_a_file_that_is_no_text_is_told_by_its_size(root: Path, capsys) -> None:
    (root / "components/train/src/weights.bin").write_bytes(b"\xff\xfe\x00")
    assert "no text: 0 bytes before, 3 now" in told(capsys, "--env", "dev")


# ---- Markdown


def difference(*changes: Change) -> dict[str, Difference]:
    return {"dev": Difference((Moved("components/a", "", "b"),), changes)}


def test_markdown_folds_each_file_and_no_file_breaks_out(root: Path, capsys) -> None:
    text = as_markdown(difference(Change("a<b>.md", ("+```", "+</details>", "+````"))), "main")
    assert "<code>a&lt;b&gt;.md</code>" in text
    assert "\n`````diff\n+```\n+</details>\n+````\n`````\n" in text
    assert "| components/a | new | b | dev |" in text


def test_what_is_too_long_for_a_comment_is_cut_and_named() -> None:
    huge, small = Change("a/huge.py", ("+x" * LONGEST,)), Change("b/small.py", ("+y",))
    text = as_markdown(difference(huge, small), "main")
    assert len(text) <= LONGEST
    assert "Cut, too long for a comment (1 files; `make diff`): a/huge.py" in text
    assert "+y" in text, "one that is too long keeps no other out"
    assert "+x" in as_text(difference(huge, small), "main"), "a terminal gets all"


def test_even_very_many_files_fit() -> None:
    many = [Change(f"components/{'long' * 20}/{number}.py", (f"+{number}" * 20,)) for number in range(5000)]
    moved = tuple(Moved(f"components/{'long' * 20}/{number}", "a", "b") for number in range(5000))
    text = as_markdown({"dev": Difference(moved, tuple(many))}, "main")
    assert len(text) <= LONGEST
    assert text.rstrip().endswith("…")
