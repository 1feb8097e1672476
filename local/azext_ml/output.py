"""What `--output table` shows where the fields of the documents are not enough."""

from collections import OrderedDict
from typing import Any


def job_table(jobs: list[dict[str, Any]]) -> list[OrderedDict[str, str]]:
    """The columns of `az ml job list`."""
    return [
        OrderedDict(
            {
                "Name": job["name"],
                "Status": job.get("status", ""),
                "Experiment": job.get("experiment_name", ""),
                "Compute target": str(job.get("compute") or "").removeprefix("azureml:"),
                "Job type": job.get("type", ""),
                "Created on": (job.get("creation_context") or {}).get("created_at", ""),
            }
        )
        for job in jobs
    ]
