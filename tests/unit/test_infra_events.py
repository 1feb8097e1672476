"""The event path: which files make an event, what the Logic App does with it, and what becomes of one it doesn't take.

Each rule catches the spoilt files of infra_cases.yml.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.specs.bicep import texts
from scripts.specs.infrastructure import parameters
from scripts.specs.lint.infrastructure import IN_DATASTORE
from scripts.specs.project import Project
from tests.component import load
from tests.infrastructure import ROOT, Spoilt, accessed, copied, filled, module, only, spoilt, workflow

FLAT, HIERARCHICAL = {"PutBlob", "PutBlockList", "CopyBlob"}, {"FlushWithClose"}


def subscription(root: Path) -> dict[str, Any]:
    return only(module(root, "events"), "Microsoft.EventGrid/systemTopics/eventSubscriptions")["properties"]


def filters(root: Path) -> None:
    """Files that land, as soon as they are whole, of the formats that are read, and nothing else."""
    project = Project(root, "dev")
    values = parameters(project.infrastructure)
    filtered = subscription(root)["filter"]
    assert filtered["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    names = {"container": "blobs-1", "landing": values["landing"]}
    begins = filled(filtered["subjectBeginsWith"], names).removeprefix("/blobServices/default/containers/")
    container, prefix = begins.split("/blobs/")
    assert container == "blobs-1"
    jobs = project.specs["pipelines/register_data"].document["jobs"]
    watched = [IN_DATASTORE.fullmatch(job["inputs"]["landing"]["path"]) for job in jobs.values()]
    assert watched
    assert all(found and found[1] == "workspaceblobstore" and found[2].startswith(prefix) for found in watched)
    assert prefix == f"{project.config['landing']}/"
    assert [(entry["key"], entry["operatorType"], entry["values"]) for entry in filtered["advancedFilters"]] == [
        ("data.api", "StringIn", "finished"),
        ("subject", "StringNotContains", ["/.", "/_"]),
        ("subject", "StringEndsWith", "landingSuffixes"),
    ]
    assert values["landingSuffixes"] == list(load("register_dataset", "formats").READERS)
    choice = module(root, "events")["variables"]["finished"]["value"]["operator"]["operands"]
    assert choice["condition"] == "hierarchical"
    assert (set(choice["true_value"]), set(choice["false_value"])) == (HIERARCHICAL, FLAT)
    given = module(root, "main")["modules"]["events"]["config"]["config"]["params"]
    assert accessed(given["container"]) == "workspace.outputs.defaultContainer"
    assert module(root, "main")["variables"]["hierarchical"]["value"] is False


def undelivered(root: Path) -> None:
    """An event is tried for a day, then kept, with an identity and in the container that it has rights on."""
    properties = subscription(root)
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert "deadLetterDestination" not in properties, "that one would use the account's key, and there is none"
    kept = properties["deadLetterWithResourceIdentity"]
    assert kept["identity"] == {"type": "UserAssigned", "userAssignedIdentity": "identityId"}
    assert kept["deadLetterDestination"]["endpointType"] == "StorageBlob"
    assert kept["deadLetterDestination"]["properties"]["blobContainerName"] == "undeliveredContainer"
    main = module(root, "main")["modules"]
    for params in (main["roles"]["config"]["params"], main["events"]["config"]["config"]["params"]):
        assert accessed(params["undeliveredContainer"]) == "storage.outputs.undeliveredContainer"
    assert set(main["events"]["config"]["config"]["dependsOn"]) == {"logicapp", "roles"}


def call(root: Path) -> None:
    """The workflow asks for what the deployed component takes, as the identity that may, once for each ETag."""
    register = landed(root)["Register"]["inputs"]
    identity = {"type": "ManagedServiceIdentity", "identity": "{identity}"}
    assert register["authentication"] == {**identity, "audience": "https://ml.azure.com"}
    assert (register["method"], register["uri"]) == ("POST", "@parameters('registerUri')")
    properties = dict(register["body"]["properties"])
    assert "['data']['eTag']" in properties.pop("name")
    read = only(module(root, "logicapp"), "Microsoft.Logic/workflows")["properties"]["definition"]
    assert {"register-data.workflow.json", "{identity}", "identityId"} <= set(texts(read))
    project = Project(root, "dev")
    deployment = project.specs["endpoints/batch/register-data/deployment"].document
    component = project.specs["components/register_data"]
    assert deployment["component"] == component.id
    assert properties.pop("InputData", {}).keys() == component.document.get("inputs", {}).keys()
    assert properties == {}
    endpoint = project.specs["endpoints/batch/register-data/endpoint"].name
    assert parameters(project.infrastructure)["registerEndpoint"] == endpoint == deployment["endpoint_name"]
    uri = module(root, "main")["modules"]["logicapp"]["config"]["config"]["params"]["registerUri"]
    at = filled(uri, {"registerEndpoint": endpoint, "location": "westeurope"})
    assert at == f"https://{endpoint}.westeurope.inference.ml.azure.com/jobs"


def landed(root: Path) -> dict[str, Any]:
    """Actions for a blob that is there."""
    [switch] = workflow(root)["actions"].values()
    return switch["cases"]["Landed"]["actions"]


def answers(root: Path) -> None:
    """Event Grid gets an answer on every way through, and one that makes it repeat only where that helps."""
    [switch] = workflow(root)["actions"].values()
    handshake = switch["cases"]["Handshake"]["actions"]["Accept"]["inputs"]
    assert handshake["body"] == {"validationResponse": "@triggerBody()[0]?['data']?['validationCode']"}
    assert switch["cases"]["Handshake"]["case"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert switch["cases"]["Landed"]["case"] == "Microsoft.Storage.BlobCreated"
    actions = landed(root)
    assert actions["Taken"]["runAfter"] == {"Register": ["Succeeded"]}
    there = actions["Unless_it_is_there"]
    assert there["runAfter"] == {"Register": ["Failed", "TimedOut"]}
    given = [
        handshake["statusCode"],
        switch["default"]["actions"]["Ignore"]["inputs"]["statusCode"],
        actions["Taken"]["inputs"]["statusCode"],
        there["actions"]["Taken_before"]["inputs"]["statusCode"],
        there["else"]["actions"]["Try_again_later"]["inputs"]["statusCode"],
    ]
    assert given == [200, 200, 200, 200, 503]
    assert actions["Register"]["inputs"]["retryPolicy"] == {"type": "none"}, "Event Grid repeats, and waits longer"
    [trigger] = workflow(root)["triggers"]
    assert f"/triggers/{trigger}'" in json.dumps(subscription(root)["destination"], default=str).replace('"', "'")
    assert subscription(root)["destination"]["properties"]["maxEventsPerBatch"] == 1


RULES = {rule.__name__: rule for rule in (filters, undelivered, call, answers)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_event_path_keeps_the_rule(rule: Any) -> None:
    rule(ROOT)


@pytest.mark.parametrize("case", spoilt(RULES), ids=str)
def test_a_spoilt_event_path_is_caught(case: Spoilt, tmp_path: Path) -> None:
    case.caught_by(RULES[case.rule], copied(tmp_path))
