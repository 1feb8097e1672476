"""Files that a spec carries into the build folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pathspec

from scripts.specs.errors import SpecError

IGNORE_FILES = (".gitignore", ".amlignore")
# Keys of a spec whose value may be a path. `path` and `code` are also good names for an input, so the
# mappings below hold names that people choose and are not searched; only inputs.<name>.path is.
PATH_KEYS = {"code", "path", "conda_file", "model", "component", "trial", "create_job", "job", "environment"}
# inference_config has paths of a web server, /score and the like.
NAMED = {"inputs", "outputs", "tags", "properties", "environment_variables", "search_space", "inference_config"}


def is_local(value: Any) -> bool:
    """Whether a value of a path key is a file or folder here, not an asset, a URI or a binding."""
    return isinstance(value, str) and "${{" not in value and "\n" not in value and ":" not in value.split("/")[0]


def local_paths(document: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every local path of a spec with its position, such as (("jobs", "prep", "code"), "./src")."""
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield from (((index, *rest), value) for rest, value in local_paths(item))
    if not isinstance(document, dict):
        return
    for key, value in document.items():
        if key in NAMED:
            entries = value.items() if key == "inputs" and isinstance(value, dict) else ()
            for name, entry in entries:
                if isinstance(entry, dict) and is_local(entry.get("path")):
                    yield (key, name, "path"), entry["path"]
        elif key in PATH_KEYS and is_local(value):
            yield (key,), value
        else:
            yield from (((key, *rest), found) for rest, found in local_paths(value))


class Ignored:
    """What .gitignore and .amlignore files of a repository leave out; __pycache__ always."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._specs: dict[Path, pathspec.GitIgnoreSpec] = {}

    def __call__(self, path: Path) -> bool:
        """Whether `path`, a file or folder under the root, is left out."""
        if path.name in {"__pycache__", ".git", *IGNORE_FILES}:
            return True
        slash = "/" if path.is_dir() else ""
        folders = [folder for folder in path.parents if folder.is_relative_to(self._root)]
        return any(self._spec(folder).match_file(path.relative_to(folder).as_posix() + slash) for folder in folders)

    def _spec(self, folder: Path) -> pathspec.GitIgnoreSpec:
        if folder not in self._specs:
            files = [folder / name for name in IGNORE_FILES if (folder / name).is_file()]
            lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
            self._specs[folder] = pathspec.GitIgnoreSpec.from_lines(lines)
        return self._specs[folder]


def files_under(root: Path, path: Path, ignored: Ignored) -> Iterator[Path]:
    """Files at or below `path` that are not ignored, in sorted order."""
    if path.is_file():
        yield path
        return
    for child in sorted(path.iterdir()):
        if ignored(child):
            continue
        if child.is_symlink() and child.is_dir():
            where = child.relative_to(root).as_posix()
            raise SpecError(where, "is a link to a folder, which a build folder can't carry; put the files here")
        yield from files_under(root, child, ignored)
