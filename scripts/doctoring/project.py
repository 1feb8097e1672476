"""Which project of Azure DevOps, and which of its repositories, this clone belongs to."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from scripts.az import AzError

REMOTES = (  # how Azure Repos writes the address of a repository
    re.compile(r"https://(?:[^@/]*@)?(?P<host>dev\.azure\.com/[^/]+)/(?P<project>[^/]+)/_git/(?P<repository>[^/]+)"),
    re.compile(r"https://(?P<host>[^./]+\.visualstudio\.com)/(?P<project>[^/]+)/_git/(?P<repository>[^/]+)"),
    re.compile(r"git@ssh\.dev\.azure\.com:v3/(?P<org>[^/]+)/(?P<project>[^/]+)/(?P<repository>[^/]+)"),
)
UNKNOWN = "the remote `origin` is {remote}, which is no address of Azure Repos"
NAME_IT = "name it: SYSTEM_COLLECTIONURI=https://dev.azure.com/<organization>/ SYSTEM_TEAMPROJECT=<project> make …"


@dataclass(frozen=True)
class DevOpsProject:
    """A project of Azure DevOps.

    Args:
        organization: its address.
        repository: name of the repository in Azure Repos; "" where the code lies elsewhere, as on GitHub.
    """

    organization: str
    project: str
    repository: str

    @property
    def flags(self) -> list[str]:
        """Both by name, and nothing guessed: with --org alone `az` ignores the project of its configuration."""
        return ["--org", self.organization, "--project", self.project, "--detect", "false"]


def project_of(root: Path, environ: Mapping[str, str]) -> DevOpsProject:
    """The project that an agent's variables name (SYSTEM_COLLECTIONURI, SYSTEM_TEAMPROJECT), or else the remote.

    Raises:
        AzError: neither does.
    """
    remote = remote_of(root)
    match = next(filter(None, (pattern.fullmatch(remote) for pattern in REMOTES)), None)
    named = environ.get("SYSTEM_COLLECTIONURI", ""), environ.get("SYSTEM_TEAMPROJECT", "")
    repository = unquote(match["repository"]) if match else ""
    if all(named):
        return DevOpsProject(named[0], named[1], repository)
    if match is None:
        raise AzError(UNKNOWN.format(remote=re.sub(r"//[^/@]*@", "//", remote) or "missing"))
    parts = match.groupdict()
    host = parts.get("host") or f"dev.azure.com/{parts['org']}"
    return DevOpsProject(f"https://{host}/", unquote(match["project"]), repository)


def remote_of(root: Path) -> str:
    """Address of the remote `origin`; "" if there is none."""
    line = ["git", "-C", str(root), "remote", "get-url", "origin"]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip().removesuffix("/")
