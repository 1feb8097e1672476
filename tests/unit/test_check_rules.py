"""Each rule of `make check`: a spec that trips it, at the right line, and a twin that differs in nothing else and passes.

The twin is the repository as it is, unless the case has its own.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.specs.build import write_build
from scripts.specs.lint.check import check, findings
from scripts.specs.lint.codes import CODES
from scripts.specs.lint.findings import Finding
from scripts.specs.lint.loading import listening
from scripts.specs.lint.repository import Repository, Subject
from scripts.specs.project import Project
from tests.specs_repository import copied, line_of, replace

# What azure-ai-ml's libraries say about each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PREP = "components/prep/component.yml.j2"
TRAIN = "components/train/component.yml.j2"
GATE = "components/gate/component.yml.j2"
BOTH = "components/train_and_judge/component.yml.j2"
PIPELINE = "pipelines/train.yml.j2"
SETTINGS = "pipelines/_settings.yml.j2"  # included by PIPELINE
TUNE = "pipelines/tune.yml.j2"
ONLINE = "endpoints/online/score/endpoint.yml.j2"
DEPLOYMENT = "endpoints/online/score/deployment.yml.j2"
NIGHTLY = "monitors/nightly.yml.j2"
DRIFT = "monitors/drift.yml.j2"
ENVIRONMENT = "environments/base/environment.yml.j2"


@dataclass(frozen=True)
class Case:
    """Args:
    old: a text of the template at `path`, replaced with `wrong`.
    line: a text on the line that the finding must point at.
    says: part of the finding's message.
    right: the twin's replacement for `old`; empty for the repository as it is.
    """

    code: str
    path: str
    old: str
    wrong: str
    line: str
    says: str
    right: str = ""


FILES = [
    Case("AML002", ENVIRONMENT, "image: ", "os_type: bsd\nimage: ", "os_type", "'bsd'", "os_type: linux\nimage: "),
    Case("AML004", GATE, "$schema:", "# A gate.\n$schema:", "# A gate", "commandComponent.schema.json"),
    Case("AML004", ONLINE, "$schema:", "tags: {}\n$schema:", "tags", "managedOnlineEndpoint.schema.json"),
    Case("AML005", PREP, "parallelComponent.schema", "commandComponent.schema", "$schema", "parallelComponent"),
    Case("AML005", DRIFT, "monitorSchedule.schema", "pipelineJob.schema", "$schema", "pipelineJob.schema.json is not"),
    Case("AML006", GATE, "code: .", "code: .\nname: gates", "name: gates", "'name' is given twice"),
    Case("AML006", PIPELINE, "page: {type: ", "page: {type: uri_file, type: ", "page: {", "'type' is given twice"),
    Case("AML007", TRAIN, "code: ./src", "code: ./src\nis_determinstic: false", "is_determ", "mean is_deterministic?"),
    Case("AML007", TRAIN, "rate: {type: number,", "rate: {type: number, mini: 0,", "rate: {", "'mini' is unknown"),
    Case("AML007", PREP, "{max_retries: 2,", "{max_retry: 2,", "max_retry", "did you mean max_retries?"),
    Case("AML007", PIPELINE, "timeout: 3600", "time_out: 3600", "time_out", "did you mean timeout?"),
    Case("AML007", PIPELINE, "environment_variables:", "env_variables:", "env_var", "mean environment_variables?"),
    Case("AML007", SETTINGS, "force_rerun", "forcererun", "forcererun", "did you mean force_rerun?"),
    Case("AML007", DEPLOYMENT, "instance_count: 1", "instances: 1", "instances", "'instances' is unknown"),
    Case("AML007", NIGHTLY, "time_zone:", "timezone:", "timezone", "did you mean time_zone?"),
    Case("AML008", TRAIN, '<< ref("environments/base") >>', "azureml:base:1", "azureml:base", 'ref("environments/base")'),
    Case("AML008", BOTH, '<< ref("components/train") >>', "azureml:train:7", "azureml:train", 'ref("components/train")'),
    Case("AML008", PIPELINE, '<< ref("data/flights") >>', "azureml:flights:3", "azureml:flights", 'ref("data/flights")'),
    Case("AML009", TRAIN, "code: ./src", "code: ./scr", "code:", "there is no components/train/scr"),
    Case("AML009", TUNE, "../data/flights/table", "../data/flight", "../data", "there is no data/flight,"),
    Case("AML009", "data/flights/data.yml.j2", "./table", "./tables", "path:", "there is no data/flights/tables"),
]

JUDGED = "${{parent.jobs.train.outputs.model}}\n    outputs"
PIPELINES = [
    Case("AML101", BOTH, "jobs.train.outputs", "jobs.trian.outputs", "trian", "no job 'trian'; did you mean train?"),
    Case("AML101", PIPELINE, "jobs.report.outputs", "job.report.outputs", "job.report", "inputs, outputs and jobs"),
    Case("AML102", BOTH, "train.outputs.model", "train.outputs.weights", "outputs.weights", "no output 'weights'"),
    Case("AML102", PIPELINE, "report.outputs.page", "report.outputs.pages", "outputs.pages", "did you mean page?"),
    Case("AML103", BOTH, "parent.inputs.depth", "parent.inputs.deep", "inputs.deep", "no input 'deep'"),
    Case("AML103", PIPELINE, "of ${{parent.inputs.depth}}", "of ${{parent.inputs.d}}", "of ${{", "no input 'd'"),
    Case("AML104", BOTH, "      depth: ${", "      height: ${", "height", "component 'train' has no input 'height'"),
    Case("AML105", BOTH, "      depth: ${{parent.inputs.depth}}\n", "", "inputs:\n      prepared", "lacks input 'depth' (integer)"),
    Case("AML105", BOTH, "depth: {type: integer, default: 6}", "depth: {type: integer, optional: true}", "depth: ${", "is optional"),
    Case("AML106", BOTH, "      decision: $", "      verdict: $", "verdict", "no output 'verdict'"),
    Case("AML106", BOTH, "parent.outputs.decision", "parent.outputs.verdict", "verdict", "no output 'verdict'"),
    Case("AML107", BOTH, "inputs.prepared}}\n      d", "inputs.prepared}}\n      weights: 1\n      d", "weights", "1 is not true", "inputs.prepared}}\n      weights: true\n      d"),
    Case("AML107", BOTH, "${{parent.inputs.depth}}", "deep", "depth: deep", "'deep' is not a whole number"),
    Case("AML107", BOTH, "${{parent.inputs.depth}}", "21", "depth: 21", "21 is above max 20"),
    Case("AML107", BOTH, "${{parent.inputs.depth}}", "2.5", "depth: 2.5", "2.5 is not a whole number"),
    Case("AML107", BOTH, "${{parent.inputs.prepared}}", "azureml:prepared:1", "azureml:prepared", "is no data"),
    Case("AML107", PIPELINE, "  depth: 6", "  depth: 0", "depth: 0", "train.inputs.depth: 0 is below min 1", "  depth: 1"),
    Case("AML107", TRAIN, "default: 0.1", "default: 3", "rate:", "default of 'rate': 3 is above max 1", "default: 0.3"),
    Case("AML107", TRAIN, "default: squared", "default: cubed", "loss:", "none of squared, absolute", "default: absolute"),
    Case("AML108", BOTH, "prepared: {type: uri_folder}", "prepared: {type: uri_file}", "prepared: ${", "is a file"),
    Case("AML108", PIPELINE, "log: {type: uri_file}", "log: {type: mltable}", "log: ${", "is a file (uri_file), not a table"),
    Case("AML108", PIPELINE, "type: uri_folder\n", "type: mltable\n", "weather:\n    type", "is a table (mltable), not a folder"),
    Case("AML108", BOTH, "decision: {type: uri_file}", "decision: {type: uri_folder}", "decision: ${", "not a folder"),
    Case("AML108", BOTH, "depth: {type: integer, default: 6}", "depth: {type: uri_file}", "depth: ${", "is data"),
    Case("AML108", BOTH, "{type: integer, default: 6}", "{type: number, default: 6}", "depth: ${", "not a whole number"),
    Case("AML109", BOTH, "${{parent.inputs.prepared}}", "${{parent.jobs.gate.outputs.decision}}", "model: ${", "train -> gate"),
    Case("AML110", PIPELINE, "page: {type: uri_file, mode: upload}", "page: ${{parent.outputs.decision}}", "page: ${", "has one writer"),
    Case("AML111", BOTH, "type: command\n    component: <<", "type: parallel\n    component: <<", "parallel", "is of type command"),
    Case("AML111", PIPELINE, 'trial: << ref("components/train") >>', 'trial: << ref("components/prep") >>', "sweep", "must be of type command"),
    Case("AML112", BOTH, "depth: ${{parent.inputs.depth}}", "depth: 3", "depth: {type", "no job uses the pipeline's input"),
    Case("AML113", BOTH, "    outputs:\n      decision: ${{parent.outputs.decision}}\n", "", "decision:", "no job writes"),
]  # fmt: skip

COMMANDS = [
    Case("AML201", TRAIN, "${{inputs.rate}}", "${{inputs.rata}}", "rata", "inputs has no 'rata'; did you mean rate?"),
    Case("AML201", TRAIN, "${{outputs.model}}", "${{outputs.modle}}", "modle", "did you mean model?"),
    Case("AML201", TRAIN, "${{inputs.rate}}", "${{input.rate}}", "input.rate", "did you mean inputs?"),
    Case("AML201", PREP, "--prepared ${{outputs.prepared}}", "--prepared ${{outputs.prep}}", "outputs.prep}", "no 'prep'"),
    Case("AML201", TUNE, "search_space.depth", "search_space.height", "height", "search_space has no 'height'"),
    Case("AML201", PIPELINE, "${{inputs.title}}", "${{inputs.titel}}", "titel", "did you mean title?"),
    Case("AML202", TRAIN, "--rate ${{inputs.rate}} ", "", "rate: {", "'rate' is declared, but no command uses"),
    Case("AML202", TRAIN, "--model ${{outputs.model}}", "--last", "model: {type", "no command uses ${{outputs.model}}"),
    Case("AML202", PREP, "--prepared ${{outputs.prepared}}", "--verbose", "prepared: {", "no command uses"),
    Case("AML202", PIPELINE, " ${{inputs.log}}", " none", "inputs: {log", "no command uses ${{inputs.log}}"),
    Case("AML203", GATE, "--model ${{inputs.model}}", "--m ${{parent.inputs.m}} ${{inputs.model}}", "parent", "no pipeline"),
    Case("AML204", TRAIN, "$[[--warm-start ${{inputs.warm_start}}]]", "--warm-start ${{inputs.warm_start}}", "warm-start", "$[["),
    Case("AML204", PREP, "$[[--weather ${{inputs.weather}}]]", "--weather ${{inputs.weather}}", "--weather", "$[["),
    Case("AML205", TRAIN, "-u train.py", "-u trian.py", "trian", "trian.py is not in components/train/src/", "-m train"),
    Case("AML205", PREP, "entry_script: prep.py", "entry_script: prepare.py", "entry_script", "not in components/prep/"),
    Case("AML205", DEPLOYMENT, "scoring_script: score.py", "scoring_script: main.py", "scoring_script", "main.py is not"),
    Case("AML205", PIPELINE, "    code: ./report\n", "", "python report.py", "there is no `code`"),
]  # fmt: skip

THEMES = [
    Case("AML301", PIPELINE, "      loss: {type: choice", "      los: {type: choice", "los:", "did you mean loss?"),
    Case("AML107", PIPELINE, "max_value: 0.5", "max_value: 5", "rate: {type: uni", "5 is above max 1", "max_value: 0.9"),
    Case("AML107", PIPELINE, "values: [squared, absolute]", "values: [cubed]", "loss: {", "none of squared, absolute"),
    Case("AML302", TUNE, "{goal: maximize, primary_metric: r2}", "{goal: maximize}", "objective", "lacks primary_metric"),
    Case("AML302", PIPELINE, "{goal: minimize,", "{goal: min,", "objective", "goal is 'min'", "{goal: maximize,"),
    Case("AML303", TUNE, "{type: choice, values: [2, 4]}", "{type: randint, upper: 4}", "randint", "can't draw 'depth'"),
    Case("AML304", PIPELINE, "max_concurrent_trials: 2", "max_concurrent_trials: 50", "max_conc", "is 50, but max_total"),
    Case("AML311", PREP, "input_data: ${{inputs.flights}}", "input_data: ${{inputs.flight}}", "input_data", "mean flights?"),
    Case("AML311", PREP, "input_data: ${{inputs.flights}}", "input_data: ./flights", "input_data", "bind it to the input"),
    Case("AML312", PREP, "{type: mltable, mode: eval_mount}", "{type: uri_folder}", "partition_keys", "make it mltable"),
    Case("AML401", ONLINE, "green: 10}\nm", "green: 20}\nm", "traffic: {b", "adds up to 110", "green: 0, red: 10}\nm"),
    Case("AML402", ONLINE, "mirror_traffic: {green: 10}", "mirror_traffic: {green: 60}", "mirror", "mirrors 60 percent"),
    Case("AML402", ONLINE, "mirror_traffic: {green: 10}", "mirror_traffic: {green: 10, red: 5}", "mirror", "only one"),
    Case("AML403", DEPLOYMENT, "endpoint_name: score-", "endpoint_name: scores-", "endpoint_name", "in this folder is"),
    Case("AML501", NIGHTLY, "30 2,14 * * mon-fri", "30 2 * *", "expression", "has 4 fields", '"*/15 0-6/2 * * 0,6"'),
    Case("AML501", NIGHTLY, "30 2,14 * * mon-fri", "30 24 * * *", "expression", "hour '24'", "0 0 * * Sunday"),
    Case("AML501", NIGHTLY, "30 2,14 * * mon-fri", "0 0 1 * *", "expression", "ignores the day", "0 0 * * *"),
    Case("AML501", NIGHTLY, "30 2,14 * * mon-fri", "0 0 * * fri-mon", "expression", "weekday 'fri-mon'"),
    Case("AML502", DRIFT, "interval: 1\n", "interval: 0\n", "interval", "interval is 0", "interval: 2\n"),
    Case("AML502", DRIFT, "frequency: day", "frequency: daily", "frequency", "frequency is 'daily'", "frequency: week"),
    Case("AML502", DRIFT, "hours: 3,", "hours: 24,", "hours", "hours has 24; from 0 to 23", "hours: [0, 23],"),
    Case("AML503", NIGHTLY, "W. Europe Standard Time", "Europe/Berlin", "time_zone", "no time zone 'Europe/Berlin'", "UTC"),
    Case("AML503", NIGHTLY, "type: cron", "type: cron\n  start_time: 2026-02-01T00:00:00\n  end_time: 2026-01-01T00:00:00", "end_time", "is not after"),
    Case("AML511", DRIFT, "type: data_quality", "type: data_qualty", "data_qualty", "did you mean data_quality?"),
    Case("AML512", DRIFT, "jensen_shannon_distance: 0.1", "chi_squared_test: 0.1", "chi_squared", "mean pearsons_chi_squared_test?"),
    Case("AML512", DRIFT, "out_of_bounds_rate: 0.05", "accuracy: 0.05", "accuracy", "is no metric that signal 'quality'"),
    Case("AML513", DRIFT, "{jensen_shannon_distance: 0.1}", "{jensen_shannon_distance: 0.1, population_stability_index: 0.2}", "categorical", "only one categorical"),
    Case("AML513", DRIFT, "normalized_wasserstein_distance: 0.1", "normalized_wasserstein_distance: 0", "numerical: {norm", "threshold of 0"),
]  # fmt: skip


def name(case: Case) -> str:
    return f"{case.code}-{case.says[:30]}"


def found(root: Path, template: str) -> list[Finding]:
    """Findings of the spec of one template."""
    project = Project(root, "local")
    build = write_build(project)
    [spec] = [spec for spec in project.specs.values() if spec.template == template]
    with listening() as logged:
        return list(findings(Subject(spec, Repository(project)), build, logged))


def test_the_repository_that_the_cases_spoil_is_right(tmp_path: Path) -> None:
    assert check(copied(tmp_path), "local") == ([], 16)


@pytest.mark.parametrize("case", FILES + PIPELINES + COMMANDS + THEMES, ids=name)
def test_a_wrong_spec_is_found_at_its_line(case: Case, tmp_path: Path) -> None:
    root = copied(tmp_path)
    replace(root, case.path, case.old, case.wrong)

    problems = found(root, PIPELINE if case.path == SETTINGS else case.path)

    line = line_of(root, case.path, case.line)
    where = [(finding.code, finding.path, finding.line) for finding in problems if case.says in finding.message]
    assert (case.code, case.path, line) in where, [*map(str, problems)]


@pytest.mark.parametrize("case", [case for case in FILES + PIPELINES + COMMANDS + THEMES if case.right], ids=name)
def test_its_twin_is_not(case: Case, tmp_path: Path) -> None:
    root = copied(tmp_path)
    replace(root, case.path, case.old, case.right)

    assert [*map(str, found(root, case.path))] == []


def test_every_code_has_a_case() -> None:
    """AML001 and AML003 are in test_check_command.py: they need more than a changed text."""
    cases = {case.code for case in FILES + PIPELINES + COMMANDS + THEMES}
    assert cases == CODES.keys() - {"AML001", "AML003"}
