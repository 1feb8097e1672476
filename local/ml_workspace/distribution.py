"""Distributed jobs: one process on one node runs, with the variables that Azure sets for it; more is refused.

The instances of a parallel job are no nodes of such a job: see `parallel.processes`.
"""

import json
import socket
from typing import Any

from .errors import Unsupported

HOST = "127.0.0.1"


def validate(spec: dict[str, Any], where: str) -> None:
    """Refuse what takes more than one node, or more than one process on it.

    Raises:
        Unsupported: it names the field and the number.
    """
    count = (spec.get("resources") or {}).get("instance_count")
    if count and str(count) != "1" and spec.get("type") != "parallel":
        raise Unsupported(
            f"{where}resources.instance_count: {count} nodes need a cluster; the local workspace has one node."
        )
    distribution = spec.get("distribution") or {}
    kind = str(distribution.get("type") or "pytorch").lower()
    if kind not in ("pytorch", "mpi", "tensorflow"):
        raise Unsupported(f"{where}distribution.type: the local workspace has no {kind}; use pytorch, mpi, tensorflow.")
    for field, most in (("process_count_per_instance", 1), ("worker_count", 1), ("parameter_server_count", 0)):
        number = int(distribution.get(field) or 0)
        if number > most:
            raise Unsupported(f"{where}distribution.{field}: {number} can't run in the local workspace; use {most}.")


def variables(distribution: dict[str, Any]) -> dict[str, str]:
    """The environment variables of the only process of a distributed job, empty if the job is none."""
    kind = str(distribution.get("type") or "").lower()
    if kind == "pytorch":
        ranks = {"RANK": "0", "LOCAL_RANK": "0", "NODE_RANK": "0", "WORLD_SIZE": "1"}
        return {**ranks, "MASTER_ADDR": HOST, "MASTER_PORT": str(_free_port())}
    if kind == "mpi":
        ranks = {f"OMPI_COMM_WORLD_{name}": "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK")}
        sizes = {f"OMPI_COMM_WORLD_{name}": "1" for name in ("SIZE", "LOCAL_SIZE")}
        return {**ranks, **sizes, "AZ_BATCHAI_MPI_MASTER_NODE": HOST}
    if kind == "tensorflow":
        cluster = {"worker": [f"{HOST}:{_free_port()}"]}
        return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})}
    return {}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])
