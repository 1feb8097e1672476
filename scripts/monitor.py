"""Watch the online endpoint: create its monitor and, on the local workspace, run it now and print what it found.

    python -m scripts.monitor --env local

The spec is rendered for the deployment that has the traffic and for the data that its model was trained on, and goes to
`az ml schedule create`. In Azure the service runs it then, every day.

Exit code: 0 nothing is beyond its threshold, 1 it could not be found out, 3 something is (`make` ends with 2 then).
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from scripts.alert import alert
from scripts.arguments import env_parser
from scripts.az import AzError, az, az_json, az_shown, is_local
from scripts.looking.files import write_whole
from scripts.looking.table import shown, table
from scripts.looking.workspace import Document, Workspace
from scripts.releasing.current import current_release
from scripts.releasing.errors import ReleaseError
from scripts.releasing.lineage import reference_made_by
from scripts.releasing.route import refuse_unserved
from scripts.rolling.models import served
from scripts.rolling.specs import serving_of
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project, Spec

VERDICTS = {"ok": 0, "breached": 3}  # anything else is 1


def main(args: argparse.Namespace) -> int:
    try:
        project, workspace = watching(args.env)
        spec = monitor_of(project)
        create(project, spec, workspace)
        if not is_local():
            print(f"Azure runs it as its trigger says; now: az ml schedule trigger --name {spec.name}")
            return 0
        results = run(spec, workspace, args.env)
        if results:
            print("\n".join(report(results)))
        _, told = alert(workspace, spec.name, project.config, os.environ)
    except (SpecError, AzError, ReleaseError) as error:
        print(error, file=sys.stderr)
        return 1
    return VERDICTS.get(results["verdict"], 1) if results and told else 1


def watching(env: str) -> tuple[Project, Workspace]:
    """The specs for what is served now, and the workspace.

    Raises:
        AzError: nothing is served, or nobody knows what its model was trained on.
        ReleaseError: something else is served than what was released.
    """
    project = Project(Path.cwd(), env)
    workspace, model = Workspace(project.config), project.config["model"]
    deployment = live(serving_of(project).name, workspace)
    if project.registry:
        release = current_release(project.root, project.config)
        refuse_unserved(deployment, release.model_id, env)
        reference = release.reference
    else:
        reference = project.config["monitor"]["reference"] or reference_of(deployment, model, workspace)
    values = {"monitor.deployment": deployment["name"], "monitor.reference": reference}
    return Project(Path.cwd(), env, values), workspace


def live(endpoint: str, workspace: Workspace) -> Document:
    """The deployment that has most of the traffic.

    Raises:
        AzError: none has any.
    """
    document = az_json(["ml", "online-endpoint", "show", "--name", endpoint, *workspace.flags])
    traffic = {name: int(share) for name, share in (document.get("traffic") or {}).items() if int(share) > 0}
    if not traffic:
        raise AzError(f"no deployment of {endpoint} has traffic, so there is nothing to watch; make deploy")
    name = max(traffic, key=lambda one: traffic[one])
    line = ["ml", "online-deployment", "show", "--endpoint-name", endpoint, "--name", name]
    deployment: Document = az_json([*line, *workspace.flags])
    return deployment


def reference_of(deployment: Document, model: str, workspace: Workspace) -> str:
    """Version of <model>-reference that the train job of a deployment's model has registered.

    Raises:
        AzError: there is none.
    """
    name, _, version = served(deployment).partition(":")
    job = workspace.model(name, version).get("tags", {}).get("root_job")
    found = reference_made_by(job, model, workspace) if job else None
    if found is None:
        raise AzError(
            f"{name}:{version} has no data asset {model}-reference from its train job {job or '(unknown)'}; register "
            "what it was trained on, with a column `prediction`, and give config its version: monitor.reference"
        )
    return found


def monitor_of(project: Project) -> Spec:
    """The monitor among the specs.

    Raises:
        SpecError: there is none, or there are several.
    """
    found = [spec for spec in project.specs.values() if "create_monitor" in spec.document]
    if len(found) != 1:
        raise SpecError("monitors", f"one monitor is run; there are: {', '.join(one.key for one in found) or 'none'}")
    return found[0]


def create(project: Project, spec: Spec, workspace: Workspace) -> None:
    """Creates the schedule, or brings it to what its spec says."""
    folder = write_build(project, [spec.key]).relative_to(project.root)
    line = ["ml", "schedule", "create", "--file", f"{folder}/{spec.path}"]
    print(f"az {' '.join(line)}", flush=True)
    # No output: the dots of its progress come before the JSON.
    done = az([*line, *workspace.flags, "--output", "none"])
    for text in done.stderr.splitlines():
        if text.startswith("WARNING"):
            print(text)


def run(spec: Spec, workspace: Workspace, env: str) -> Document | None:
    """Runs the monitor now; its results, None if the job came to none. The report goes to build/<env>/.

    A job that failed, since a step of some signals did, may have a report of the others.
    """
    line = ["ml", "schedule", "trigger", "--name", spec.name]
    print(f"az {' '.join(line)}", flush=True)
    job = az_json([*line, *workspace.flags]).get("job_name")
    if not job:
        raise AzError("az ml schedule trigger gave no job name")
    az_shown(["ml", "job", "stream", "--name", job, *workspace.flags])
    status = workspace.job(job)["status"]
    if status != "Completed":
        print(f"job {job}: {status}", file=sys.stderr)
    folder = Path("build") / "monitor" / job
    found = folder / "named-outputs" / "report"
    line = ["ml", "job", "download", "--name", job, "--output-name", "report", "--download-path", str(folder)]
    try:
        az([*line, *workspace.flags])
        results: dict[str, Any] = json.loads((found / "results.json").read_text(encoding="utf-8"))
    except (AzError, FileNotFoundError) as error:
        if status != "Completed":
            return None
        raise AzError(f"job {job} has no report: {error}") from error
    page = Path("build") / env / "monitor.html"
    shutil.copyfile(found / "report.html", page)
    write_whole(Path("build") / env / "monitor.json", json.dumps({**results, "page": str(page)}, indent=2) + "\n")
    return {**results, "page": str(page)}


def report(results: Document) -> list[str]:
    """Figures and findings as lines for a terminal."""
    rows = [
        [signal["signal"], row["feature"], row["metric"], shown(row["value"]), shown(row["threshold"]), judged(row)]
        for signal in results["signals"]
        for row in signal["features"]
    ]
    lines = ["", *table(["signal", "feature", "metric", "value", "threshold", "verdict"], rows)]
    for signal in results["signals"]:
        for finding in signal["findings"]:
            what = f"{signal['signal']}{', ' + finding['feature'] if finding['feature'] else ''}"
            lines.append(f"  {finding['level']}: {what}: {finding['message']}")
    lines += [f"  warning: {text}" for text in results["warnings"]]
    return [*lines, "", f"report: {results['page']}"]


def judged(row: Document) -> str:
    return "breached" if row["breached"] else "unknown" if row["value"] is None else "ok"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
