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
    "ml job": "Jobs: command, pipeline, sweep and parallel.",
}
VERBS = {
    "create": "Create from a YAML spec.",
    "show": "Show one.",
    "list": "List.",
    "update": "Change what may change: --set, --add, --remove.",
    "delete": "Delete.",
    "archive": "Hide from listings.",
    "restore": "Undo archive.",
    "download": "Copy files to a folder.",
    "start": "Start a compute instance.",
    "stop": "Stop a compute instance.",
    "validate": "Check a job without running it.",
    "stream": "Follow a job to its end.",
    "cancel": "End a job.",
}
OF_KIND = {
    "ml data": "create show list update archive restore",
    "ml environment": "create show list update archive restore",
    "ml component": "create show list update archive restore",
    "ml model": "create show list update archive restore download",
    "ml compute": "create show list update delete start stop",
    "ml datastore": "create show list delete",
    "ml workspace": "create show list update delete",
    "ml job": "create validate show list stream cancel update archive restore download",
}


def _register() -> None:
    for group, text in GROUPS.items():
        helps[group] = _entry("group", text)
    for group, verbs in OF_KIND.items():
        for verb in verbs.split():
            helps[f"{group} {verb}"] = _entry("command", VERBS[verb])
    for name in refused.COMMANDS:
        helps.setdefault(f"ml {name}", _entry("group", refused.UNSUPPORTED))


def _entry(kind: str, summary: str) -> str:
    # knack reads YAML, of which JSON is a part.
    return json.dumps({"type": kind, "short-summary": summary})


_register()
