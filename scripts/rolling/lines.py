"""The `az` lines of a rollout."""

from collections.abc import Iterable, Mapping

from scripts.rolling.state import TAG_LENGTH, Endpoint, Traffic, written

# Everything that changes traffic is one line, tags included: it happens as a whole or not at all.


def update(
    endpoint: Endpoint,
    traffic: Traffic | None = None,
    mirror: Traffic | None = None,
    tags: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
) -> tuple[str, ...]:
    """`az ml online-endpoint update` that brings the endpoint to what is given; what is None stays as it is.

    Args:
        endpoint: as it is.
        traffic: every deployment that is not named gets 0.
        mirror: the deployment that gets mirrored traffic; none for {}.
        tags: to set.
        without: tags to remove; those that aren't there are passed over.
    """
    line = ["ml", "online-endpoint", "update", "--name", endpoint.name]
    # A share for each deployment there is: one that is left out might keep what it has.
    if traffic is not None and (names := {*endpoint.deployments, *endpoint.traffic, *traffic}):
        line += ["--traffic", shares(names, traffic)]
    if mirror is not None and (names := {*endpoint.mirror, *mirror}):
        line += ["--mirror-traffic", shares(names, mirror)]  # the service takes one deployment
    if tags:
        line += ["--set", *(f"tags.{name}={value[:TAG_LENGTH]}" for name, value in tags.items())]
        line += ["--force-string"]  # a tag is text, also where it looks like a number
    for name in without:
        if name in endpoint.tags:
            line += ["--remove", f"tags.{name}"]
    return tuple(line)


def shares(names: Iterable[str], traffic: Traffic) -> str:
    return written({name: traffic.get(name, 0) for name in names})
