"""The files of another commit, put into a folder to be rendered there."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path


class BaseError(Exception):
    """There is nothing to compare with; the message says why and what to do."""


def commit_of(root: Path, base: str) -> str:
    """The commit that a branch is compared with: where it left `base`, or `base` itself if history does not tell.

    Raises:
        BaseError: git knows no `base`.
    """
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if found is None:
        remote, _, branch = base.partition("/")
        fetch = f"git fetch {remote} {branch}" if branch else "git fetch origin main, then BASE=origin/main"
        raise BaseError(f"BASE={base}: git knows no such commit here; {fetch}")
    tip = found.decode().strip()
    left = _git(root, "merge-base", tip, "HEAD")
    return left.decode().strip() if left else tip


def unpack(root: Path, commit: str, folder: Path) -> None:
    """Writes the files of `commit` into `folder`.

    Raises:
        BaseError: git can't read them, or one would be written elsewhere.
    """
    archive = _git(root, "archive", "--format=tar", commit)
    if archive is None:
        raise BaseError(f"git archive {commit[:12]} failed; is the clone whole? git fetch origin main")
    try:
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise BaseError(f"the files of {commit[:12]} can't be unpacked: {error}") from error


def _git(root: Path, *arguments: str) -> bytes | None:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
