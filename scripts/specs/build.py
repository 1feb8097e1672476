"""Writing build/<env>/: the rendered tree, self-contained."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.specs.project import Project


def build_spec(root: Path, env: str, key: str, values: Mapping[str, str]) -> Path:
    """Renders one spec with `values` over the config of `env` into build/<env>/, and returns its file, for `az ml`.

    What it carries and refers to is written as well; other specs of the build stay as they were last rendered. So a
    build folder tells what each deployment was last given, and nothing has to be set on an `az` line.

    Args:
        key: the template's path without suffix, such as endpoints/online/flight-delay/blue.
        values: dotted key of the config -> text, such as {"model_version": "3"}.

    Raises:
        SpecError: a template can't be rendered, or there is no such spec or key.
    """
    project = Project(root, env, values)
    return write_build(project, [key]) / project.specs[key].path


def write_build(project: Project, only: Sequence[str] = ()) -> Path:
    """Makes build/<env>/ equal to what `project` rendered, or in it the specs `only`, and returns it.

    Everything was rendered before this starts, so a template error leaves the previous build as it was. Files are
    replaced one by one, and only where they differ: a job that reads the folder meanwhile never sees half a file.
    """
    folder = project.root / "build" / project.env
    for name, content in (project.files_of(only) if only else project.files).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_bytes(content)
            draft.replace(path)
    _remove_stale(folder, {folder / name for name in project.files})
    return folder


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
