"""What a deployment runs: the model, the environment of its script, its workers, what it records."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from scripts.specs.files import is_local
from scripts.specs.lint.findings import Problem
from scripts.specs.lint.ports import mapping, type_of
from scripts.specs.lint.repository import Subject, resolved

# Either brings the server that calls init() and run().
SERVERS = ("azureml-inference-server-http", "azureml-defaults")
PAYLOADS = {"request", "response"}  # collections that the platform records by itself
NEWEST = re.compile(r"@[^/]*$|/labels/[^/]+$")  # end of an id that names no version


def exact_model(subject: Subject) -> Iterator[Problem]:
    """Where config says `training: false`, a deployment names the version of its model."""
    model = subject.document.get("model")
    if not subject.spec.kind.name.endswith("deployment") or not isinstance(model, str):
        return
    if subject.repository.project.config.get("training") is False and NEWEST.search(model):
        message = (
            f"{model}: config says training: false, so name a version (model_version in config, or --set); "
            "which model is the newest changes without a commit"
        )
        yield Problem("AML411", ("model",), message)


def server(subject: Subject) -> Iterator[Problem]:
    """A scoring script of an online deployment needs the inference server in its environment."""
    if subject.spec.kind.name != "online deployment" or "code_configuration" not in subject.document:
        return
    given = subject.document.get("environment")
    spec = subject.repository.spec(given, subject.home) if isinstance(given, str) else None
    document, home = (spec.document, spec.path.rsplit("/", 1)[0]) if spec else (given, subject.home)
    packages = _packages(subject, document, home) if isinstance(document, dict) else None
    if packages is not None and not any(package in SERVERS for package in packages):
        where = spec.key if spec else "this environment"
        message = f"{where} has no {SERVERS[0]}, which calls init() and run(); add it to the pip packages"
        yield Problem("AML408", ("environment",), message)


def _packages(subject: Subject, environment: dict[str, Any], home: str) -> set[str] | None:
    """Names of pip packages of an environment; None where an image brings what isn't known here."""
    conda, image = environment.get("conda_file"), environment.get("image")
    if "build" in environment or "inference_config" in environment or "inference" in str(image):
        return None
    if isinstance(conda, str) and is_local(conda):
        content = subject.repository.project.files.get(resolved(home, conda))
        conda = yaml.load(content, Loader=yaml.CSafeLoader) if content else None
    dependencies = conda.get("dependencies") if isinstance(conda, dict) else None
    if not isinstance(dependencies, list):
        return None
    lines = [line for entry in dependencies if isinstance(entry, dict) for line in entry.get("pip") or []]
    if any(str(line).startswith("-") for line in lines):  # a requirements file, say
        return None
    names = (re.match(r"[\w.-]+", str(line)) for line in lines)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def workers(subject: Subject) -> Iterator[Problem]:
    """The instance is sent as many requests at once as its server has workers; each works on one."""
    document = subject.document
    variables = mapping(document, "environment_variables")
    if subject.spec.kind.name != "online deployment" or "code_configuration" not in document:
        return
    if "GUNICORN_CMD_ARGS" in variables:  # may give workers threads
        return
    count = str(variables.get("WORKER_COUNT", 1))
    limit = mapping(document, "request_settings").get("max_concurrent_requests_per_instance", 1)
    if count.isdecimal() and isinstance(limit, int) and int(count) != limit:
        effect = "requests wait for a worker" if limit > int(count) else "workers never get a request"
        message = f"max_concurrent_requests_per_instance is {limit} and WORKER_COUNT {count}, {effect}; make them equal"
        key = ("request_settings", "max_concurrent_requests_per_instance")
        yield Problem("AML410", key if "request_settings" in document else ("environment_variables",), message)


def collections(subject: Subject) -> Iterator[Problem]:
    """Collections that the scoring script never names stay empty."""
    code = mapping(subject.document, "code_configuration").get("code")
    if subject.spec.kind.name != "online deployment" or not isinstance(code, str) or not is_local(code):
        return
    folder = resolved(subject.home, code) + "/"
    files = subject.repository.project.files.items()
    scripts = [
        text.decode(errors="replace") for path, text in files if path.startswith(folder) and path.endswith(".py")
    ]
    for name, collection in mapping(mapping(subject.document, "data_collector"), "collections").items():
        on = isinstance(collection, dict) and str(collection.get("enabled")).lower() == "true"
        if on and name.lower() not in PAYLOADS and not any(name in script for script in scripts):
            message = f"no script in {folder} has a Collector(name={name!r}), so this collection stays empty"
            yield Problem("AML409", ("data_collector", "collections", name), message)


def pipeline_component(subject: Subject) -> Iterator[Problem]:
    """What a pipeline deployment runs is a pipeline component."""
    if subject.spec.kind.name != "batch deployment" or type_of(subject.document) != "pipeline":
        return
    component = subject.component(subject.document.get("component"))
    if component is not None and type_of(component) != "pipeline":
        message = f"is a {type_of(component) or 'command'} component; a deployment of type pipeline runs a pipeline one"
        yield Problem("AML421", ("component",), f"{subject.document['component']} {message}")
