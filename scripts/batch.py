"""Score files with the registered model: a job of the batch endpoint, and its predictions in build/batch/<job>/.

    python -m scripts.batch --env dev --input flights/
    python -m scripts.batch --env dev --input azureml:prepared:3 --model-version 3

The input is a file or folder of CSV or Parquet with the columns of the model, here or in a datastore. Endpoint and
deployment are made if they are missing.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import AzError, az, az_json, az_shown, shell_line, workspace_flags
from scripts.looking.files import write_whole
from scripts.releasing.errors import ReleaseError
from scripts.rolling.inputs import input_type
from scripts.rolling.models import version_of
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project, Spec

OUTPUT = "score"  # of every batch job


def main(args: argparse.Namespace) -> int:
    try:
        config = Project(Path.cwd(), args.env).config
        where, kind = workspace_flags(config), input_type(args.input)
        version = version_of(Path.cwd(), config, args.model_version)
        project = Project(Path.cwd(), args.env, {"model_version": version})
        endpoint, deployment = batch_specs(project)
        deploy(project, endpoint, deployment, where)
        job = invoke(endpoint.name, deployment.name, args.input, kind, where)
        folder = follow(job, where)
        found = {
            "endpoint": endpoint.name,
            "model": f"{config['model']}:{version}",
            "input": args.input,
            "job": job,
            **summary(folder, deployment),
        }
    except (SpecError, AzError, ReleaseError) as error:
        print(error, file=sys.stderr)
        return 1
    write_whole(Path("build") / args.env / "batch.json", json.dumps(found, indent=2, sort_keys=True) + "\n")
    print(f"{found['rows']:,} predictions by {found['model']}: {found['file']}")
    return 0


def batch_specs(project: Project) -> tuple[Spec, Spec]:
    """The batch endpoint that scores, and its deployment of the model.

    Raises:
        SpecError: there is none, or there are several.
    """
    deployments = [
        spec
        for spec in project.specs.values()
        if spec.kind.name == "batch deployment" and spec.document.get("type") == "model"
    ]
    if len(deployments) != 1:
        found = ", ".join(spec.template for spec in deployments) or "none"
        raise SpecError("endpoints/batch", f"one deployment of a model is needed; there are: {found}")
    return project.specs[f"{deployments[0].key.rpartition('/')[0]}/endpoint"], deployments[0]


def deploy(project: Project, endpoint: Spec, deployment: Spec, where: list[str]) -> None:
    """Makes the endpoint if it is missing, and brings the deployment to what its spec says."""
    folder = write_build(project, [endpoint.key, deployment.key]).relative_to(project.root)
    show = ["ml", "batch-endpoint", "show", "--name", endpoint.name, *where, "--output", "none"]
    lines = [["ml", "batch-deployment", "create", "--file", f"{folder}/{deployment.path}", "--set-default"]]
    # One that is there is not created again: that would take its default away from whoever calls it meanwhile.
    if az(show, expected=(0, 3)).returncode:
        lines.insert(0, ["ml", "batch-endpoint", "create", "--file", f"{folder}/{endpoint.path}"])
    for arguments in lines:
        print(shell_line(arguments), flush=True)
        az([*arguments, *where, "--output", "none"])


def invoke(endpoint: str, deployment: str, source: str, kind: str, where: list[str]) -> str:
    """Submits the job and returns its name."""
    arguments = ["ml", "batch-endpoint", "invoke", "--name", endpoint, "--deployment-name", deployment]
    arguments += ["--input", source, "--input-type", kind]
    print(shell_line(arguments), flush=True)
    job = az_json([*arguments, *where]).get("name")
    if not job:
        raise AzError("az ml batch-endpoint invoke gave no job name")
    return str(job)


def follow(job: str, where: list[str]) -> Path:
    """Follows the job to its end and downloads its output.

    Raises:
        AzError: the job did not complete. `az ml job stream` ends with 0 for a canceled job too, so the status decides.
    """
    az_shown(["ml", "job", "stream", "--name", job, *where])
    status = az_json(["ml", "job", "show", "--name", job, *where])["status"]
    if status != "Completed":
        raise AzError(f"job {job}: {status}")
    folder = Path("build") / "batch" / job
    az(["ml", "job", "download", "--name", job, "--output-name", OUTPUT, "--download-path", str(folder), *where])
    return folder


def summary(folder: Path, deployment: Spec) -> dict[str, Any]:
    """File of the predictions and the number of its rows.

    Raises:
        AzError: there is no such file.
    """
    name = deployment.document.get("settings", {}).get("output_file_name", "predictions.csv")
    path = next(iter(sorted(folder.rglob(name))), None)
    if path is None:
        raise AzError(f"{folder}: the job's output has no {name}")
    with path.open(encoding="utf-8", newline="") as file:
        return {"file": str(path), "rows": sum(1 for _ in csv.reader(file))}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--input", required=True, help="file, folder, data asset or azureml:// path")
    parser.add_argument("--model-version", help="version of the registered model (default: the newest)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
