"""Batch endpoints: deployments that score data, or run a pipeline component, in jobs of the workspace."""

import builtins
import uuid
from pathlib import Path
from typing import Any

from . import batch_deployments, batch_jobs, batch_settings
from .batch_deployments import of_the_deployment
from .catalog import Row
from .endpoints import Endpoints, checked_name
from .errors import Conflict, NotFound, Unsupported, WorkspaceError
from .names import job_name

JOB_TYPE = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs"
ENDPOINT, DEPLOYMENT = "azureml.endpointname", "azureml.deploymentname"  # properties of a job


class BatchEndpoints(Endpoints):
    """An endpoint has deployments, of which one is the default. Its jobs outlive both: nothing of it runs by itself."""

    kind = "batch"

    # ---- endpoints

    def create(self, doc: dict[str, Any]) -> Row:
        """Add an endpoint, or change the one of this name; what `doc` doesn't have stays.

        Raises:
            WorkspaceError: see `update`; bad name.
        """
        self._check(str(doc.get("name") or ""), doc, new=True)
        try:
            self.insert({"auth_mode": "aad_token", **doc})
        except Conflict:
            given = {key: value for key, value in doc.items() if value not in (None, {})}
            with self._catalog.transaction():
                self._replace(doc["name"], {**self.stored(doc["name"]), **given})
        return self.get(doc["name"])

    def get(self, name: str) -> Row:
        """An endpoint's document.

        Raises:
            NotFound: no such endpoint.
        """
        return {**self.stored(name), "provisioning_state": "Succeeded"}

    def list(self) -> builtins.list[Row]:
        """Documents of all endpoints, oldest first."""
        return [self.get(name) for name in self.names()]

    def update(self, name: str, doc: dict[str, Any]) -> Row:
        """Give an endpoint another document. Jobs that run go on: they have all that they need.

        Raises:
            NotFound: no such endpoint.
            WorkspaceError: its defaults name no deployment of it; an auth_mode that batch endpoints don't have.
        """
        with self._catalog.transaction():
            self._replace(name, doc)
        return self.get(name)

    def _replace(self, name: str, doc: Row) -> None:
        """Write a document within a transaction, in which what it was made of has been read too."""
        before = self.stored(name)
        self._check(name, doc)
        kept = {key: before[key] for key in ("name", "id", "location", "creation_context")}
        own = {k: v for k, v in doc.items() if v is not None and k not in ("provisioning_state", "scoring_uri")}
        self.save(name, before, {**own, **kept})

    def delete(self, name: str) -> None:
        """Remove an endpoint and its deployments; its jobs stay.

        Raises:
            NotFound: no such endpoint.
        """
        self.stored(name)
        self.remove(name)

    def _check(self, name: str, doc: dict[str, Any], new: bool = False) -> None:
        if doc.get("auth_mode") not in (None, "aad_token"):
            raise WorkspaceError(f"auth_mode: '{doc['auth_mode']}': batch endpoints have only aad_token.")
        defaults = doc.get("defaults") or {}
        wanted = defaults.get("deployment_name")
        unknown = [key for key in defaults if key != "deployment_name"]
        if unknown:
            raise WorkspaceError(f"defaults.{unknown[0]}: there is no such default; there is: deployment_name.")
        known = [] if new and name not in self.names() else [row["name"] for row in self.rows(name)]
        if wanted and wanted not in known:
            raise WorkspaceError(
                f"defaults.deployment_name: batch endpoint '{name}' has no deployment '{wanted}'; "
                f"it has: {', '.join(known) or 'none'}."
            )

    # ---- deployments

    def create_deployment(self, doc: dict[str, Any], source: Path, set_default: bool = False) -> Row:
        """Add a deployment, or replace the one of this name.

        Args:
            doc: the deployment as azure-ai-ml gives it; `endpoint_name` names the endpoint.
            source: folder of its spec; relative local paths start there.
            set_default: whether the endpoint's default is this one from now on.

        Raises:
            NotFound: no such endpoint, model, environment or component.
            WorkspaceError: something in it can't be right; the message starts with the field.
            Unsupported: only Azure can run it.
        """
        endpoint = str(doc.get("endpoint_name") or "")
        self.stored(endpoint)
        name = checked_name("batch deployment", str(doc.get("name") or ""))
        document, plan = batch_deployments.resolved(self._ws, doc, source)
        try:
            self.insert_deployment(endpoint, name, document, plan)
        except Conflict:
            self.replace_deployment(endpoint, name, document, plan)
        if set_default:
            with self._catalog.transaction():
                self._replace(endpoint, {**self.stored(endpoint), "defaults": {"deployment_name": name}})
        return self.deployment(endpoint, name)

    def update_deployment(self, doc: dict[str, Any], source: Path) -> Row:
        """Replace a deployment; jobs that run go on with what they have.

        Raises:
            NotFound: no such endpoint or deployment; else as for `create_deployment`.
        """
        self.row(str(doc.get("endpoint_name") or ""), str(doc.get("name") or ""))
        return self.create_deployment(doc, source)

    def deployment(self, endpoint: str, name: str) -> Row:
        """A deployment's document.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        document: Row = self.row(endpoint, name)["doc"]
        return document

    def deployments(self, endpoint: str) -> builtins.list[Row]:
        """Documents of an endpoint's deployments, oldest first."""
        return [row["doc"] for row in self.rows(endpoint)]

    def delete_deployment(self, endpoint: str, name: str) -> None:
        """Remove a deployment; its jobs stay. An endpoint whose default it was has none afterwards.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        with self._catalog.transaction():
            self.row(endpoint, name)
            stored = self.stored(endpoint)
            if (stored.get("defaults") or {}).get("deployment_name") == name:
                self._replace(endpoint, {**stored, "defaults": {}})
            self.remove_deployment(endpoint, name)

    # ---- jobs

    def invoke(self, name: str, request: dict[str, Any], deployment: str | None = None) -> Row:
        """Submit a job of a deployment and return it as the service's BatchJobResource.

        Args:
            request: what it is to work on, every key as wanted: `inputs` {name: {type, path} or {type, value}},
                `outputs` {name: {type, path}}, `job_name`, `experiment_name`, and for model deployments
                `mini_batch_size`, `instance_count`, `output_path`, `settings` (see `batch_settings.of_job`).
            deployment: the endpoint's default if None.

        Raises:
            NotFound: no such endpoint, data asset or datastore.
            WorkspaceError: no such deployment, no default; an input is missing, of the wrong type or empty; the
                model's files are gone; the job's name is taken.
        """
        plan, chosen = self._deployed(name, deployment)
        scores = plan["kind"] == "model"
        # Names of the service's own: `batchjob-…` for models, `pipelinejob-…` for components.
        job = str(request.get("job_name") or f"{'batchjob' if scores else 'pipelinejob'}-{uuid.uuid4()}")
        document = self._scoring(job, plan, request) if scores else self._pipeline(plan, request)
        properties = {
            ENDPOINT: name,
            DEPLOYMENT: chosen,
            "azureml.runLineageType": "batchDeployment",
            "runSource": "BatchDeployment",
            "runType": "HTTP",
        }
        document |= {
            "display_name": job_name(),
            "experiment_name": request.get("experiment_name") or name,
            "properties": properties,
            "tags": {"azureml.batchrun": "true", DEPLOYMENT: chosen, "azureml.jobtype": "azureml.pipelinejob"},
        }
        with of_the_deployment():
            return self._resource(self._ws.jobs.create(document, Path.cwd(), job))

    def jobs(self, name: str, deployment: str | None = None) -> builtins.list[Row]:
        """The jobs of an endpoint, or of one of its deployments, newest first, each as a BatchJobResource.

        Raises:
            NotFound: no such endpoint or deployment.
        """
        self.row(name, deployment) if deployment else self.stored(name)
        wanted = {ENDPOINT: name, **({DEPLOYMENT: deployment} if deployment else {})}
        found = self._ws.jobs.list(max_results=None)
        return [self._resource(job) for job in found if wanted.items() <= (job.get("properties") or {}).items()]

    def _deployed(self, endpoint: str, deployment: str | None) -> tuple[Row, str]:
        """(plan, name) of the deployment that is to be used."""
        rows = {row["name"]: row for row in self.rows(endpoint)}
        known = ", ".join(rows) or "none"
        chosen = deployment or (self.stored(endpoint).get("defaults") or {}).get("deployment_name")
        if not chosen:
            raise WorkspaceError(
                f"Batch endpoint '{endpoint}' has no default deployment. Its deployments: {known}. Name one with "
                f"--deployment-name, or make it the default: az ml batch-endpoint update --name {endpoint} "
                "--set defaults.deployment_name=…"
            )
        if chosen not in rows:
            raise WorkspaceError(f"Batch endpoint '{endpoint}' has no deployment '{chosen}'; it has: {known}.")
        return rows[chosen]["plan"], str(chosen)

    def _scoring(self, job: str, plan: Row, request: dict[str, Any]) -> Row:
        ws = self._ws
        settings = batch_settings.of_job(plan["settings"], request)
        name, value = batch_jobs.only_input(ws, request)
        declared = {name: {"type": value["type"]}}
        checked = batch_jobs.checked_data(ws, Path.cwd(), {name: value}, declared, filled=True)
        data = checked[name]
        if data["type"] not in batch_jobs.DATA:
            raise Unsupported(f"inputs.{name}: {value['path']} is of type {data['type']}, which can't be scored here.")
        if plan["model"] and not Path(plan["model"]["place"]).exists():
            raise NotFound(
                f"The files of model {plan['model']['name']}:{plan['model']['version']} are no longer there "
                f"({plan['model']['place']}). Register it again and update the deployment."
            )
        uri = batch_jobs.place(ws, job, request)
        batch_jobs.refuse_what_is_there(ws, uri, settings)
        return batch_jobs.scoring(ws, plan, settings, data, uri)

    def _pipeline(self, plan: Row, request: dict[str, Any]) -> Row:
        ws = self._ws
        document = batch_jobs.pipeline(plan, request)
        given = plan["component"]
        component = ws.assets.at("component", given) if isinstance(given, str) else given
        declared = component.get("inputs") or {}
        checked = batch_jobs.checked_data(ws, Path.cwd(), document["inputs"], declared, filled=False)
        return {**document, "inputs": checked}

    def _resource(self, job: Row) -> Row:
        """A job as the service gives it to those who ask a batch endpoint."""
        properties, name = job["properties"], job["name"]
        by, at = job["creation_context"]["created_by"], job["creation_context"]["created_at"]
        services = (job.get("services") or {}).items()
        return {
            "id": f"{self.id_of(properties[ENDPOINT])}/jobs/{name}",
            "name": name,
            "type": JOB_TYPE,
            "properties": {
                "name": job["display_name"],
                "status": job["status"],
                "provisioningState": "Succeeded",
                "interactionEndpoints": {k: {"endpoint": v["endpoint"], "jobEndpointType": k} for k, v in services},
                "properties": properties,
                "tags": job["tags"],
            },
            "systemData": {"createdAt": at, "createdBy": by, "lastModifiedAt": at, "lastModifiedBy": by},
        }
