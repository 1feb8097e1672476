"""Train anew on drift or new data, if the policy in config/ allows it; the gate decides as always.

    python -m scripts.retrain --env local --approved-by "Ada"
    python -m scripts.retrain --env dev --approved-by "Ada" --reason "mail of the monitor, 24 July"

What led to it is in tags of the train job: reason, monitor run, data version, new rows, who approved. What these name
is no reason a second time, so cron may ask as often as it likes. In Azure, whose own alerts tell of a breach, the
reason is given by hand; new data it sees by itself.

Exit code: 0 it was trained (whether or not the gate let the model through), 1 an error, 3 the policy says no.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.alerting.decide import OK, Seen
from scripts.alerting.runs import created, look
from scripts.arguments import env_parser
from scripts.az import AzError, az_json, az_shown, is_local
from scripts.looking.files import write_whole
from scripts.looking.workspace import Workspace
from scripts.monitor import monitor_of
from scripts.retraining.facts import DATA_TAG, LONGEST, RUN_TAG, TAG, new_rows, newest_data, retrainings, unused
from scripts.retraining.policy import Facts, Rule, rules
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

REFUSED = 3
TRAIN = "pipelines/train"
NEWEST = ("inputs.train_to=newest", "inputs.test_month=newest")


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        workspace, now = Workspace(project.config), datetime.now(UTC)
        seen = Seen(OK, now)
        if not args.reason and is_local():
            overdue = timedelta(hours=project.config["alert"]["overdue_hours"])
            seen = look(workspace, monitor_of(project).name, now, overdue)
        facts = gather(workspace, project.config["model"], seen, args.reason, args.approved_by)
        asked = rules(facts, project.config["retrain"], now)
        print("\n".join(lines(asked)))
        if not all(rule.allows for rule in asked):
            return REFUSED
        return train(project, workspace, tags(facts, seen))
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1


def gather(workspace: Workspace, model: str, seen: Seen, by_hand: str, approved_by: str) -> Facts:
    """Reads what the rules are about."""
    before = retrainings(az_json(["ml", "job", "list", "--all-results", *workspace.flags]))
    data, report = newest_data(workspace)
    rows = new_rows(workspace, model, report)
    return Facts(unused(seen, by_hand, data, before), [created(job) for job in before], rows, approved_by, data)


def lines(asked: list[Rule]) -> list[str]:
    """The rules for a terminal."""
    head = "Retraining: " + ("allowed" if all(rule.allows for rule in asked) else "not yet")
    return [head, *(f"  {'yes' if rule.allows else 'no ':<4}{rule.name:<11}{rule.text}" for rule in asked)]


def tags(facts: Facts, seen: Seen) -> dict[str, str]:
    """What the train job says of why it was submitted; a value has at most LONGEST characters and is not empty."""
    found = {
        TAG: facts.reason,
        RUN_TAG: seen.run or "",
        DATA_TAG: facts.data,
        "retrain_new_rows": str(facts.new_rows),
        "retrain_approved_by": facts.approved_by,
    }
    return {name: text[:LONGEST] for name, text in found.items() if text}


def train(project: Project, workspace: Workspace, why: dict[str, str]) -> int:
    """Submits the train pipeline for the newest months, follows it and says what the gate decided."""
    folder = write_build(project, [TRAIN]).relative_to(project.root)
    line = ["ml", "job", "create", "--file", f"{folder}/{TRAIN}.yml"]
    print(f"az {' '.join(line)} --set {' '.join(NEWEST)} …", flush=True)
    values = [*NEWEST, *(f"tags.{name}={text}" for name, text in why.items())]
    job = az_json([*line, "--set", *values, *workspace.flags]).get("name")
    if not job:
        raise AzError("az ml job create gave no job name")
    write_whole(Path("build") / "jobs" / f"{project.env}-train", f"{job}\n")
    az_shown(["ml", "job", "stream", "--name", job, *workspace.flags])
    status = workspace.job(job)["status"]
    if status != "Completed":
        raise AzError(f"job {job}: {status}")
    decision = workspace.output(job, "decision", "decision.json")
    print(f"Gate: {'promoted' if decision['promote'] else 'refused'}: {decision['reason']}")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--approved-by", default="", help="who has approved")
    parser.add_argument("--reason", default="", help="why, in place of what the local monitor has found")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
