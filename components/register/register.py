"""Registers the model that the gate let through as the next version, with what it takes to trace it back.

Safe to repeat: a model is known by the `model_uuid` that training gave it, so whatever was interrupted is finished, and
what was finished is found again, by this run or another. And safe to repeat late: the decision compared the model with
one champion, so a registry that has a newer one by now is not added to.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model

JOB_VARIABLES = {"job": "AZUREML_RUN_ID", "root_job": "AZUREML_ROOT_RUN_ID"}
COMMIT = "mlflow.source.git.commit"


class RegisterError(Exception):
    """The model must not be registered although the gate allowed it; the message says why and what to do."""


def main(args: argparse.Namespace) -> int:
    decision = json.loads((args.decision / "decision.json").read_text(encoding="utf-8"))
    try:
        version = register(args, decision) if decision["promote"] else None
    except RegisterError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    result = {"model": args.model_name if version else None, "version": version, "reason": decision["reason"]}
    (args.registered / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    name = f"{args.model_name}:{version}" if version else "none"
    mlflow.set_tag("registered", name)
    print(f"registered model: {name}; {decision['reason']}")
    return 0


def register(args: argparse.Namespace, decision: dict[str, Any]) -> str:
    """Version of the model in the registry, made unless it is there.

    Raises:
        RegisterError: the decision is about another model, or the champion has changed since.
    """
    model = Model.load(args.model)
    if model.model_uuid != decision["candidate"]["model_uuid"]:
        judged = decision["candidate"]["model_uuid"]
        raise RegisterError(f"the decision is about model {judged}, not {model.model_uuid}; wire both to one step")
    versions = MlflowClient().search_model_versions(f"name='{args.model_name}'")
    known = [version for version in versions if version.tags.get("model_uuid") == model.model_uuid]
    if known:
        return str(known[0].version)
    refuse_new_champion(args.model_name, versions, decision["champion"])
    run = mlflow.active_run() or mlflow.start_run()  # the platform's run, by MLFLOW_RUN_ID
    mlflow.log_artifacts(str(args.model), "model")
    tags = version_tags(run.info.run_id, model, decision)
    registered = mlflow.register_model(f"runs:/{run.info.run_id}/model", args.model_name, tags=tags)
    return str(registered.version)


def refuse_new_champion(name: str, versions: list[ModelVersion], champion: dict[str, Any] | None) -> None:
    newest = max((int(version.version) for version in versions if not archived(version)), default=None)
    judged = int(champion["version"]) if champion else None
    if newest != judged:
        against = f"version {judged}" if judged else "no champion"
        now = f"at version {newest}" if newest else "without a champion"
        raise RegisterError(
            f"{name} is {now} by now, and the model was judged against {against}; "
            "judge it again: submit the pipeline with --set settings.force_rerun=true"
        )


def archived(version: ModelVersion) -> bool:
    """Whether somebody has taken a version out of use: it is no champion any more.

    `az ml model archive` leaves a tag in a local workspace; Azure leaves the version out of listings. Tools that know
    only MLflow have the stage.
    """
    return "azureml.archived" in version.tags or version.current_stage == "Archived"


def version_tags(run_id: str, model: Model, decision: dict[str, Any]) -> dict[str, str]:
    """What a registered version tells: data, commit, jobs, metrics on the test month, and the gate's reason."""
    metrics = {name: f"{value:.6g}" for name, value in decision["candidate"]["metrics"].items() if value is not None}
    data = {f"data.{name}": version for name, version in model.metadata["data"].items()}
    jobs = {tag: os.environ[variable] for tag, variable in JOB_VARIABLES.items() if variable in os.environ}
    commit = commit_of(run_id)
    return {
        "model_uuid": model.model_uuid,
        **data,
        **({"commit": commit} if commit else {}),
        **jobs,
        "test_month": decision["test_month"],
        **metrics,
        "gate": decision["reason"],
    }


def commit_of(run_id: str | None) -> str | None:
    """Commit that the platform noted on this run or on one above it. No argument: it would change the step's inputs."""
    while run_id:
        tags = MlflowClient().get_run(run_id).data.tags
        if COMMIT in tags:
            return tags[COMMIT]
        run_id = tags.get("mlflow.parentRunId")
    return None


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="MLflow model that was judged")
    parser.add_argument("--decision", type=Path, required=True, help="folder of decision.json")
    parser.add_argument("--model-name", required=True, help="registered model that gets a version")
    parser.add_argument("--registered", type=Path, required=True, help="output: folder of result.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
