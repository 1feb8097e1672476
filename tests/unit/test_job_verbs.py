"""The verbs by which CI hands a training job on: what it registered, and its cancellation."""

import os
from pathlib import Path

import pytest

from scripts import cancel, registered
from scripts.looking.workspace import Workspace
from tests.fake_az import FakeAz

ROOT = Path(__file__).parents[2]


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAz:
    """An az of a checkout that has submitted the job brave_plum."""
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "build/jobs").mkdir(parents=True)
    (tmp_path / "build/jobs/dev-train").write_text("brave_plum\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return FakeAz(tmp_path / "bin")


@pytest.mark.parametrize(
    ("result", "out", "err"),
    [
        ({"model": "flight-delay", "version": "3", "reason": "better"}, "3\n", ""),
        (
            {"model": None, "version": None, "reason": "rmse 21 is no gain on 21"},
            "\n",
            "job brave_plum has registered no model, so there is none to promote: rmse 21 is no gain on 21\n",
        ),
    ],
)
def test_the_registered_version_is_all_of_standard_output(
    az: FakeAz, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: dict, out: str, err: str
) -> None:
    monkeypatch.setattr(
        Workspace, "output", lambda self, job, name, file: {("brave_plum", "registered"): result}[job, name]
    )
    assert registered.main(registered.parse_args(["--env", "dev"])) == 0
    assert capsys.readouterr() == (out, err)


def test_without_a_job_nobody_knows_what_was_registered(az: FakeAz, capsys: pytest.CaptureFixture[str]) -> None:
    Path("build/jobs/dev-train").unlink()
    assert registered.main(registered.parse_args(["--env", "dev"])) == 1
    out, err = capsys.readouterr()
    assert out == "" and "run `make train ENV=dev`" in err


def test_a_job_that_has_not_completed_tells_nothing(az: FakeAz, capsys: pytest.CaptureFixture[str]) -> None:
    az.fails("ml job download", 3, "Job 'brave_plum' has no output 'registered'.")
    assert registered.main(registered.parse_args(["--env", "dev"])) == 1
    out, err = capsys.readouterr()
    assert out == "" and "`make train ENV=dev JOB=brave_plum` follows it" in err and "has no output" in err


@pytest.mark.parametrize(("arguments", "job"), [([], "brave_plum"), (["--job", "shy_kite"], "shy_kite")])
def test_a_job_that_runs_is_cancelled(az: FakeAz, arguments: list[str], job: str) -> None:
    az.says("ml job show", {"name": job, "status": "Running"})
    az.says("ml job cancel", None)
    assert cancel.main(cancel.parse_args(["--env", "dev", *arguments])) == 0
    where = "--resource-group rg-flights-dev --workspace-name mlw-flights-dev"
    assert az.asked[-1] == f"ml job cancel --name {job} {where}"


def test_the_registration_of_data_is_cancelled_as_well(az: FakeAz) -> None:
    Path("build/jobs/dev-train").unlink()
    Path("build/jobs/dev-register_data").write_text("calm_fig\n")
    az.says("ml job show", {"name": "calm_fig", "status": "Running"})
    az.says("ml job cancel", None)
    assert cancel.main(cancel.parse_args(["--env", "dev"])) == 0
    assert az.asked[-1].startswith("ml job cancel --name calm_fig ")


def test_a_job_that_has_ended_stays_as_it_is(az: FakeAz, capsys: pytest.CaptureFixture[str]) -> None:
    az.says("ml job show", {"name": "brave_plum", "status": "Failed"})
    assert cancel.main(cancel.parse_args(["--env", "dev"])) == 0
    assert capsys.readouterr().out.endswith("job brave_plum has ended: Failed\n")
    assert len(az.asked) == 1


def test_a_run_that_is_cancelled_before_it_has_submitted_a_job_has_none_to_cancel(
    az: FakeAz, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("build/jobs/dev-train").unlink()
    assert cancel.main(cancel.parse_args(["--env", "dev"])) == 0
    assert capsys.readouterr().out.startswith("nothing to cancel: ")
    assert az.asked == []


def test_a_job_that_cannot_be_cancelled_is_an_error(az: FakeAz, capsys: pytest.CaptureFixture[str]) -> None:
    az.says("ml job show", {"name": "brave_plum", "status": "Running"})
    az.fails("ml job cancel", 1, "(AuthorizationFailed) no permission")
    assert cancel.main(cancel.parse_args(["--env", "dev"])) == 1
    assert "AuthorizationFailed" in capsys.readouterr().err
