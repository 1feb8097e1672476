"""What the Bicep files create: rights, storage, tiers. Each rule catches the spoilt templates of infra_cases.yml."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure import ROOT, Spoilt, accessed, copied, module, modules, of_type, only, spoilt

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
STORAGE, CONTAINER = "Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts/blobServices/containers"
IMAGES, WORKSPACE = "Microsoft.ContainerRegistry/registries", "Microsoft.MachineLearningServices/workspaces"
# Who, which built-in role, on what.
RIGHTS = {
    ("computePrincipal", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", STORAGE),  # Storage Blob Data Contributor
    ("computePrincipal", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", STORAGE),  # Storage Table Data Contributor
    ("computePrincipal", "974c5e8b-45b9-4653-ba55-5f855dd0fb88", STORAGE),  # Storage Queue Data Contributor
    ("computePrincipal", "7f951dda-4ed3-4680-a7ca-43fe172d538d", IMAGES),  # AcrPull
    ("registerPrincipal", "f6c7c914-8db3-469d-8ca1-694a8f32e121", WORKSPACE),  # AzureML Data Scientist
    ("eventsPrincipal", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", CONTAINER),
    ("dataScientists", "f6c7c914-8db3-469d-8ca1-694a8f32e121", WORKSPACE),
    ("dataScientists", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", STORAGE),
    ("dataScientists", "69566ab7-960f-475b-8e7c-b3118f30c6bd", STORAGE),  # Storage File Data Privileged Contributor
}


def granted(root: Path) -> set[tuple[str, str, str]]:
    """(principal, id of the role, type of what it is on) of every role assignment, wherever it is."""
    found = set()
    for document in modules(root).values():
        for body in of_type(document, ASSIGNMENT).values():
            body = body.get("config", body)  # one with a condition has its body inside
            properties = body["properties"]
            name = accessed(properties["roleDefinitionId"]["function"]["parameters"]["resource_name_1"])
            role = document["variables"]["roles"]["value"][name.removeprefix("roles.")]
            found.add((properties["principalId"], role, document["resources"][body["scope"]]["type"]))
    return found


def rights(root: Path) -> None:
    assert granted(root) == RIGHTS
    kinds = [kind for document in modules(root).values() for kind in _principal_kinds(document)]
    assert len(kinds) == len(RIGHTS)
    assert {kind for kind in kinds if kind[0] == "dataScientists"} == {("dataScientists", "Group", True)}
    assert all(kind[1:] == ("ServicePrincipal", False) for kind in kinds if kind[0] != "dataScientists")


def _principal_kinds(document: dict[str, Any]) -> list[tuple[str, str, bool]]:
    bodies = [(body.get("config", body), "condition" in body) for body in of_type(document, ASSIGNMENT).values()]
    return [(body["properties"]["principalId"], body["properties"]["principalType"], when) for body, when in bodies]


def holders(root: Path) -> None:
    """Each principal is the identity that is made for it, and the one that what acts has."""
    main = modules(root)["main"]["modules"]
    identities = module(root, "identities")
    for who in ("compute", "register", "events"):
        assert accessed(main["roles"]["config"]["params"][f"{who}Principal"]) == f"identities.outputs.{who}Principal"
        assert accessed(identities["outputs"][f"{who}Principal"]["value"]) == f"{who}.properties.principalId"
        assert accessed(identities["outputs"][f"{who}Id"]["value"]) == f"{who}.id"
    assert accessed(main["compute"]["config"]["params"]["identityId"]) == "identities.outputs.computeId"
    for name, who in (("logicapp", "register"), ("events", "events")):
        assert accessed(main[name]["config"]["config"]["params"]["identityId"]) == f"identities.outputs.{who}Id"


def secured(root: Path) -> None:
    """What the scan (`make check-infra`) doesn't ask."""
    account = only(module(root, "storage"), STORAGE)
    wanted = {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2"}
    assert account["kind"] == "StorageV2"
    assert account["properties"].items() >= {**wanted, "isHnsEnabled": "hierarchical"}.items()
    service = only(module(root, "storage"), "Microsoft.Storage/storageAccounts/blobServices")["properties"]
    assert service["isVersioningEnabled"] is service["changeFeed"]["enabled"] is True
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert service[policy] == {"enabled": True, "days": "softDeleteDays"}
    workspace = only(module(root, "workspace"), WORKSPACE)["properties"]
    assert workspace["systemDatastoresAuthMode"] == "Identity", "the account has no keys"
    assert workspace["managedNetwork"] == {"isolationMode": "outbound"}
    cluster = only(module(root, "compute"), f"{WORKSPACE}/computes")["properties"]
    assert cluster["properties"]["scaleSettings"]["minNodeCount"] == 0
    assert cluster["properties"]["remoteLoginPortPublicAccess"] == "Disabled"
    assert cluster["disableLocalAuth"] is True
    vault = only(module(root, "keyvault"), "Microsoft.KeyVault/vaults")["properties"]
    assert vault["enableRbacAuthorization"] is True


def tiers(root: Path) -> None:
    """Azure itself refuses an archive tier on a zone-redundant account, whoever deploys, by whatever parameters."""
    lifecycle = module(root, "lifecycle")
    decorators = {entry["type"]: entry["argument"] for entry in lifecycle["parameters"]["archiveSku"]["decorators"]}
    assert decorators["allowed"] == ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"]
    given = module(root, "main")["modules"]["lifecycle"]["config"]["params"]
    choice = given["archiveSku"]["function"]["parameters"]["value"]["operator"]["operands"]
    assert choice["false_value"] == "storageSku"
    assert choice["condition"]["function"]["type"] == "empty"
    assert accessed(given["defaultContainer"]) == "workspace.outputs.defaultContainer"
    text = (root / "infra/main.bicep").read_text(encoding="utf-8")
    assert "var archived = filter(concat(lifecycleRules, [previousVersions]), rule => rule.archive > 0)" in text
    prefix = lifecycle["variables"]["present"]["value"]["config"]["definition"]["filters"]["prefixMatch"]
    assert prefix == ["${replace(rule.container, 'workspaceblobstore', defaultContainer)}/${rule.prefix}"]


def closed(root: Path) -> None:
    """Without public access everything is closed, and the event path, which is on the internet, is left out."""
    main = module(root, "main")
    public = main["variables"]["isPublic"]["value"]["operator"]
    assert public == {"type": "equals", "operands": {"operand_1": "publicAccess", "operand_2": "Enabled"}}
    for name in ("storage", "keyvault", "containers", "workspace"):
        assert main["modules"][name]["config"]["params"]["publicAccess"] == "publicAccess"
    conditions = {
        name: entry["config"]["condition"] for name, entry in main["modules"].items() if "condition" in entry["config"]
    }
    assert conditions.pop("registry") == "ownsRegistry"
    assert conditions.pop("network") == {"operator": {"type": "not", "operands": {"bool_value": "isPublic"}}}
    assert conditions == {"logicapp": "isPublic", "events": "isPublic"}


RULES = {rule.__name__: rule for rule in (rights, holders, secured, tiers, closed)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_templates_keep_the_rule(rule: Any) -> None:
    rule(ROOT)


@pytest.mark.parametrize("case", spoilt(RULES), ids=str)
def test_a_spoilt_template_is_caught(case: Spoilt, tmp_path: Path) -> None:
    case.caught_by(RULES[case.rule], copied(tmp_path))


def test_a_right_that_another_module_gives_is_seen(tmp_path: Path) -> None:
    root = copied(tmp_path)
    given = (root / "infra/modules/roles.bicep").read_text(encoding="utf-8")
    start = given.index("resource computeImages")
    stolen = given[start : given.index("\n}\n", start) + 3].replace("scope: containers", "scope: vault")
    path = root / "infra/modules/keyvault.bicep"
    roles = "\nvar roles = {\n  imagePull: '00482a5a-887f-4fb3-b363-3b7fe8e74483'\n}\n"
    path.write_text(path.read_text(encoding="utf-8") + roles + stolen, encoding="utf-8")
    with pytest.raises(AssertionError):
        rights(root)


def test_every_resource_says_what_it_costs() -> None:
    """In the comment above it, or for all of a module in its first lines. No figures: they change, and by region."""
    silent = []
    for path in sorted((ROOT / "infra/modules").glob("*.bicep")):
        text = path.read_text(encoding="utf-8")
        if "Cost:" in text.split("\nparam ")[0]:
            continue
        for block in text.split("\n\n"):
            created = re.search(r"^resource (\w+) .* = ", block, re.MULTILINE)
            if created and " existing = " not in block and "Cost:" not in block:
                silent.append(f"{path.name}: {created[1]}")
    assert silent == []
