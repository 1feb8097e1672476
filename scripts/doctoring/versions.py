"""Versions of `az` and its extensions."""

import re
from collections.abc import Mapping
from typing import Any

from scripts.doctoring.answers import Answer, said
from scripts.doctoring.check import Check


def number(version: str) -> tuple[int, ...]:
    """2.40.0b1 as (2, 40, 0): what is compared."""
    return tuple(int(part) for part in re.findall(r"(?:^|\.)(\d+)", version))


def az_check(answer: Answer, minimum: str) -> Check:
    """Whether there is an `az` that is new enough; `answer` is to `az version`."""
    found = answer.json()
    if not answer.ok or not isinstance(found, Mapping):
        install = "https://learn.microsoft.com/cli/azure/install-azure-cli, or make setup for the pinned one"
        return Check("az", "missing", said(answer), install)
    version = str(found.get("azure-cli", ""))
    if number(version) < number(minimum):
        return Check("az", "missing", f"az {version} is older than {minimum}", "az upgrade")
    return Check("az", "ok", f"az {version}")


def extension_check(answer: Answer, name: str, minimum: str, check: str) -> Check:
    """Whether `az` has the extension `name`, new enough; `check` is what it is called here."""
    found: Any = answer.json()
    if not isinstance(found, Mapping):
        return Check(check, "unknown", "`az version` did not answer", "first get az right")
    version = found.get("extensions", {}).get(name)
    if version is None:
        return Check(check, "missing", f"az has no extension {name}", f"az extension add --name {name}")
    if number(str(version)) < number(minimum):
        why = f"extension {name} {version} is older than {minimum}"
        return Check(check, "missing", why, f"az extension update --name {name}")
    return Check(check, "ok", f"extension {name} {version}")
