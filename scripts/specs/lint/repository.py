"""What rules may look up: the spec at hand, and the other specs and files of its environment."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import yaml

from scripts.specs.files import is_local
from scripts.specs.lint.positions import Positions
from scripts.specs.project import Project, Spec


class Repository:
    """Specs and files of one rendered environment."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._by_id = {spec.id: spec for spec in project.specs.values() if spec.kind.asset}
        self._by_path = project.by_path()
        self._folders = {str(parent) for name in project.files for parent in PurePosixPath(name).parents}
        self._files: dict[str, dict[str, Any] | None] = {}

    @cached_property
    def assets(self) -> dict[tuple[str, str], Spec]:
        """(kind, name) -> the asset of that name."""
        return {(spec.kind.name, spec.name): spec for spec in self.project.specs.values() if spec.kind.asset}

    def has(self, path: str) -> bool:
        """Whether the build folder holds a file or folder at `path`, relative to the repository."""
        return path in self.project.files or path in self._folders

    def spec(self, reference: str, home: str) -> Spec | None:
        """The spec that `reference` (azureml:<name>:<version>, or a path from folder `home`) names, if it is here."""
        path = reference.removeprefix("file:")
        return self._by_path.get(resolved(home, path)) if is_local(path) else self._by_id.get(reference)

    def document(self, reference: str, home: str) -> dict[str, Any] | None:
        """Document of what `reference` names, a spec or a plain YAML file; None if it is not here."""
        path = reference.removeprefix("file:")
        spec = self.spec(reference, home)
        if spec is None and is_local(path):
            return self._file(resolved(home, path))
        return spec.document if spec else None

    def _file(self, path: str) -> dict[str, Any] | None:
        if path not in self._files:
            content = self.project.files.get(path)
            try:
                document = yaml.load(content, Loader=yaml.CSafeLoader) if content else None
            except yaml.YAMLError:  # azure-ai-ml reports it where it is used
                document = None
            self._files[path] = document if isinstance(document, dict) else None
        return self._files[path]


@dataclass(frozen=True)
class Subject:
    """The spec that rules look at."""

    spec: Spec
    repository: Repository

    @property
    def document(self) -> dict[str, Any]:
        return self.spec.document

    @property
    def home(self) -> str:
        """Folder of the spec: what its local paths start from."""
        return str(PurePosixPath(self.spec.path).parent)

    @cached_property
    def positions(self) -> Positions:
        return Positions(self.spec.text)

    def component(self, reference: Any) -> dict[str, Any] | None:
        """Document of a component given inline, by id or by path; None if this repository doesn't have it."""
        if isinstance(reference, dict):
            return reference
        return self.repository.document(reference, self.home) if isinstance(reference, str) else None


def resolved(home: str, path: str) -> str:
    """`path` as seen from folder `home`, relative to the repository."""
    return os.path.normpath(f"{home}/{path}")


def hint(name: str, known: Iterable[str]) -> str:
    """End of a message about a name that isn't known: the likely one, or all there are."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are: {', '.join(names)}" if names else "there are none"
