"""Help texts."""

import json

from knack.help_files import helps

from . import refused

GROUPS = {
    "ml": "Machine learning, as on Azure, in a workspace that is a folder of this machine.",
    "ml data": "Data assets: versioned references to files and folders.",
    "ml environment": "Environments: what a job's Python has installed.",
    "ml component": "Components: steps with declared inputs and outputs.",
    "ml model": "The model registry.",
    "ml compute": "Compute targets; whatever they are called, jobs run on this machine.",
    "ml datastore": "Datastores; each is a folder of the workspace.",
    "ml workspace": "Workspaces: folders below AZUREML_LOCAL_ROOT.",
    "ml registry": "Registries: versioned assets for all workspaces below AZUREML_LOCAL_ROOT.",
    "ml online-endpoint": "Online endpoints: servers on this machine behind one address, with keys and traffic.",
    "ml online-deployment": "Deployments of online endpoints: a model with its scoring script and environment.",
    "ml batch-endpoint": "Batch endpoints: a name under which jobs score data.",
    "ml batch-deployment": "Deployments of batch endpoints: a model, or a pipeline component.",
    "ml schedule": "Schedules: pipeline jobs and monitors that run by themselves, by cron expression or recurrence.",
    "ml job": "Jobs: command, pipeline and sweep; in a pipeline also parallel.",
}
VERBS = {
    "create": "Create one from a YAML spec or from flags.",
    "show": "Show one.",
    "list": "List the names, or with --name the versions of one.",
    "update": "Change what may change: --set, --add, --remove.",
    "delete": "Delete one.",
    "archive": "Hide from listings; nothing is deleted.",
    "restore": "Undo archive.",
    "download": "Copy the files of a version to a folder.",
    "start": "Start a compute instance.",
    "stop": "Stop a compute instance.",
    "restart": "Stop and start a compute instance.",
    "share": "Copy a version into a registry.",
}
OF_KIND = {
    "ml data": "create show list update archive restore share",
    "ml environment": "create show list update archive restore share",
    "ml component": "create show list update archive restore",
    "ml model": "create show list update archive restore download share",
    "ml compute": "create show list update delete start stop restart",
    "ml datastore": "create show list update delete",
    "ml workspace": "create show list update delete",
    "ml registry": "create show list update delete",
    "ml online-endpoint": "create show update delete",
    "ml online-deployment": "show delete",
    "ml batch-endpoint": "create show update delete",
    "ml batch-deployment": "create show update delete",
    "ml schedule": "show update",
}
# Command -> what it does, and (what for, line) examples.
SUMMARIES = {
    "ml compute list": "List compute targets.",
    "ml compute list-nodes": "List the nodes of a cluster: this machine, and the jobs on it.",
    "ml compute list-sizes": "List the sizes of nodes: that of this machine.",
    "ml datastore list": "List datastores.",
    "ml registry list": "List registries, all or those of a resource group.",
    "ml workspace diagnose": "Look for what is wrong with a workspace: its folders, its catalog. Empty lists: nothing.",
    "ml workspace list": "List workspaces, all or those of a resource group.",
    "ml job create": "Submit a job and print it. It runs in the background, unless --stream follows it to its end.",
    "ml job validate": "Check a job and all that it refers to, without running it.",
    "ml job show": "Show a job, or a step of a pipeline: its status, inputs, outputs, and for a failed one the error.",
    "ml job list": "List jobs, newest first, or the steps of one pipeline or sweep.",
    "ml job stream": "Follow a job to its end; ends with 1 if it fails, with 0 if it is canceled.",
    "ml job cancel": "End a job and all its steps.",
    "ml job update": "Change a job's description, tags, display_name or properties.",
    "ml job archive": "Hide a job from listings; nothing is deleted.",
    "ml job restore": "Show an archived job in listings again.",
    "ml job download": "Copy a job's logs and artifacts, one output, or with --all also all its outputs to a folder.",
    "ml online-endpoint list": "List online endpoints.",
    "ml online-endpoint invoke": "Send a request and print the text of the answer.",
    "ml online-endpoint get-credentials": "Show the keys of an endpoint.",
    "ml online-endpoint regenerate-keys": "Make one of the keys anew; the old one is refused from then on.",
    "ml online-deployment create": "Make a deployment and wait until it answers; dots tell that it goes on.",
    "ml online-deployment list": "List the deployments of an endpoint.",
    "ml online-deployment update": "Change a deployment. The old servers answer until the new ones do.",
    "ml online-deployment get-logs": "Print the end of the log of a deployment's servers.",
    "ml batch-endpoint list": "List batch endpoints.",
    "ml batch-endpoint invoke": "Start a job that scores data, and print it.",
    "ml batch-endpoint list-jobs": "List the jobs of an endpoint.",
    "ml batch-deployment list": "List the deployments of an endpoint.",
    "ml batch-deployment list-jobs": "List the jobs of a deployment.",
    "ml schedule create": "Make a schedule from a YAML spec, or replace the one of its name.",
    "ml schedule list": "List the enabled schedules.",
    "ml schedule enable": "Let a schedule run.",
    "ml schedule disable": "Keep a schedule from running; what would be due meanwhile is not made up for.",
    "ml schedule delete": "Delete a disabled schedule; its jobs stay.",
    "ml schedule trigger": "Submit the job of a schedule now, once, and print its name.",
}
EXAMPLES = {
    "ml job create": (
        ("Submit a pipeline and follow it", "az ml job create --file pipeline.yml --stream"),
        ("Change input and experiment", "az ml job create -f pipeline.yml --set inputs.rate=0.1 experiment_name=x"),
        ("Keep the name for later", "job=$(az ml job create --file pipeline.yml --query name --output tsv)"),
    ),
    "ml job list": (
        ("A table of the newest jobs", "az ml job list --max-results 10 --output table"),
        ("The steps of a pipeline",
         "az ml job list --parent-job-name NAME --query '[].{step:display_name,status:status,job:name}' -o table"),
    ),
    "ml job download": (
        ("Logs and all outputs", "az ml job download --name NAME --all --download-path results"),
        ("One output", "az ml job download --name NAME --output-name model"),
    ),
    "ml online-endpoint update": (
        ("A tenth of the requests for green", 'az ml online-endpoint update --name e --traffic "blue=90 green=10"'),
        ("A copy of some requests for green", 'az ml online-endpoint update --name e --mirror-traffic "green=10"'),
    ),
    "ml online-endpoint invoke": (
        ("Ask one deployment; the answer without quotes",
         "az ml online-endpoint invoke --name e --deployment-name green --request-file sample_request.json -o tsv"),
    ),
    "ml batch-endpoint invoke": (
        ("Score a folder and follow the job",
         "az ml job stream --name $(az ml batch-endpoint invoke --name e --input data/ --query name -o tsv)"),
        ("Name the output", "az ml batch-endpoint invoke --name e --input data/ --set output_file_name=scores.csv"),
        ("Inputs of a pipeline component",
         "az ml batch-endpoint invoke --name e --set inputs.rows.type=uri_folder inputs.rows.path=data/"),
    ),
    "ml schedule trigger": (
        ("Run a monitor now and follow it",
         "az ml job stream --name $(az ml schedule trigger --name m --query job_name --output tsv)"),
    ),
    "ml schedule list": (
        ("The jobs of a schedule", "az ml job list --query \"[?experiment_name=='nightly'].{job:name,status:status}\""),
    ),
    "ml model create": (
        ("Register what a job has written",
         "az ml model create --name m --type mlflow_model --path azureml://jobs/NAME/outputs/model"),
    ),
}  # fmt: skip


def _register() -> None:
    for group, text in GROUPS.items():
        helps[group] = _entry("group", text)
    texts = {f"{group} {verb}": VERBS[verb] for group, verbs in OF_KIND.items() for verb in verbs.split()}
    for command, text in {**texts, **SUMMARIES}.items():
        helps[command] = _entry("command", text, EXAMPLES.get(command, ()))
    for name in refused.COMMANDS:
        helps.setdefault(f"ml {name}", _entry("group", refused.UNSUPPORTED))


def _entry(kind: str, summary: str, examples: tuple[tuple[str, str], ...] = ()) -> str:
    # knack reads YAML, of which JSON is a part.
    shown = [{"name": name, "text": line} for name, line in examples]
    return json.dumps({"type": kind, "short-summary": summary, **({"examples": shown} if shown else {})})


_register()
