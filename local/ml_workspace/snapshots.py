"""Immutable, content-addressed copies of code and uploads."""

import fnmatch
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import WorkspaceError

ALWAYS_IGNORED = ["__pycache__/", ".git/", ".ipynb_checkpoints/", "*.pyc", ".amlignore", ".gitignore"]


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(relative posix path, path) of every file that belongs to a snapshot of `folder`, sorted.

    `.amlignore` decides what stays out, else `.gitignore`, as on Azure. A link out of the folder is refused.
    """
    root = folder.resolve()
    patterns = ALWAYS_IGNORED + _ignore_patterns(root)
    found = []
    for base, folders, names in os.walk(root, followlinks=True):
        relative = Path(base).relative_to(root).as_posix()
        prefix = "" if relative == "." else relative + "/"
        folders[:] = sorted(f for f in folders if not ignored(f"{prefix}{f}/", patterns))
        names = [name for name in names if not ignored(prefix + name, patterns)]
        for path in [Path(base, name) for name in [*folders, *names]]:
            _check(path, root)
        found += [(prefix + name, Path(base, name)) for name in names]
    return iter(sorted(found))


def _check(path: Path, root: Path) -> None:
    target = path.resolve()
    if not target.is_relative_to(root):
        raise WorkspaceError(f"{path} is a link to a place outside {root}: copy what it leads to into the folder.")
    if path.is_symlink() and path.parent.resolve().is_relative_to(target):
        raise WorkspaceError(f"{path} is a link to a folder around it: remove it, or name it in .amlignore.")
    if not path.is_file() and not path.is_dir():
        raise WorkspaceError(f"{path} is not a file but a link to nothing, a pipe or a socket: remove it.")


def _ignore_patterns(root: Path) -> list[str]:
    for name in (".amlignore", ".gitignore"):
        if (root / name).is_file():
            lines = (root / name).read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return []


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether gitignore patterns leave out `path` (a folder's ends with /). The last match decides; ! takes back."""
    verdict = False
    for pattern in patterns:
        wanted = not pattern.startswith("!")
        body = pattern.lstrip("!")
        if body.endswith("/") and not path.endswith("/"):
            continue
        body, subject = body.rstrip("/"), path.rstrip("/")
        if "/" in body:
            hit = fnmatch.fnmatchcase(subject, body.lstrip("/").replace("**/", "*"))
        else:
            hit = fnmatch.fnmatchcase(subject.rsplit("/", 1)[-1], body)
        verdict = wanted if hit else verdict
    return verdict


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(source: Path) -> str:
    """SHA-256 over names and contents of a file or of a folder's files, and which can be executed, hex."""
    if source.is_file():
        return hashlib.sha256(f"file {file_sha256(source)}".encode()).hexdigest()
    total = hashlib.sha256()
    for name, path in files_of(source):
        executable = "\0x" if path.stat().st_mode & stat.S_IXUSR else ""
        total.update(f"{name}\0{file_sha256(path)}{executable}\n".encode())
    return total.hexdigest()


def copy_tree(source: Path, target: Path, writable: bool) -> None:
    """Copy a file or a snapshot's files to `target` (which must not exist), all or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".staging-"))
    try:
        copied = staging / "content"
        if source.is_file():
            shutil.copyfile(source, copied)
        else:
            copied.mkdir()
            for name, path in files_of(source):
                (copied / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copied / name)
                (copied / name).chmod(0o644 | (path.stat().st_mode & stat.S_IXUSR))
        if not writable:
            for path in [copied, *copied.rglob("*")]:
                if path.is_file():
                    path.chmod(path.stat().st_mode & ~0o222)
        try:
            copied.rename(target)
        except OSError:
            # Another process finished the same content first: the two copies are equal.
            if not target.exists():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def copy_out(source: Path, folder: Path) -> Path:
    """A writable copy of a file or folder in `folder`, over what may be there; returns its path."""
    copy = folder / source.name
    folder.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, copy)
    else:
        shutil.copytree(source, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return copy


def store(code: Path | None, snapshots: Path, included: Sequence[str | dict[str, str]] = ()) -> str:
    """Keep a read-only copy of code below `snapshots`; returns its sha256, which is also its folder's name.

    Args:
        code: a folder or a single file.
        included: see `includes.gather`.
    """
    if code and not code.exists():
        raise WorkspaceError(f"code: {code} does not exist.")
    if code and code.is_dir() and not included:
        sha256 = digest(code)
        if not (snapshots / sha256).exists():
            copy_tree(code, snapshots / sha256, writable=False)
        return sha256
    from .includes import gather

    with tempfile.TemporaryDirectory() as folder:
        gather(code, included, Path(folder))
        return store(Path(folder), snapshots)
