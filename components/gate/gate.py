"""Decides whether a candidate may be registered: a pure function of its evaluation and a policy.

Promotion has to be earned. Worse, equal, a champion that can't be judged, a metric that is missing or no number: each
refuses. Where there is no champion, keeping the absolute limits is enough. A refusal is a result and exits with 0; a
policy or an evaluation that can't be read is an error and exits with 1.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlflow
import yaml
from policy import GateError, Policy, load_policy, number


@dataclass(frozen=True)
class Check:
    """One rule of the policy, applied.

    Args:
        rule: in words.
        value: what the evaluation says; None if it says nothing or not a number.
        limit: what the policy asks for.
        passed: the verdict.
        finding: value and limit in a sentence.
    """

    rule: str
    value: float | None
    limit: float | None
    passed: bool
    finding: str


@dataclass(frozen=True)
class Decision:
    """The gate's verdict, why, and every rule that led to it."""

    promote: bool
    reason: str
    checks: list[Check]


def decide(evaluation: dict[str, Any], policy: Policy) -> Decision:
    """Judges a candidate.

    Args:
        evaluation: `candidate` with `metrics` and `slices`; `champion` likewise, or with `error` if it can't be judged,
            or None if there is none.
        policy: the rules.

    Raises:
        GateError: the evaluation lacks candidate or champion.
    """
    candidate, champion = mapping(evaluation, "candidate"), evaluation.get("champion", "missing")
    if not candidate or not isinstance(champion, dict | None):
        raise GateError("evaluation.json: it needs `candidate` and `champion` (null if there is none); evaluate again")
    checks = [check_limit(candidate, *limit) for limit in policy.limits]
    if champion is None:
        value = number(candidate, "metrics", policy.metric)
        finding = f"{policy.metric} {shown(value)}, and there is no champion yet"
        checks.append(Check(f"{policy.metric} is a number", value, None, value is not None, finding))
    elif "error" in champion:
        finding = f"the champion, version {champion.get('version')}, can't be judged: {champion['error']}"
        checks.append(Check("champion can be judged", None, None, False, finding))
    else:
        gain = check_gain(candidate, champion, policy)
        finding = gain.finding
        checks += [gain, *check_slices(candidate, champion, policy)]
    failed = [check.finding for check in checks if not check.passed]
    if not failed:
        return Decision(True, f"{finding}; all {len(checks)} rules hold", checks)
    more = f"; {len(failed) - 3} more" if len(failed) > 3 else ""
    return Decision(False, "; ".join(failed[:3]) + more, checks)


def check_limit(candidate: dict[str, Any], metric: str, side: str, limit: float) -> Check:
    value = number(candidate, "metrics", metric)
    passed = value is not None and (value <= limit if side == "max" else value >= limit)
    bound = f"at {'most' if side == 'max' else 'least'} {limit:g}"
    finding = f"{metric} {shown(value)}, {'within' if passed else 'not'} {bound}"
    return Check(f"{metric} {bound}", value, limit, passed, finding)


def check_gain(candidate: dict[str, Any], champion: dict[str, Any], policy: Policy) -> Check:
    """The candidate has to be better by the minimum gain; an equal one is refused also where that is 0."""
    new, old = (number(model, "metrics", policy.metric) for model in (candidate, champion))
    gain = policy.gain(new, old)
    needed = f"{policy.minimum_gain:.2%}" if policy.relative else f"{policy.minimum_gain:g}"
    passed = gain is not None and gain > 0 and gain >= policy.minimum_gain
    finding = f"{policy.metric} {shown(new)} against {shown(old)} of champion version {champion.get('version')}"
    if gain is not None:
        size = f"{abs(gain):.2%}" if policy.relative else f"{abs(gain):.4g}"
        finding += f" is {size} {'better' if gain > 0 else 'worse'}" if gain else " is equal"
        finding += "" if passed else f", at least {needed} is needed" if gain > 0 else ""
    return Check(f"{policy.metric} better than the champion by {needed}", gain, policy.minimum_gain, passed, finding)


def check_slices(candidate: dict[str, Any], champion: dict[str, Any], policy: Policy) -> list[Check]:
    """No slice with enough rows may be worse than the champion by more than the policy bears."""
    by = policy.slice_by
    slices = mapping(mapping(candidate, "slices"), by)
    large = [name for name in slices if (number(slices, name, "rows") or 0) >= policy.slice_rows]
    checks = []
    for name in large:
        new, old = (number(model, "slices", by, name, policy.metric) for model in (candidate, champion))
        gain = policy.gain(new, old, relative=True)
        passed = gain is not None and -gain <= policy.slice_loss
        finding = f"{by} {name}: {policy.metric} {shown(new)} against {shown(old)} of the champion"
        if not passed and gain is not None:
            finding += f" is {-gain:.1%} worse, at most {policy.slice_loss:.1%} is allowed"
        rule = f"{by} {name} at most {policy.slice_loss:.1%} worse"
        checks.append(Check(rule, None if gain is None else -gain, policy.slice_loss, passed, finding))
    if not large:
        finding = f"no {by} has the {policy.slice_rows:,} rows that the policy asks for, so none was compared"
        checks.append(Check(f"slices by {by}", 0, policy.slice_rows, False, finding))
    return checks


def mapping(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def shown(value: float | None) -> str:
    return "missing or not a number" if value is None else f"{value:.4g}"


def main(args: argparse.Namespace) -> int:
    try:
        policy = load_policy(yaml.safe_load(args.policy.read_text(encoding="utf-8")))
        evaluation = json.loads((args.evaluation / "evaluation.json").read_text(encoding="utf-8"))
        if not isinstance(evaluation, dict):
            raise GateError("evaluation.json: it is no mapping; evaluate again")
        decision = decide(evaluation, policy)
    except (GateError, OSError, ValueError, yaml.YAMLError) as error:
        print(f"ERROR the gate can't decide, so nothing is registered: {error}", file=sys.stderr)
        return 1
    judged = {name: evaluation.get(name) for name in ("model", "test_month", "rows", "candidate", "champion")}
    text = json.dumps(asdict(decision) | judged, indent=2)
    (args.decision / "decision.json").write_text(text + "\n", encoding="utf-8")
    for check in decision.checks:
        print(f"{'ok     ' if check.passed else 'REFUSED'} {check.rule}: {check.finding}")
    print(f"{'PROMOTED' if decision.promote else 'NOT PROMOTED'}: {decision.reason}")
    broken = sum(not check.passed for check in decision.checks)
    mlflow.log_metrics({"promote": int(decision.promote), "rules_broken": broken})
    mlflow.set_tags({"gate": "promoted" if decision.promote else "refused", "gate.reason": decision.reason})
    mlflow.log_artifacts(str(args.decision), "decision")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluation", type=Path, required=True, help="folder of evaluation.json")
    parser.add_argument("--policy", type=Path, default=Path("policy.yml"), help="the rules (default: policy.yml)")
    parser.add_argument("--decision", type=Path, required=True, help="output: folder of decision.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
