"""An online endpoint that stands for the service: it does what `az` lines say, and can fail or die at any of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from scripts.az import AzError
from scripts.rolling.actions import Action, Progress, Rollout, Watch
from scripts.rolling.decide import next_action
from scripts.rolling.drive import drive
from scripts.rolling.state import Endpoint, positive
from scripts.rolling.undo import next_of_rollback

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STALE = timedelta(minutes=60)


class Killed(BaseException):
    """The process is gone: nothing after it happens."""


class Service:
    """One endpoint. `before` and `after` are called with the number of a line, around its effect."""

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self.models: dict[str, str] = {}
        self.lines: list[str] = []
        self.shares: list[dict[str, int]] = []  # traffic after each line
        self.broken: set[str] = set()  # models whose deployment fails
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[int], None] = lambda number: None

    def read(self) -> Endpoint | None:
        return self.endpoint

    def run(self, arguments: tuple[str, ...]) -> None:
        self.lines.append(" ".join(arguments))
        self.before(len(self.lines))
        match arguments[:3]:
            case ("ml", "online-endpoint", "create"):
                assert self.endpoint is None, "the service refuses to create what is there"
                self.endpoint = Endpoint("e", "Succeeded", {})
            case ("ml", "online-deployment", verb):
                self._deploy(verb, arguments[-1])
            case _:
                self._update(arguments[3:])
        assert self.endpoint is not None
        self.shares.append(dict(self.endpoint.traffic))
        self.after(len(self.lines))

    def _deploy(self, verb: str, file: str) -> None:
        assert self.endpoint is not None
        model, deployment = PurePath(file).parts
        assert (verb == "update") == (deployment in self.endpoint.deployments)
        assert deployment not in {**self.endpoint.traffic, **self.endpoint.mirror}, "it is overwritten while it serves"
        state = "Failed" if model in self.broken else "Succeeded"
        deployments = {**self.endpoint.deployments, deployment: state}
        self.endpoint = replace(self.endpoint, deployments=deployments)
        self.models[deployment] = model
        if state == "Failed":
            raise AzError("az ml online-deployment create\nexit code 1: init() raised ValueError")

    def _update(self, arguments: tuple[str, ...]) -> None:
        assert self.endpoint is not None
        tags, traffic, mirror = dict(self.endpoint.tags), self.endpoint.traffic, self.endpoint.mirror
        flag = ""
        for one in arguments:
            if one.startswith("--"):
                flag = one
            elif flag == "--traffic":
                traffic = self._shares(one)
            elif flag == "--mirror-traffic":
                mirror = self._shares(one)
            elif flag == "--set":
                name, _, value = one.removeprefix("tags.").partition("=")
                tags[name] = value
            elif flag == "--remove":
                del tags[one.removeprefix("tags.")]
        assert sum(traffic.values()) in (0, 100)
        assert not traffic.keys() & mirror.keys()
        self.endpoint = replace(self.endpoint, tags=tags, traffic=traffic, mirror=mirror)

    def _shares(self, text: str) -> dict[str, int]:
        assert self.endpoint is not None
        shares = dict(part.split("=") for part in text.split())
        assert shares.keys() <= self.endpoint.deployments.keys(), "traffic to a deployment that is not there"
        return dict(positive(shares))


class Checks:
    """Checks that a model in `bad` fails: name of the check -> models."""

    def __init__(self, service: Service, bad: dict[str, set[str]] | None = None) -> None:
        self.service, self.bad, self.done = service, bad or {}, list[str]()
        self.during: Callable[[str], None] = lambda check: None

    def smoke(self, deployment: str) -> str | None:
        return self._check("smoke", deployment)

    def watch(self, action: Watch) -> str | None:
        return self._check(action.stage, action.deployment)

    def _check(self, check: str, deployment: str) -> str | None:
        self.done.append(check)
        self.during(check)
        model = self.service.models[deployment]
        return f"{model} is bad" if model in self.bad.get(check, ()) else None


def asked(model: str, owner: str = "ann@laptop", minutes: int = 0) -> Rollout:
    """A rollout of `model`, asked for by `owner`, `minutes` after NOW."""
    return Rollout(
        model=model,
        content="c0ffee",
        files={"blue": f"{model}/blue", "green": f"{model}/green"},
        endpoint_file="endpoint.yml",
        owner=owner,
        now=NOW + timedelta(minutes=minutes),
        stale_after=STALE,
        mirror=20,
        share=10,
    )


def roll_out(
    service: Service, rollout: Rollout, checks: Checks | None = None, gone: set[str] | None = None
) -> tuple[int, str]:
    """Exit code and what was said at last; processes of owners in `gone` are known to have ended."""

    def decide(endpoint: Endpoint | None, progress: Progress) -> Action:
        running = endpoint.running if endpoint else None
        return next_action(
            endpoint, rollout, replace(progress, owner_gone=bool(running and running.owner in (gone or ())))
        )

    return driven(decide, service, checks)


def roll_back(service: Service, minutes: int = 0, gone: bool = False) -> tuple[int, str]:
    def decide(endpoint: Endpoint | None, progress: Progress) -> Action:
        return next_of_rollback(endpoint, NOW + timedelta(minutes=minutes), STALE, replace(progress, owner_gone=gone))

    return driven(decide, service, None)


def driven(
    decide: Callable[[Endpoint | None, Progress], Action], service: Service, checks: Checks | None
) -> tuple[int, str]:
    said: list[str] = []
    code = drive(decide, service, checks or Checks(service), 1.0, said.append)
    return code, said[-1]


def settled(service: Service) -> dict[str, int]:
    """Traffic of an endpoint on which no rollout is under way and nothing is mirrored."""
    assert service.endpoint is not None
    assert service.endpoint.running is None
    assert not service.endpoint.mirror
    return dict(service.endpoint.traffic)
