"""The flags of `az ml` commands, as the reference has them."""

import argparse
from typing import TYPE_CHECKING, Any

from azure.cli.core.commands.parameters import file_type, get_enum_type, get_three_state_flag, tags_type

from .refused import FLAGS, UNSUPPORTED, RefusedFlag

if TYPE_CHECKING:
    from . import MlCommandsLoader

# Flags that handlers pass on: fields of the spec, and what one list is filtered by.
PASSED_ON = {
    "ml data create": ("--name -n", "--version -v", "--path -p", "--type -t", "--description -d", "--datastore"),
    "ml environment create": ("--name -n", "--version -v", "--image -i", "--conda-file -c", "--os-type", "--tags",
                              "--description", "--build-context -b", "--dockerfile-path -d", "--datastore"),
    "ml component create": ("--name -n", "--version -v"),
    "ml model create": ("--name -n", "--version -v", "--path -p", "--type -t", "--description", "--tags", "--stage -s",
                        "--datastore"),
    "ml compute create": ("--name -n", "--type -t", "--size", "--tier", "--min-instances", "--max-instances",
                          "--idle-time-before-scale-down -d", "--description", "--tags", "--location -l",
                          "--identity-type", "--user-assigned-identities -i"),
    "ml datastore create": ("--name -n",),
    "ml model list": ("--stage -s",),
}  # fmt: skip
# The checks that they skip on Azure are made in the service.
WITHOUT_EFFECT = {
    "ml data create": ("--skip-validation",),
    "ml component create": ("--skip-validation",),
    "ml job create": ("--skip-validation",),
}
REQUIRED = {
    "ml data update": ("resource_group_name", "workspace_name"),
    "ml component update": ("resource_group_name", "workspace_name"),
    "ml model update": ("resource_group_name",),
    "ml component create": ("file",),
    "ml data share": ("resource_group_name", "workspace_name"),
    "ml datastore create": ("file",),
    "ml online-deployment create": ("file",),
    "ml batch-deployment create": ("file",),
}
OPTIONS = {
    "name": ("--name", "-n"),
    "version": ("--version", "-v"),
    "label": ("--label", "-l"),
    "file": ("--file", "-f"),
    "max_results": ("--max-results", "-r"),
    "download_path": ("--download-path", "-p"),
    "parent_job_name": ("--parent-job-name", "-p"),
    "save_as": ("--save-as", "-a"),
    "stream": ("--stream", "-s"),
    "stage": ("--stage", "-s"),
    "web": ("--web", "-e"),
    "all_outputs": ("--all",),
    "idle_time_before_scale_down": ("--idle-time-before-scale-down", "-d"),
    "output_name": ("--output-name",),
    "permanently_delete": ("--permanently-delete", "-p"),
    "location": ("--location", "-l"),
    "user_assigned_identities": ("--user-assigned-identities", "-i"),
    "endpoint_name": ("--endpoint-name", "-e"),
    "deployment_name": ("--deployment-name", "-d"),
    "request_file": ("--request-file", "-r"),
    "traffic": ("--traffic", "-r"),
    "lines": ("--lines", "-l"),
    "container": ("--container", "-c"),
    "mini_batch_size": ("--mini-batch-size", "-m"),
    "instance_count": ("--instance-count", "-c"),
}
HELP = {
    "name": "Name of the {noun}.",
    "version": "Version of the {noun}.",
    "label": "Label of a version; there is one, latest.",
    "file": "Path of the YAML spec.",
    "path": "Local path or azureml:// URI of the content.",
    "type": "Type.",
    "max_results": "Most results to return.",
    "include_archived": "List archived ones too.",
    "archived_only": "List archived ones only.",
    "all_results": "List all, however many there are.",
    "parent_job_name": "List the children of this job.",
    "save_as": "File that gets the submitted job as YAML.",
    "stream": "Follow the job to its end; ends with 1 if it fails.",
    "web": "Open the job's page in a browser.",
    "download_path": "Folder that gets the files; the current one by default.",
    "output_name": "The one output to download.",
    "all_outputs": "Download logs and all outputs.",
    "permanently_delete": "Deletion is for good here, with or without this flag.",
    "conda_file": "Path of the conda specification.",
    "image": "Docker image; kept in the document, no container is run here.",
    "build_context": "Folder with a Dockerfile; its Python and pip parts are honoured, no container is run here.",
    "dockerfile_path": "Path of the Dockerfile below the build context; Dockerfile by default.",
    "description": "Description.",
    "display_name": "Name for people.",
    "stage": "Stage of the model.",
    "size": "Size of a node; kept in the document, jobs run on this machine.",
    "idle_time_before_scale_down": "Seconds; kept in the document.",
    "min_instances": "Least nodes; kept in the document.",
    "max_instances": "Most nodes; kept in the document.",
    "location": "Region; kept in the document.",
    "identity_type": "SystemAssigned or UserAssigned; kept in the document, jobs run as you.",
    "user_assigned_identities": "Resource ids with commas between them; kept in the document.",
    "public_network_access": "Enabled or Disabled; kept in the document.",
    "datastore": "Datastore that local files are uploaded to; workspaceblobstore by default.",
    "registry_name": "Registry to look in, or to write to, instead of the workspace.",
    "share_with_name": "Name that it gets in the registry.",
    "share_with_version": "Version that it gets in the registry.",
    "endpoint_name": "Name of the endpoint.",
    "deployment_name": "Name of the deployment; by default that of the endpoint's traffic or defaults.",
    "auth_mode": "How requests authenticate: key; tokens are Azure's alone.",
    "traffic": 'Percentage of requests for each deployment, in quotes: "blue=90 green=10". Replaces what was.',
    "mirror_traffic": 'Percentage of requests that go to a deployment too, without its answer: "green=10". At most 50.',
    "request_file": "File with the request, in JSON.",
    "key_type": "Which key: primary or secondary.",
    "all_traffic": "Give the deployment all traffic once it answers. Not with --no-wait.",
    "skip_script_validation": "Don't look whether the scoring script can be parsed.",
    "lines": "Most lines to print, from the end.",
    "container": "Whose log: inference-server or storage-initializer.",
    "defaults": "The default deployment: deployment_name=NAME.",
    "set_default": "Make it the default deployment of its endpoint. Not with --no-wait.",
    "input": "Data to score: local path, azureml:NAME:VERSION, azureml:// or https:// URI.",
    "input_type": "Type of --input where it is no registered asset: uri_folder (default) or uri_file.",
    "inputs": "Map of inputs in JSON or YAML; each has type and path, or type and default, or is a literal.",
    "outputs": "Map of outputs in JSON or YAML; each has type and path.",
    "output_path": "Folder of a datastore that gets the output: azureml://datastores/NAME/paths/FOLDER.",
    "job_name": "Name of the job.",
    "experiment_name": "Experiment of the job.",
    "mini_batch_size": "Files in a mini-batch.",
    "instance_count": "Instances; here a factor of the worker processes.",
    "include_disabled": "List disabled ones too.",
    "disabled_only": "List disabled ones only.",
}
NOUNS = {
    "data": "data asset",
    "compute": "compute target",
    **{f"{kind}-{noun}": noun for kind in ("online", "batch") for noun in ("endpoint", "deployment")},
}
TYPES: dict[str, dict[str, Any]] = {
    "file": {"type": file_type},
    "tags": {"arg_type": tags_type},
    "all_results": {"arg_type": get_three_state_flag()},
    "deployment_name": {"validator": None},  # azure-cli's own would make one up, for its resource deployments
    **{
        name: {"type": int}
        for name in (
            "max_results",
            "min_instances",
            "max_instances",
            "idle_time_before_scale_down",
            "lines",
            "mini_batch_size",
            "instance_count",
        )
    },
}


class SetFields(argparse.Action):
    """`--set a.b=c d=e`: pairs of a dotted field and its value, always a text, cut at the first `=`."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the pairs to those of earlier --set."""
        for expression in values:
            field, found, value = expression.partition("=")
            if not found or not field:
                raise argparse.ArgumentError(self, f"'{expression}' is not FIELD=VALUE")
            setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), (field, value)])


def register(loader: "MlCommandsLoader", command: str) -> None:
    """Declare the flags of `command`, as in `ml data show`."""
    _, group, verb = (*command.split(), "")[:3]
    noun = NOUNS.get(group, group)
    with loader.argument_context("ml") as every:
        every.argument(
            "workspace_name",
            options_list=["--workspace-name", "-w"],
            configured_default="workspace",
            help="Name of the workspace; `az configure --defaults workspace=<name>` sets a default.",
        )
        every.argument("params_override", options_list=["--set"], nargs="+", action=SetFields, metavar="FIELD=VALUE",
                       help="Set a field of the spec: --set inputs.rate=0.1.")  # fmt: skip
        for name in {**OPTIONS, **HELP, **TYPES}:
            every.argument(name, **_settings(name, noun, verb))
    with loader.argument_context(command) as own:
        for option in PASSED_ON.get(command, ()):
            own.extra(_dest(option), **{**_settings(_dest(option), noun, verb), "options_list": option.split()})
        for name in REQUIRED.get(command, ()):
            own.argument(name, required=True)
        if command == "ml compute list-sizes":
            own.argument("type", options_list=["--type", "-t"])
        if command == "ml batch-endpoint invoke":
            own.argument("file", help="YAML with inputs, outputs and deployment of the job.")
            own.argument("params_override", help="Set a field of the job: --set inputs.rows.path=new.csv.")
        if command in ("ml data archive", "ml data restore"):
            own.ignore("registry_name")
        if command == "ml data create":
            own.argument("type", arg_type=get_enum_type(["uri_file", "uri_folder", "mltable"]))
        # knack keeps arguments with an underscore in front to itself: these reach no handler.
        for option in FLAGS.get(command, ()):
            own.extra("_refused_" + _dest(option), options_list=option.split(), nargs="*", action=RefusedFlag,
                      help=UNSUPPORTED)  # fmt: skip
        for option in WITHOUT_EFFECT.get(command, ()):
            own.extra("_unused_" + _dest(option), options_list=option.split(), action="store_true",
                      help="Accepted, without effect here.")  # fmt: skip


def _settings(name: str, noun: str, verb: str) -> dict[str, Any]:
    settings = dict(TYPES.get(name, {}))
    if name in HELP:
        settings["help"] = HELP[name].format(noun=noun)
    if verb == "create" and name in ("name", "version"):
        settings["help"] += " Goes over the one in the spec."
    if name in OPTIONS:
        settings["options_list"] = list(OPTIONS[name])
    return settings


def _dest(option: str) -> str:
    return option.split()[0].removeprefix("--").replace("-", "_")
