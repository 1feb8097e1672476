"""An online endpoint beside its own inference server without a router, beside MLflow's server, and under changes."""

import json
from collections.abc import Mapping, Sequence
from functools import partial

from bench.rows import Row
from bench.scratch import Scratch, scratch
from bench.serve_servers import ENDPOINT, WORKERS, Load, Serving
from bench.timing import BenchError, interleave, say

# Many short runs: one beside the other they see the same machine, however busy it is.
ROUNDS, REQUESTS = 25, 250
UNDER_CHANGES = 10_000  # requests
THROUGHPUT, TAIL = 0.90, 1.25  # of the server without the router


def measure() -> list[Row]:
    with scratch() as place:
        serving = Serving(place)
        say("  deploying")
        endpoint = serving.deploy()
        with serving.direct() as direct, serving.mlflow() as mlflow:
            loads = {"endpoint": endpoint, "direct": direct, "mlflow": mlflow}
            found = interleave(
                {name: partial(load.run, REQUESTS) for name, load in loads.items()}, ROUNDS, warm_up=True
            )
        say("  changes under load")
        failed = changes(place, endpoint)
        what = f"failed of {UNDER_CHANGES} or more requests while traffic is switched and deployments are updated"
        return [*compared(found), Row(what, [failed], "none", unit="requests")]


def compared(found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Row]:
    """Rows of the endpoint beside the servers; throughput as its inverse, so that less is better as in all rows.

    Raises:
        BenchError: a request failed, so what was measured is not the answering of requests.
    """
    failed = {name: sum(run["failed"] for run in runs) for name, runs in found.items()}
    if any(failed.values()):
        raise BenchError(f"requests failed: {failed}")
    each = {name: [run["seconds"] / run["requests"] * 1000 for run in runs] for name, runs in found.items()}
    p99 = {name: [run["p99"] for run in runs] for name, runs in found.items()}
    how = f"{WORKERS} workers, {Load.CLIENTS} clients"
    return [
        Row(f"endpoint, time per request (1 / throughput), {how}", each["endpoint"], f"server alone / {THROUGHPUT:g}",
            1 / THROUGHPUT, reference=each["direct"], unit="ms"),
        Row("the same, p99", p99["endpoint"], f"{TAIL:g} x server alone", TAIL, reference=p99["direct"], unit="ms"),
        Row("the same, time per request", each["endpoint"], "1 x mlflow models serve", 1.0, reference=each["mlflow"],
            unit="ms"),
    ]  # fmt: skip


def changes(place: Scratch, endpoint: Load) -> float:
    """Failed requests while traffic is switched and a deployment updated, there and back.

    Raises:
        BenchError: the load ended early, so not all changes were under load.
    """
    going = place.folder / "serve" / "going"
    going.touch()
    with endpoint.start(UNDER_CHANGES, going) as process:
        try:
            for old, new in (("blue", "green"), ("green", "blue")):
                traffic = ("--traffic", f"{old}=0 {new}=100")
                place.az("ml", "online-endpoint", "update", "--name", ENDPOINT, *traffic, "--output", "none")
                for deployment in (new, old):
                    place.az("ml", "online-deployment", "update", "--endpoint-name", ENDPOINT, "--name", deployment,
                             "--set", f"environment_variables.AFTER={old}", "--output", "none")  # fmt: skip
        finally:
            going.unlink()
        said, errors = process.communicate()
    if process.returncode:
        raise BenchError(f"the load ended early:\n{errors}")
    measured = json.loads(said)
    say(f"  {measured['requests']} requests, {measured['failed']} failed {errors}")
    return float(measured["failed"])
