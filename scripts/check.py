"""Check the specs: render them, load each with azure-ai-ml and lint what Azure would fail on later; and CI's pipelines.

    python -m scripts.check --env dev
    python -m scripts.check --format sarif --output build/check.sarif

Prints `template:line: CODE message` for each finding and exits with 1 if there is one that is no warning;
docs/checks.md explains them.
"""

import argparse
import sys
from pathlib import Path

from scripts.ci.check import check_ci
from scripts.ci.validators import NoValidators
from scripts.specs.config import environments
from scripts.specs.lint.check import check
from scripts.specs.lint.findings import merged
from scripts.specs.lint.reports import REPORTS


def main(args: argparse.Namespace) -> int:
    root = Path.cwd()
    envs = [args.env] if args.env else environments(root)
    try:
        of_ci = check_ci(root)
    except NoValidators as error:
        print(error, file=sys.stderr)
        return 1
    checked = {env: check(root, env) for env in envs}
    found = checked[args.env][0] if args.env else merged({env: findings for env, (findings, _) in checked.items()})
    found = sorted([*found, *of_ci])
    report = REPORTS[args.format](found)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(report, encoding="utf-8")
    elif report:
        print(report, end="")
    specs = max(count for _, count in checked.values())
    # Beside a report it goes to stderr: `make -s check FORMAT=sarif > specs.sarif` has to be nothing but the report.
    beside = sys.stderr if report else sys.stdout
    print(f"{specs} specs, {', '.join(envs)}: {_counted(len(found))}", file=beside)
    return 0 if all(finding.warning for finding in found) else 1


def _counted(number: int) -> str:
    return "no findings" if number == 0 else "1 finding" if number == 1 else f"{number} findings"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", help="environment: a file of config/ (default: all of them)")
    parser.add_argument("--format", choices=sorted(REPORTS), default="text", help="of the report (default: text)")
    parser.add_argument("--output", type=Path, help="file for the report (default: standard output)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
