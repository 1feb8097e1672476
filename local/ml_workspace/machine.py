"""This machine, which is the one node of every compute target: its size, and what runs on it."""

import os
import platform
import re
import shutil
from typing import TYPE_CHECKING, Any

from .errors import Unsupported
from .streaming import TERMINAL

if TYPE_CHECKING:
    from .workspace import Workspace

GPUS = re.compile(r"^standard_n[cdvgp]", re.IGNORECASE)
KINDS = ("amlcompute", "computeinstance")


def size(ws: "Workspace") -> dict[str, Any]:
    """The only size of a node, in the shape of the service's list of sizes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "name": "local",
        "family": platform.machine(),
        "v_cp_us": os.cpu_count() or 1,
        "gpus": 0,
        "memory_gb": round(memory / 2**30, 1),
        "max_resource_volume_mb": shutil.disk_usage(ws.path).total // 2**20,
        "low_priority_capable": False,
        "premium_io": False,
        "supported_compute_types": ",".join(KINDS),
    }


def nodes(ws: "Workspace", compute: str) -> list[dict[str, Any]]:
    """The nodes of a compute cluster: this machine, once for each job that runs on it, else once as idle.

    Raises:
        NotFound: no such compute target.
        Unsupported: it is no cluster.
    """
    kind = ws.assets.get("compute", compute)["type"]
    if kind != "amlcompute":
        raise Unsupported(f"Compute '{compute}' is of type {kind}; only an amlcompute has a list of nodes.")
    live = ws.catalog.rows("SELECT name, doc FROM jobs WHERE status NOT IN (?, ?, ?) ORDER BY seq", *TERMINAL)
    known = {compute, f"azureml:{compute}"}
    running = [row["name"] for row in live if row["doc"].get("compute") in known and not row["doc"].get("jobs")]
    node = {"node_id": platform.node(), "private_ip_address": "127.0.0.1"}
    busy = [{**node, "node_state": "running", "current_job_name": name} for name in running]
    return busy or [{**node, "node_state": "idle"}]


def refuse_gpus(size: str | None, where: str) -> None:
    """Refuse a size of a node that has GPUs.

    Raises:
        Unsupported: it does.
    """
    if size and GPUS.match(size):
        raise Unsupported(f"{where}: {size} has GPUs, and the local workspace has none; choose a size without.")
