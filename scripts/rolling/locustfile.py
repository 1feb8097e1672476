"""What one user of the load test does: sends some rows of the sample request, and again as soon as the answer is there.

Locust runs it in an environment of its own, so it imports nothing of this repository. Address, key, sample request and
report come by variables: an argument would be seen in the list of processes.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant, events, task
from locust.env import Environment

TABLE = json.loads(Path(os.environ["LOAD_SAMPLE"]).read_text(encoding="utf-8"))["input_data"]
HEADERS = {"Authorization": f"Bearer {os.environ['LOAD_KEY']}", "Content-Type": "application/json"}
MOST = 8  # rows of a request


class User(FastHttpUser):
    host = os.environ["LOAD_URI"]
    wait_time = constant(0)

    @task
    def score(self) -> None:
        rows = random.sample(TABLE["data"], random.randint(1, min(MOST, len(TABLE["data"]))))
        body = {"input_data": {"columns": TABLE["columns"], "index": list(range(len(rows))), "data": rows}}
        with self.client.post("", json=body, headers=HEADERS, name="score", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}: {(answer.text or '')[:200]}")
            elif len(answer.json().get("predictions", [])) != len(rows):
                answer.failure("not one prediction for each row")


@events.quitting.add_listener
def report(environment: Environment, **_: Any) -> None:
    total = environment.stats.total
    found = {
        "requests": total.num_requests,
        "failed": total.num_failures,
        "error_rate": total.fail_ratio,
        "rps": total.total_rps,
        **{f"p{share}_ms": total.get_response_time_percentile(share / 100) for share in (50, 95, 99)},
        "problems": sorted({str(error.error) for error in environment.stats.errors.values()})[:5],
    }
    Path(os.environ["LOAD_REPORT"]).write_text(json.dumps(found), encoding="utf-8")
