"""Writing build/<env>/: the rendered tree, self-contained.

With FROZEN=1 it is only compared: what CI has rendered, checked and published once is what every later job submits.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from scripts.specs.errors import SpecError
from scripts.specs.project import Project

FROZEN = "FROZEN"  # of the environment
NAMED = 20  # files in a message


def write_build(project: Project, only: Sequence[str] = ()) -> Path:
    """Makes build/<env>/ equal to what `project` rendered, or in it the specs `only`, and returns it.

    With FROZEN=1 it has to be equal, but for values that a verb sets, such as the model version of a rollout: what is
    rendered with these goes to build/values/<env>/, and without them has to be what is frozen.

    Everything was rendered before this starts, so a template error leaves the previous build as it was. Files are
    replaced one by one, and only where they differ: a job that reads the folder meanwhile never sees half a file.
    """
    folder = folder_of(project)
    if frozen():
        refuse_other(project.plain, only)
        if project.plain is project:
            return folder
    for name, content in (project.files_of(only) if only else project.files).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_bytes(content)
            draft.replace(path)
    _remove_stale(folder, {folder / name for name in project.files})
    return folder


def frozen() -> bool:
    return os.environ.get(FROZEN, "") not in ("", "0")


def folder_of(project: Project) -> Path:
    """The build folder of a render."""
    over_frozen = frozen() and project.plain is not project
    return project.root / "build" / ("values" if over_frozen else "") / project.env


def refuse_other(project: Project, only: Sequence[str] = ()) -> None:
    """Compares build/<env>/ with what `project` renders, or in it the specs `only`.

    Raises:
        SpecError: a file differs, is missing or is one too many; the message names them.
    """
    folder = folder_of(project)
    wanted = project.files_of(only) if only else project.files
    there = {path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if path.is_file()}
    other = [f"{name} is missing" for name in wanted if not (folder / name).is_file()]
    other += [f"{name} differs" for name in wanted if name in there and (folder / name).read_bytes() != wanted[name]]
    other += [f"{name} is not rendered" for name in there - wanted.keys() if not only]
    if other:
        more = f" and {len(other) - NAMED} more" if len(other) > NAMED else ""
        raise SpecError(
            f"build/{project.env}",
            f"{FROZEN}=1: not what this checkout renders: {', '.join(sorted(other)[:NAMED])}{more}. Use the build of "
            f"this commit, with CI's variables of the run that published it; or, to render anew, leave {FROZEN} out",
        )


def _remove_stale(folder: Path, wanted: set[Path]) -> None:
    """Removes what no longer belongs; other files at the top are reports of other verbs (demo.json, compare.html)."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in names:
            if Path(parent, name) not in wanted and Path(parent) != folder:
                Path(parent, name).unlink(missing_ok=True)
        for name in folders:
            child = Path(parent, name)
            if child.is_symlink():
                child.unlink()
            elif not any(child.iterdir()):
                child.rmdir()
