"""The report at the end of `make demo`: what the jobs came to, and where to look next.

    python -m scripts.demo --env local

The same goes to build/<env>/demo.json. The names of the jobs are those that `make register-data` and `make train` left
in build/jobs/; rollout, batch job and monitor are told by what their verbs left in build/<env>/.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.alerting.decide import BREACHED, Seen
from scripts.alerting.runs import breaches
from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.looking.outcome import PIPELINES, NotCompleted, read_outcome
from scripts.looking.serving import batch_lines, read_report, rollout_lines
from scripts.looking.submitted import NoJob, last_job
from scripts.looking.table import MISSING, duration, shown, shown_parameter, table
from scripts.looking.watching import monitor_lines, sent_lines
from scripts.looking.workspace import Document, Workspace
from scripts.retrain import gather, lines
from scripts.retraining.policy import Rule, rules
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError


def main(args: argparse.Namespace) -> int:
    try:
        config = load_config(Path.cwd(), args.env)
        workspace = Workspace(config)
        outcome = read_outcome(workspace, {pipeline: last_job(args.env, pipeline) for pipeline in PIPELINES})
    except (SpecError, AzError, NoJob, NotCompleted) as error:
        print(error, file=sys.stderr)
        return 1
    outcome |= {name: read_report(args.env, name) for name in ("rollout", "batch", "sent", "monitor")}
    outcome["retrain"] = offer(outcome["monitor"], workspace, config)
    path = Path("build") / args.env / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join([*report(outcome), *look_next(outcome, workspace, args.env, path)]))
    return 0


def report(outcome: Document) -> list[str]:
    """The outcome as lines for a terminal."""
    return [
        "",
        "Data",
        *table(["", "version", "rows", "months"], [data_row(name, data) for name, data in outcome["data"].items()]),
        *trial_lines(outcome["trials"]),
        *metric_lines(outcome["evaluation"]),
        "",
        f"Gate: {'promoted' if outcome['gate']['promote'] else 'refused'}",
        f"  {outcome['gate']['reason']}",
        "",
        *model_lines(outcome),
        *rollout_lines(outcome["rollout"]),
        *batch_lines(outcome["batch"]),
        *sent_lines(outcome["sent"]),
        *monitor_lines(outcome["monitor"]),
        *retrain_lines(outcome["retrain"]),
        *step_lines(outcome),
    ]


def offer(monitor: Document | None, workspace: Workspace, config: Document) -> Document | None:
    """What `make retrain` would say to what the monitor has found; None if that is no reason to retrain."""
    if monitor is None or monitor["alert"] != BREACHED:
        return None
    alerting = [signal for signal in monitor["signals"] if signal["alert_enabled"]]
    now = datetime.now(UTC)
    seen = Seen(BREACHED, now, monitor["run"], breaches(alerting))
    asked = rules(gather(workspace, config["model"], seen, "", ""), config["retrain"], now)
    return {"rules": [vars(rule) for rule in asked]}


def retrain_lines(retrain: Document | None) -> list[str]:
    return ["", *lines([Rule(**rule) for rule in retrain["rules"]])] if retrain else []


def data_row(name: str, data: Document) -> list[str]:
    months = data["months"]
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]} ({len(months)})"
    return [name, shown(data["version"]), f"{data['rows']:,}", span]


def trial_lines(trials: Document | None) -> list[str]:
    if trials is None:
        return []
    lines = ["", f"Trials: {trials['number']}, {trials['completed']} completed"]
    if trials["best"]:
        settings = ", ".join(f"{name} {shown_parameter(text)}" for name, text in trials["best"]["settings"].items())
        lines.append(f"  best: {trials['metric']} {shown(trials['best']['value'])} with {settings}")
    return lines


def metric_lines(evaluation: Document) -> list[str]:
    """Candidate and champion side by side."""
    champion = evaluation["champion"]
    heading = f"champion, version {champion['version']}" if champion else "champion"
    rows = [
        [name, shown(value), shown((champion or {}).get("metrics", {}).get(name))]
        for name, value in evaluation["candidate"].items()
    ]
    lines = ["", f"Judged on {evaluation['test_month']}, {evaluation['rows']:,} flights"]
    lines += table(["", "candidate", heading], rows)
    if champion is None:
        lines.append("  no champion was registered yet")
    elif "error" in champion:
        lines.append(f"  the champion could not be judged: {champion['error']}")
    return lines


def model_lines(outcome: Document) -> list[str]:
    model, champion = outcome["model"], outcome["evaluation"]["champion"]
    if model:
        return [f"Model: {model['name']}, version {model['version']}, registered {model['created_at'][:16]}Z"]
    stays = f"; {champion['name']}, version {champion['version']}, stays the champion" if champion else ""
    return [f"Model: none was registered, the gate refused{stays}"]


def step_lines(outcome: Document) -> list[str]:
    steps = outcome["steps"]
    rows = [
        [
            f"{step['pipeline']}: {step['step']}",
            duration(step["seconds"]),
            f"reused from {step['reused_from']}" if step["reused_from"] else step["status"].lower(),
        ]
        for step in steps
    ]
    reused = sum(bool(step["reused_from"]) for step in steps)
    if outcome["all_reused"]:
        summary = f"all {len(steps)} steps were reused: nothing that they depend on has changed"
    else:
        summary = f"{reused} of {len(steps)} steps were reused" if reused else "no step was reused"
    whole = ", ".join(f"{pipeline} {duration(job['seconds'])}" for pipeline, job in outcome["jobs"].items())
    return ["", f"Steps: {summary}", *table(["", "took", ""], rows), f"  as a whole: {whole}"]


def look_next(outcome: Document, workspace: Workspace, env: str, path: Path) -> list[str]:
    suffix = "" if env == "local" else f" ENV={env}"
    train = outcome["jobs"]["train"]
    download = f"az ml job download --name {train['name']} --output-name evaluation {' '.join(workspace.flags)}"
    rows = [
        ["this run", train["page"] or MISSING],
        ["all runs", outcome["tracking_uri"] if outcome["tracking_uri"].startswith("http") else f"make ui{suffix}"],
        ["ask the model", f"make invoke{suffix}"],
        *([["retrain", f"make retrain APPROVED_BY=name{suffix}"]] if outcome["retrain"] else []),
        ["side by side", f"make compare{suffix}"],
        ["plots", download],
        ["this report", str(path)],
    ]
    return ["", "Where to look next", *(f"  {name:<14}{where}" for name, where in rows)]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
