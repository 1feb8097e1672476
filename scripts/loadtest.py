"""Load test of the online endpoint with Locust: requests per second, p50, p95, p99 and errors against the limits.

    python -m scripts.loadtest --env dev --locust .tools/loadtest/bin/locust

The limits are `loadtest` of config/. Ends with 1 if one is not kept; build/<env>/loadtest.json has the figures.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError, workspace_flags
from scripts.looking.files import write_whole
from scripts.looking.table import shown, table
from scripts.rolling.online import OnlineEndpoint
from scripts.rolling.specs import SAMPLE, serving_of
from scripts.specs.errors import SpecError
from scripts.specs.project import Project

LOCUSTFILE = Path(__file__).with_name("rolling") / "locustfile.py"
LIMITS = {  # what is measured -> key of its limit in config/, and whether it is the most or the least
    "error_rate": ("max_error_rate", "at most"),
    "rps": ("min_rps", "at least"),
    "p50_ms": ("max_p50_ms", "at most"),
    "p95_ms": ("max_p95_ms", "at most"),
    "p99_ms": ("max_p99_ms", "at most"),
}


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        serving, settings = serving_of(project), project.config["loadtest"]
        uri, key = OnlineEndpoint(serving.name, workspace_flags(project.config)).address()
        sample = Path(serving.folder) / SAMPLE
        print(f"{settings['users']} users for {settings['seconds']} s: {uri}", flush=True)
        measured = load(args.locust, uri, key, sample, settings)
    except (SpecError, AzError) as error:
        print(error, file=sys.stderr)
        return 1
    broken = [name for name in LIMITS if over(name, measured, settings)]
    print("\n".join(report(measured, settings)))
    path = Path("build") / args.env / "loadtest.json"
    facts = {**measured, "endpoint": serving.name, "settings": settings, "kept": not broken}
    write_whole(path, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    print(f"  figures: {path}")
    return 1 if broken else 0


def load(locust: Path, uri: str, key: str, sample: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Runs Locust and returns what it measured.

    Raises:
        AzError: it did not run to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "report.json"
        line = [str(locust), "--locustfile", str(LOCUSTFILE), "--headless", "--only-summary"]
        line += ["--users", str(settings["users"]), "--spawn-rate", str(settings["users"])]
        line += ["--run-time", f"{settings['seconds']}s", "--exit-code-on-error", "0", "--loglevel", "WARNING"]
        variables = {"LOAD_URI": uri, "LOAD_KEY": key, "LOAD_SAMPLE": str(sample), "LOAD_REPORT": str(result)}
        done = subprocess.run(line, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        if done.returncode or not result.is_file():
            raise AzError(f"locust ended with exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
        measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return measured


def over(name: str, measured: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether a figure is beyond its limit; one of no requests at all always is."""
    key, bound = LIMITS[name]
    if not measured["requests"]:
        return True
    return bool(measured[name] > settings[key] if bound == "at most" else measured[name] < settings[key])


def report(measured: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    rows = [
        [name, shown(measured[name]), f"{bound} {settings[key]:g}", "over" if over(name, measured, settings) else "ok"]
        for name, (key, bound) in LIMITS.items()
    ]
    requests = f"  {measured['requests']:,} requests, {measured['failed']:,} failed"
    return [requests, *table(["", "measured", "limit", ""], rows), *(f"  {one}" for one in measured["problems"])]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--locust", type=Path, required=True, help="the program; `make loadtest` builds it")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
