"""Endpoints, and how their deployments belong to them."""

import re
from collections.abc import Iterator

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, hint
from scripts.specs.project import Spec

MIRROR_MAX = 50  # percent, of the service
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]")
SHORTEST, LONGEST = 3, 32  # letters of a name


def traffic(subject: Subject) -> Iterator[Problem]:
    """Live traffic is all or nothing; a mirror gets at most half, and there is one; both go to what is deployed."""
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
    known = {spec.name for spec in _deployments(subject)}
    for key in ("traffic", "mirror_traffic"):
        for name in mapping(subject.document, key).keys() - known:
            yield Problem("AML405", (key, name), f"there is no deployment {name!r} in this folder; {hint(name, known)}")


def endpoint_name(subject: Subject) -> Iterator[Problem]:
    """A deployment names the endpoint that lies beside it."""
    if not subject.spec.kind.name.endswith("deployment"):
        return
    endpoint = subject.repository.document("endpoint.yml", subject.home)
    given = subject.document.get("endpoint_name")
    if endpoint is None:
        message = f"there is no {subject.home}/endpoint.yml, so nothing makes endpoint {given!r}; add endpoint.yml.j2"
        yield Problem("AML404", ("endpoint_name",), message)
    elif given is not None and given != endpoint.get("name"):
        message = f"endpoint_name is {given!r}, but the endpoint in this folder is {endpoint.get('name')!r}"
        yield Problem("AML403", ("endpoint_name",), message)


def names(subject: Subject) -> Iterator[Problem]:
    """Names of endpoints and deployments become host names and headers, so few characters are possible."""
    if not subject.spec.kind.name.endswith(("endpoint", "deployment")):
        return
    name = str(subject.document.get("name", ""))
    if not SHORTEST <= len(name) <= LONGEST:
        message = f"{name!r} has {len(name)} characters; a name has {SHORTEST} to {LONGEST}"
        yield Problem("AML406", ("name",), message)
    elif not NAME.fullmatch(name):
        message = f"{name!r}: a name has letters, digits and hyphens, starts with a letter and ends with no hyphen"
        yield Problem("AML406", ("name",), message)


def same_name(subject: Subject) -> Iterator[Problem]:
    """Two deployments of an endpoint with one name: whichever is submitted last replaces the other."""
    if not subject.spec.kind.name.endswith("deployment"):
        return
    for other in _deployments(subject):
        if other.path < subject.spec.path and other.name == subject.spec.name:
            message = f"{subject.spec.name!r} is the name of {other.template} too; one would replace the other"
            yield Problem("AML407", ("name",), message)


def _deployments(subject: Subject) -> list[Spec]:
    """Deployments that lie in the folder of a spec."""
    specs = subject.repository.project.specs.values()
    beside = [spec for spec in specs if spec.path.rsplit("/", 1)[0] == subject.home]
    return [spec for spec in beside if spec.kind.name.endswith("deployment")]
