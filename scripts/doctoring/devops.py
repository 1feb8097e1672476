"""What azure-pipelines.yml needs in Azure DevOps: pipeline, variable group, service connection, environment, policy."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.doctoring.answers import Answer, ask_all, refusal
from scripts.doctoring.check import Check
from scripts.doctoring.policy import policies_of
from scripts.doctoring.project import DevOpsProject
from scripts.doctoring.settings import UNFILLED
from scripts.doctoring.versions import extension_check

NAMES = ("pipeline", "variable group", "service connection", "environment", "branch policy")
NO_PIPELINE = re.compile(r"There were no .*definitions matching name")
NOT_THERE = "the project or the organization is not there"
CORRECT = "correct the remote `origin`, or SYSTEM_COLLECTIONURI and SYSTEM_TEAMPROJECT"


def azure_devops(project: DevOpsProject, config: Mapping[str, Any]) -> list[Check]:
    """What the stage of `config`'s environment needs in `project`."""
    minimum, names = config["doctor"], config["ci"]
    version = ask_all({"version": ["version"]})["version"]
    checks = [extension_check(version, "azure-devops", minimum["azure_devops"], "azure-devops extension")]
    if checks[0].state != "ok":
        return checks + [Check(name, "unknown", "not asked: no usable azure-devops extension") for name in NAMES]
    answers = ask_all(
        {
            "pipeline": ["pipelines", "show", "--name", names["pipeline"], *project.flags],
            "variable group": ["pipelines", "variable-group", "list", *project.flags],
            "service connection": ["devops", "service-endpoint", "list", *project.flags],
            "environment": environments_line(project),
            "branch policy": ["repos", "policy", "list", *project.flags],
        }
    )
    name = variable_of(config["env"])
    group = pick(answers["variable group"], names["variable_group"])
    connection = value_of(group, name)
    return [
        *checks,
        pipeline(answers["pipeline"], names["pipeline"]),
        variable_group(answers["variable group"], group, names["variable_group"], name),
        service_connection(answers["service connection"], connection, str(config["subscription"])),
        environment(answers["environment"], names["environment"]),
        branch_policy(project, answers),
    ]


def environments_line(project: DevOpsProject) -> list[str]:
    """`az pipelines` has no verb for environments, so the service is asked for its list of them."""
    route = ["--route-parameters", f"project={project.project}"]
    what = ["--area", "distributedtask", "--resource", "environments"]
    return ["devops", "invoke", *what, *route, "--api-version", "7.1-preview", "--org", project.organization]


def pick(answer: Answer, name: str) -> Mapping[str, Any] | None:
    """The one called `name`, in any case, of what an answer lists."""
    listed = answer.json()
    entries = listed.get("value", []) if isinstance(listed, Mapping) else listed or []
    return next((one for one in entries if str(one.get("name", "")).lower() == name.lower()), None)


def pipeline(answer: Answer, name: str) -> Check:
    create = f"az pipelines create --name {name} --yml-path azure-pipelines.yml --branch main --skip-first-run true"
    if NO_PIPELINE.search(answer.error):
        return Check("pipeline", "missing", f"there is no pipeline {name}", create)
    if not answer.ok:
        return refusal("pipeline", answer, NOT_THERE, CORRECT)
    return Check("pipeline", "ok", f"{name}, number {answer.json()['id']}")


def variable_group(answer: Answer, group: Mapping[str, Any] | None, name: str, wanted: str) -> Check:
    """Whether the group `name` is there and gives the variable `wanted`."""
    create = f"az pipelines variable-group create --name {name} --variables {wanted}=<service connection>"
    if not answer.ok:
        return refusal("variable group", answer, NOT_THERE, CORRECT)
    if group is None:
        return Check("variable group", "missing", f"there is no variable group {name}", create)
    if not value_of(group, wanted):
        add = f"az pipelines variable-group variable create --group-id {group['id']} --name {wanted} --value <name>"
        return Check("variable group", "missing", f"{name} has no value for {wanted}", add)
    return Check("variable group", "ok", f"{name} gives {', '.join(sorted(group['variables']))}")


def variable_of(env: str) -> str:
    """The variable that names the service connection of an environment's stage."""
    return f"serviceConnection-{env}"


def value_of(group: Mapping[str, Any] | None, wanted: str) -> str:
    """The value of a variable of a group, or "". Names of variables are the same in any case."""
    variables = (group or {}).get("variables") or {}
    value = next((one.get("value") for name, one in variables.items() if name.lower() == wanted.lower()), None)
    return "" if not value or UNFILLED.fullmatch(value) else str(value)


def service_connection(answer: Answer, name: str, subscription: str) -> Check:
    """Whether the connection `name` of the variable group is one for the subscription, without a secret in it."""
    if not answer.ok:
        return refusal("service connection", answer, NOT_THERE, CORRECT)
    if not name:
        return Check("service connection", "unknown", "the variable group names none", "first get that right")
    settings = "Project settings > Service connections"
    found = pick(answer, name)
    if found is None:
        todo = f"{settings} > New > Azure Resource Manager > workload identity federation, called {name}"
        return Check("service connection", "missing", f"there is no service connection {name}", todo)
    scheme = (found.get("authorization") or {}).get("scheme")
    reached = (found.get("data") or {}).get("subscriptionId")
    for wrong, todo in (
        (found.get("type") != "azurerm", f"its type is {found.get('type')}; make one for Azure Resource Manager"),
        (scheme != "WorkloadIdentityFederation", f"its scheme is {scheme}: convert it to workload identity federation"),
        (reached and reached.lower() != subscription.lower(), f"it is for {reached}, and config/ says {subscription}"),
        (found.get("isReady") is False, "it is not ready: finish it"),
    ):
        if wrong:
            return Check("service connection", "missing", f"{name} does not fit", f"{settings} > {name}: {todo}")
    return Check("service connection", "ok", f"{name}, workload identity federation")


def environment(answer: Answer, name: str) -> Check:
    """Whether the environment is there. Its approvals can't be asked with `az`."""
    if not answer.ok:
        return refusal("environment", answer, NOT_THERE, CORRECT)
    where = "Pipelines > Environments"
    if pick(answer, name) is None:
        # A pipeline makes the environments that it lacks, without an approval: then nobody is asked.
        todo = f"{where} > New environment: {name}, then Approvals and checks > Approvals"
        return Check("environment", "missing", f"there is no environment {name}", todo)
    return Check("environment", "ok", f"{name}; who approves is under {where} > {name} > Approvals and checks")


def branch_policy(project: DevOpsProject, answers: Mapping[str, Answer]) -> Check:
    """Whether pull requests are built. Only Azure Repos has such policies; on GitHub `pr:` does it."""
    if not project.repository:
        return Check("branch policy", "ok", "the code is not in Azure Repos, so `pr:` of azure-pipelines.yml starts it")
    if not answers["branch policy"].ok:
        return refusal("branch policy", answers["branch policy"], NOT_THERE, CORRECT)
    if not answers["pipeline"].ok:
        return Check("branch policy", "unknown", "there is no pipeline that it could start", "first get that right")
    number = answers["pipeline"].json()["id"]
    policies: Sequence[Mapping[str, Any]] = policies_of(answers["branch policy"].json() or [], number)
    live = [one for one in policies if one.get("isEnabled") and one.get("isBlocking")]
    if not live:
        return Check("branch policy", "missing", "nothing builds pull requests before they merge", "make branch-policy")
    return Check("branch policy", "ok", f"policy {live[0]['id']} builds pull requests")
