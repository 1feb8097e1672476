"""The commit that is promoted or deployed from."""

from pathlib import Path

from scripts.releasing.errors import ReleaseError
from scripts.specs.provenance import git, provenance


def clean_commit(root: Path) -> str:
    """The commit of a working tree that holds nothing else.

    Raises:
        ReleaseError: files were edited or added since, or it is no git repository.
    """
    commit = provenance(root)["commit"]
    if commit == "none":
        raise ReleaseError(f"{root} is no git repository with a commit, so nobody could find these specs again")
    if changed := git(root, "status", "--porcelain"):
        files = [line.split(maxsplit=1)[1] for line in changed.splitlines()]
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        raise ReleaseError(f"the working tree differs from the commit: {', '.join(files[:5])}{more}; commit or stash")
    return commit
