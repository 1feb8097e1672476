"""Ways back: from a rollout that failed, from one whose process died, and from one that was a mistake."""

from dataclasses import replace
from datetime import datetime, timedelta

from scripts.rolling.actions import Action, End, Line, Progress, Wait
from scripts.rolling.lines import update
from scripts.rolling.state import (
    OWNER,
    REFUSED,
    ROLLBACK,
    RUNNING,
    TRANSITIONAL,
    Endpoint,
    Running,
    Traffic,
    parse,
    written,
)


def undo(endpoint: Endpoint, running: Running, progress: Progress) -> Line:
    """Back to what was, in one line."""
    tags = {REFUSED: f"{running.model}: {reason(progress.failure)}"}
    line = update(endpoint, *back(endpoint, running.before), tags, RUNNING)
    return Line(line, f"back to {written(running.before)}", replace(progress, over="undone"), undoes=True)


def leave(endpoint: Endpoint, progress: Progress) -> Line:
    """Ends a rollout and leaves the traffic to whoever changed it."""
    line = update(endpoint, tags={REFUSED: reason(progress.failure)}, without=RUNNING)
    return Line(line, "the traffic stays as it is", replace(progress, over="left"), undoes=True)


def back(endpoint: Endpoint, before: Traffic) -> tuple[Traffic | None, Traffic | None]:
    """Traffic and mirrored traffic that have to be set to have those of before; None for what is so already."""
    return before if endpoint.traffic != before else None, {} if endpoint.mirror else None


def take_over(
    endpoint: Endpoint, running: Running, now: datetime, stale_after: timedelta, progress: Progress
) -> Action:
    """Another's rollout is under way: refuse, or undo it if its process is gone or it is too old to be alive."""
    if in_charge(running, now, stale_after, progress.owner_gone):
        release = " ".join(update(endpoint, without=(OWNER,)))
        return End(
            f"{running.owner} is rolling out {running.model} since {at(running.since)}; wait for it. "
            f"After {minutes(stale_after)} minutes it may be taken over; if it is known to have ended, "
            f"free the endpoint: az {release}",
            1,
        )
    return settle(endpoint, running, progress)


def in_charge(running: Running, now: datetime, stale_after: timedelta, gone: bool) -> bool:
    """Whether a rollout has to be taken for alive."""
    fresh = running.since is not None and now - running.since < stale_after
    return bool(running.owner) and fresh and not gone


def settle(endpoint: Endpoint, running: Running, progress: Progress) -> Line:
    """Undoes what a dead rollout left."""
    why = f"the rollout of {running.model} by {running.owner or 'somebody'} ended half-way; its traffic is undone"
    return Line(update(endpoint, *back(endpoint, running.before), without=RUNNING), why, progress, undoes=True)


def reason(failure: str | None) -> str:
    """A failure as a tag has room for it: in one line, without the `az` line that failed, which would fill it."""
    first, _, rest = (failure or "").partition("\n")
    return " ".join((rest if first.startswith("az ") and rest else f"{first} {rest}").split())


def at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "an unknown time"


def minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)


def next_of_rollback(endpoint: Endpoint | None, now: datetime, stale_after: timedelta, progress: Progress) -> Action:
    """The next step of a rollback: the traffic of before the last rollout, at once, in one line.

    A rollout that is under way is not disturbed; one whose process died is undone, which is a rollback too.
    """
    if endpoint is None:
        return End("there is no endpoint yet, so there is nothing to roll back; `make deploy` makes it", 1)
    if endpoint.state in TRANSITIONAL:
        return Wait(f"endpoint {endpoint.name} is {endpoint.state}")
    if progress.over:
        return End(f"rolled back: traffic is {written(endpoint.traffic)}")
    if progress.failure:
        return End(progress.failure, 1)
    if endpoint.running:
        action = take_over(endpoint, endpoint.running, now, stale_after, progress)
        return replace(action, after=replace(progress, over="undone")) if isinstance(action, Line) else action
    if ROLLBACK not in endpoint.tags:
        why = endpoint.tags.get(REFUSED)
        refused = f"; the last rollout was refused and changed no traffic, {why}" if why else ""
        return End(f"there is nothing to roll back to: no traffic of before is kept{refused}", 1)
    before = parse(endpoint.tags[ROLLBACK])
    broken = [name for name in before if endpoint.deployments.get(name) != "Succeeded"]
    if broken:
        states = ", ".join(f"{name} is {endpoint.deployments.get(name, 'not there')}" for name in broken)
        return End(f"can't go back to {written(before)}: {states}; roll out a version: make deploy MODEL_VERSION=…", 1)
    line = update(endpoint, before, {} if endpoint.mirror else None, without=(ROLLBACK,))
    return Line(line, f"back to {written(before)}", replace(progress, over="undone"))
