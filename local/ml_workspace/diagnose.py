"""Whether all is well with a workspace: its folders and its catalog."""

import os
from typing import TYPE_CHECKING, Any

from .workspace import DATASTORES

if TYPE_CHECKING:
    from .workspace import Workspace

# What the service looks into. Of these, a folder has a storage and, as everything else, its catalog.
SECTIONS = ("application_insights", "container_registry", "dns_resolution", "key_vault", "network_security_rule",
            "other", "resource_lock", "storage_account", "user_defined_route")  # fmt: skip


def diagnose(ws: "Workspace") -> dict[str, list[dict[str, Any]]]:
    """What is wrong, by section; all are empty if nothing is."""
    found: dict[str, list[dict[str, Any]]] = {f"{section}_results": [] for section in SECTIONS}
    for folder in ("snapshots", "jobs", "mlflow", *(f"datastores/{name}" for name in DATASTORES)):
        place = ws.path / folder
        if not place.is_dir():
            message = f"The folder {place} is missing."
        elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            message = f"The folder {place} can not be read and written by this user."
        else:
            continue
        found["storage_account_results"].append({"code": "StorageFolder", "level": "Error", "message": message})
    for row in ws.catalog.rows("PRAGMA quick_check"):
        if row["quick_check"] != "ok":
            message = f"The catalog {ws.path / 'catalog.db'} is damaged: {row['quick_check']}"
            found["other_results"].append({"code": "CatalogDamaged", "level": "Error", "message": message})
    return found
