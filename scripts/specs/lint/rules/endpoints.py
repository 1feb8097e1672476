"""Endpoints and their deployments."""

from collections.abc import Iterator

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject

MIRROR_MAX = 50  # percent, of the service


def traffic(subject: Subject) -> Iterator[Problem]:
    """Live traffic is all or nothing; a mirror gets at most half, and there is one."""
    if subject.spec.kind.name != "online endpoint":
        return
    shares = mapping(subject.document, "traffic")
    total = sum(share for share in shares.values() if isinstance(share, int))
    if total not in {0, 100} or any(isinstance(share, int) and not 0 <= share <= 100 for share in shares.values()):
        message = f"traffic adds up to {total}; each deployment gets 0 to 100 percent, all together 0 or 100"
        yield Problem("AML401", ("traffic",), message)
    mirror = {name: share for name, share in mapping(subject.document, "mirror_traffic").items() if share != 0}
    if len(mirror) > 1:
        yield Problem("AML402", ("mirror_traffic",), f"mirrors to {', '.join(sorted(mirror))}; only one is possible")
    for name, share in mirror.items():
        if isinstance(share, int) and not 0 < share <= MIRROR_MAX:
            yield Problem(
                "AML402", ("mirror_traffic", name), f"mirrors {share} percent; at most {MIRROR_MAX} are possible"
            )


def endpoint_name(subject: Subject) -> Iterator[Problem]:
    """A deployment names the endpoint that lies beside it."""
    if not subject.spec.kind.name.endswith("deployment"):
        return
    endpoint = subject.repository.document("endpoint.yml", subject.home)
    given = subject.document.get("endpoint_name")
    if endpoint is not None and given is not None and given != endpoint.get("name"):
        message = f"endpoint_name is {given!r}, but the endpoint in this folder is {endpoint.get('name')!r}"
        yield Problem("AML403", ("endpoint_name",), message)
