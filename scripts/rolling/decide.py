"""What a rollout does next: a pure function of what the endpoint is like, what is asked and what was seen so far.

    no endpoint -> make it
    nobody rolls out -> claim the endpoint: note who, since when, and the traffic to go back to
    the idle deployment -> create or update it at 0 percent
    smoke test by name -> mirrored traffic, watched -> a small share, watched -> everything, the old one kept at 0

Whatever fails on the way leads to one line that restores the traffic of before. A rollout whose process died is first
undone from what the tags tell, then everything begins anew, so that no step depends on what a dead process knew.
"""

from dataclasses import replace

from scripts.rolling.actions import Action, End, Line, Progress, Rollout, Smoke, Stage, Wait, Watch
from scripts.rolling.lines import update
from scripts.rolling.state import (
    BEFORE,
    MODEL,
    OWNER,
    REFUSED,
    ROLLBACK,
    RUNNING,
    SINCE,
    TARGET,
    TRANSITIONAL,
    Endpoint,
    Running,
    Traffic,
    serving,
    written,
)
from scripts.rolling.undo import at, leave, take_over, undo


def next_action(endpoint: Endpoint | None, rollout: Rollout, progress: Progress) -> Action:
    """The next step of a rollout; None for `endpoint` is one that doesn't exist."""
    if endpoint is None:
        if progress.failure:
            return End(progress.failure, 1)
        line = ("ml", "online-endpoint", "create", "--file", rollout.endpoint_file)
        return Line(line, "there is no endpoint yet", progress)
    if endpoint.state in TRANSITIONAL:
        return Wait(f"endpoint {endpoint.name} is {endpoint.state}")
    if progress.over == "accepted":
        return accepted(endpoint, rollout)
    if progress.over == "left":
        return End(f"{progress.failure}\nstopped; the traffic is left as it is, {written(endpoint.traffic)}", 1)
    if progress.over == "undone":
        return End(f"{progress.failure}\nrefused; traffic is {written(endpoint.traffic)}, as before", 1)
    running = endpoint.running
    if running and running.owner == rollout.owner:
        if progress.failure and (endpoint.traffic, endpoint.mirror) in possible(running, rollout):
            return undo(endpoint, running, progress)
        return leave(endpoint, progress) if progress.failure else go_on(endpoint, running, rollout, progress)
    if progress.failure:
        other = f"{running.owner} rolls out {running.model} by now; " if running else ""
        return End(f"{progress.failure}\n{other}traffic is {written(endpoint.traffic)}", 1)
    if progress.claimed:
        by = f"by {running.owner} since {at(running.since)}" if running else "by somebody who then ended it"
        return End(f"the endpoint was taken over {by}; this rollout stops and changes nothing more", 1)
    return begin(endpoint, running, rollout, progress)


def begin(endpoint: Endpoint, running: Running | None, rollout: Rollout, progress: Progress) -> Action:
    """Before the endpoint is claimed: refuse, undo what a dead rollout left, find nothing to do, or claim it."""
    if running:
        return take_over(endpoint, running, rollout.now, rollout.stale_after, progress)
    if endpoint.state != "Succeeded":
        return End(f"endpoint {endpoint.name} is {endpoint.state}; look at it in the studio, delete it if it is new", 1)
    if endpoint.mirror:
        end = " ".join(update(endpoint, mirror={}))
        return End(f"traffic is mirrored to {written(endpoint.mirror)} by somebody; end it first: az {end}", 1)
    if len(endpoint.traffic) > 1:
        return End(
            f"traffic is split, {written(endpoint.traffic)}, so no deployment is idle; give one everything first: "
            f"az ml online-endpoint update --name {endpoint.name} --traffic ...",
            1,
        )
    live = next(iter(endpoint.traffic), None)
    if live and serves(endpoint, live, rollout):
        if "smoke" not in progress.passed:
            return Smoke(live)
        return End(f"{rollout.model} is what {live} serves already, with {endpoint.traffic[live]} % of the traffic")
    target = idle(endpoint, rollout)
    claim = {
        OWNER: rollout.owner,
        SINCE: rollout.now.isoformat(timespec="seconds"),
        MODEL: rollout.model,
        TARGET: target,
        BEFORE: written(endpoint.traffic),
    }
    line = update(endpoint, tags=claim, without=(ROLLBACK, REFUSED, serving(target)))
    why = f"{rollout.model} goes to {target}; the traffic to go back to is {written(endpoint.traffic)}"
    return Line(line, why, replace(progress, claimed=True, passed=frozenset()))


def go_on(endpoint: Endpoint, running: Running, rollout: Rollout, progress: Progress) -> Action:
    """The next step of this rollout, which has claimed the endpoint."""
    target, before = running.target, running.before
    state = endpoint.deployments.get(target)
    if state in TRANSITIONAL:
        return Wait(f"deployment {target} is {state}")
    stages = plan(before, target, rollout)
    traffic, mirror = stages[progress.entered] if progress.entered else (before, {})
    if (endpoint.traffic, endpoint.mirror) != (traffic, mirror):
        now = f"{written(endpoint.traffic)}, mirrored {written(endpoint.mirror)}"
        failure = f"somebody changed the traffic during the rollout: it is {now}"
        return leave(endpoint, replace(progress, failure=failure))
    if not progress.deployed:
        verb = "create" if state is None else "update"
        line = ("ml", "online-deployment", verb, "--file", rollout.files[target])
        return Line(line, f"{target} gets {rollout.model} at 0 %", replace(progress, deployed=True))
    if state != "Succeeded":
        return undo(endpoint, running, replace(progress, failure=f"deployment {target} is {state or 'not there'}"))
    if "smoke" not in progress.passed:
        return Smoke(target)
    for stage, (traffic, mirror) in stages.items():
        if stage in progress.passed:
            continue
        if progress.entered == stage:
            return Watch(stage, target)
        why = f"{target} gets {describe(stage, rollout)}"
        return Line(update(endpoint, traffic, mirror), why, replace(progress, entered=stage))
    return accept(endpoint, running, rollout, progress)


def plan(before: Traffic, target: str, rollout: Rollout) -> dict[Stage, tuple[Traffic, Traffic]]:
    """Stage -> (traffic, mirrored traffic). A first deployment has none: there are no requests to try it with."""
    if not before:
        return {}
    live = next(iter(before))
    return {
        "mirror": (before, {target: rollout.mirror}),
        "share": ({live: 100 - rollout.share, target: rollout.share}, {}),
    }


def possible(running: Running, rollout: Rollout) -> list[tuple[Traffic, Traffic]]:
    """Traffic and mirrored traffic that this rollout may have set, also by a line of which only an error came back."""
    stages = plan(running.before, running.target, rollout).values()
    return [(running.before, {}), *stages, ({running.target: 100}, {})]


def describe(stage: Stage, rollout: Rollout) -> str:
    return f"a copy of {rollout.mirror} % of the requests" if stage == "mirror" else f"{rollout.share} % of the traffic"


def accept(endpoint: Endpoint, running: Running, rollout: Rollout, progress: Progress) -> Line:
    tags = {serving(running.target): f"{rollout.model} {rollout.content}"}
    if running.before:
        tags[ROLLBACK] = written(running.before)
    line = update(endpoint, {running.target: 100}, {} if endpoint.mirror else None, tags, RUNNING)
    return Line(line, f"{running.target} gets all traffic", replace(progress, over="accepted"))


def accepted(endpoint: Endpoint, rollout: Rollout) -> End:
    live = next((name for name in endpoint.traffic if serves(endpoint, name, rollout)), None)
    if live is None or endpoint.traffic[live] != 100:
        return End(f"traffic is {written(endpoint.traffic)} although all was given to {rollout.model}", 1)
    before = endpoint.tags.get(ROLLBACK)
    kept = f"; `make rollback` restores {before}" if before else ""
    return End(f"{rollout.model} is served by {live}, with 100 % of the traffic{kept}")


def serves(endpoint: Endpoint, deployment: str, rollout: Rollout) -> bool:
    there = endpoint.deployments.get(deployment) == "Succeeded"
    return there and endpoint.serves(deployment) == f"{rollout.model} {rollout.content}"


def idle(endpoint: Endpoint, rollout: Rollout) -> str:
    """The deployment that is overwritten: one without traffic."""
    return next(name for name in rollout.files if name not in endpoint.traffic)
