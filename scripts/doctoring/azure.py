"""dev, test and prod: tools, login, and what the config names in Azure."""

from collections.abc import Mapping
from typing import Any

from scripts.az import workspace_flags
from scripts.doctoring.answers import Answer, ask_all, grant, refusal, said
from scripts.doctoring.check import Check
from scripts.doctoring.permissions import lacking, permissions_line
from scripts.doctoring.settings import placeholders
from scripts.doctoring.versions import az_check, extension_check

RESOURCES = ("resource group", "workspace", "registry", "compute", "datastore", "roles")


def azure(config: Mapping[str, Any]) -> list[Check]:
    """Everything that Azure can be asked for the environment of `config`."""
    tools = ask_all({"version": ["version"], "accounts": ["account", "list"]})
    minimum = config["doctor"]
    checks = [
        placeholders(config),
        az_check(tools["version"], minimum["az"]),
        extension_check(tools["version"], "ml", minimum["ml"], "ml extension"),
        login(tools["accounts"]),
    ]
    if checks[-1].state == "ok":
        checks.append(subscription(tools["accounts"], str(config["subscription"])))
    usable = {check.name: check.state == "ok" for check in checks}
    if not usable["az"] or not usable["login"] or not usable.get("subscription"):
        return checks + [Check(name, "unknown", "not asked: no login to its subscription") for name in RESOURCES]
    if not usable["ml extension"]:
        return checks + [Check(name, "unknown", "not asked: no usable ml extension") for name in RESOURCES]
    return checks + resources(config, who(tools["accounts"], str(config["subscription"])))


def login(answer: Answer) -> Check:
    """Whether anybody is logged in; `answer` is to `az account list`, which is empty if nobody is."""
    if not answer.ok:
        return Check("login", "unknown", said(answer), "az login")
    if not answer.json():
        return Check("login", "missing", "nobody is logged in", "az login")
    names = sorted({str(account.get("user", {}).get("name")) for account in answer.json()})
    return Check("login", "ok", f"as {', '.join(names)}")


def subscription(answer: Answer, wanted: str) -> Check:
    """Whether the login reaches the subscription of the config, which every `az` line is given."""
    accounts = answer.json()
    for account in accounts:
        if str(account.get("id", "")).lower() == wanted.lower():
            return Check("subscription", "ok", f"{account.get('name')} ({wanted})")
    seen = ", ".join(f"{account.get('name')} ({account.get('id')})" for account in accounts[:3])
    todo = (
        f"az login --tenant <its tenant>, or correct `subscription` in config/; "
        f"in a pipeline the service connection has to be one for {wanted}"
    )
    return Check("subscription", "missing", f"the login does not see {wanted}, but {seen}", todo)


def who(answer: Answer, wanted: str) -> str:
    """Name of the user or application that is logged in to subscription `wanted`."""
    return next(str(one["user"]["name"]) for one in answer.json() if str(one["id"]).lower() == wanted.lower())


def resources(config: Mapping[str, Any], user: str) -> list[Check]:
    """What the config names in its subscription, and what `user` may do there."""
    group, workspace, registry = config["resource_group"], config["workspace"], config["registry"]
    where, near = workspace_flags(dict(config)), f"in {group}/{workspace}"
    answers = ask_all(
        {
            "resource group": ["group", "show", "--name", group],
            "workspace": ["ml", "workspace", "show", "--name", workspace, "--resource-group", group],
            # `az ml registry show` wants the registry's own resource group; a list finds it by its name alone.
            "registry": ["ml", "model", "list", "--registry-name", registry, "--max-results", "1"],
            "compute": ["ml", "compute", "show", "--name", config["compute"], *where],
            "datastore": ["ml", "datastore", "show", "--name", config["datastore"], *where],
            "roles": permissions_line(config),
        }
    )
    make = f"make infra ENV={config['env']}, or correct its name in config/"
    absent = {
        "resource group": (f"{group} is not there", f"az group create --name {group} --location {config['location']}"),
        "workspace": (f"{workspace} is not in {group}", make),
        "registry": (
            f"{registry} is not there",
            "make infra ENV=<the one whose config says infra.owns_registry: true>",
        ),
        "compute": (f"cluster {config['compute']} is not {near}", make),
        "datastore": (f"{config['datastore']} is not {near}", make),
    }
    checks = [found(name, answers[name], *absent[name]) for name in absent]
    if answers["workspace"].ok and not answers["resource group"].ok:
        # A role on the workspace alone does not show its group, and nothing else needs that.
        checks[0] = Check("resource group", "unknown", f"not shown to {user}; its workspace is", needed=False)
    checks.append(roles(config, answers["roles"], user))
    return caused_once(checks)


def caused_once(checks: list[Check]) -> list[Check]:
    """Without its group a workspace can't be there, and without that nothing in it: only the cause is told."""
    state = {check.name: check.state for check in checks}
    unasked: tuple[str, ...] = ()
    if state["workspace"] != "ok":
        unasked = ("compute", "datastore", "roles")
    if state["resource group"] == "missing":
        unasked += ("workspace",)
    why = "not asked: what it is in is missing"
    return [Check(check.name, "unknown", why) if check.name in unasked else check for check in checks]


def found(name: str, answer: Answer, absent: str, create: str) -> Check:
    if not answer.ok:
        return refusal(name, answer, absent, create)
    document = answer.json()
    label = document.get("name") if isinstance(document, Mapping) else None
    return Check(name, "ok", str(label or "it answers"))


def roles(config: Mapping[str, Any], answer: Answer, user: str) -> Check:
    """Whether `user` may do in the workspace what the verbs do."""
    if not answer.ok:
        return refusal("roles", answer, "the workspace is not there", "first get the workspace right")
    missing = lacking(answer.json())
    if not missing:
        return Check("roles", "ok", f"{user} may submit jobs, create assets, deploy and schedule")
    scope = permissions_line(config)[-1].split("/providers/Microsoft.Authorization")[0]
    return Check(
        "roles", "missing", f"{user} may not {', '.join(missing)}", grant("AzureML Data Scientist", user, scope)
    )
