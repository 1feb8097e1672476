"""Kinds of specs: where each lives, what loads it, whether it has a content version."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of spec.

    Args:
        name: as people call it.
        pattern: path of its templates; `*` stands for one name, or for the rest of one; `_name` is left to shared
            pieces that others include.
        loader: function of azure.ai.ml.entities._load_functions that loads it.
        group: command group, `az ml <group> create`.
        asset: a versioned asset: its version is its content's hash and `ref()` can name it.
        lasting: made once and then changed: its tag `content` tells which spec it was given last.
    """

    name: str
    pattern: str
    loader: str
    group: str
    asset: bool = False
    lasting: bool = False

    def matches(self, path: str) -> bool:
        names = re.escape(self.pattern).replace(r"/\*", "/[^/_][^/]*").replace(r"\*", "[^/]*")
        return re.fullmatch(names, path) is not None


SUFFIX = ".yml.j2"
# The first that matches counts: beside endpoint.yml.j2, all specs are deployments, named as people name them.
KINDS = (
    Kind("environment", "environments/*/environment.yml.j2", "load_environment", "environment", asset=True),
    Kind("data", "data/*/data.yml.j2", "load_data", "data", asset=True),
    Kind("component", "components/*/component.yml.j2", "load_component", "component", asset=True),
    Kind("schedule", "pipelines/*_schedule.yml.j2", "load_schedule", "schedule", lasting=True),
    Kind("job", "pipelines/*.yml.j2", "load_job", "job"),
    Kind(
        "online endpoint", "endpoints/online/*/endpoint.yml.j2", "load_online_endpoint", "online-endpoint", lasting=True
    ),
    Kind(
        "online deployment", "endpoints/online/*/*.yml.j2", "load_online_deployment", "online-deployment", lasting=True
    ),
    Kind("batch endpoint", "endpoints/batch/*/endpoint.yml.j2", "load_batch_endpoint", "batch-endpoint", lasting=True),
    Kind("batch deployment", "endpoints/batch/*/*.yml.j2", "load_batch_deployment", "batch-deployment", lasting=True),
    Kind("schedule", "monitors/*.yml.j2", "load_schedule", "schedule", lasting=True),
)
ROOTS = tuple(sorted({kind.pattern.split("/")[0] for kind in KINDS}))


def kind_of(path: str) -> Kind | None:
    """Kind of the template at `path` (relative to the repository); None if it is no spec."""
    return next((kind for kind in KINDS if kind.matches(path)), None)


def key_of(path: str) -> str:
    """What `ref()` calls the spec of a template: its folder for an asset, else the path without suffix."""
    kind = kind_of(path)
    return path.rsplit("/", 1)[0] if kind and kind.asset else path.removesuffix(SUFFIX)
