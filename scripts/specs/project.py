"""All specs of a repository rendered for one environment."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from scripts.specs.config import load_config
from scripts.specs.errors import SpecError
from scripts.specs.files import Ignored, files_under, local_paths
from scripts.specs.ids import asset_id, id_function, registry_of
from scripts.specs.infrastructure import infrastructure
from scripts.specs.kinds import KINDS, ROOTS, SUFFIX, Kind, key_of, kind_of
from scripts.specs.names import unique
from scripts.specs.provenance import STAND_IN, provenance, stand_ins, tags
from scripts.specs.scope import number_of, refuse_shared, scope_tags, scoped_text
from scripts.specs.templates import Refused, Templates
from scripts.specs.values import with_values

VERSION = "version-of-this-content"  # stands for the version until the content is hashed


@dataclass
class Spec:
    """One rendered spec.

    Args:
        key: what `ref()` calls it, such as components/train.
        template: path of its template.
        path: path of the rendered spec, relative to the repository and to build/<env>/.
        text: rendered text.
        document: parsed text.
        content: first 12 hex digits of its content's hash, without what a verb sets for one render.
        version: the same; None for what is no versioned asset.
        refs: keys that it refers to, in order of appearance.
        files: what it carries: path relative to the repository -> content.
        registry: that has its versions; None: the workspace has them.
    """

    key: str
    kind: Kind
    template: str
    path: str
    context: Mapping[str, Any] = field(repr=False)
    text: str = ""
    document: dict[str, Any] = field(default_factory=dict, repr=False)
    content: str = ""
    version: str | None = None
    refs: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    registry: str | None = None

    @property
    def name(self) -> str:
        return str(self.document.get("name") or self.key.rsplit("/", 1)[-1])

    @property
    def id(self) -> str:
        """How other specs refer to it: azureml:<name>:<version>, or azureml://registries/…"""
        return asset_id(self.kind.name, self.name, self.version, self.registry)

    @property
    def workspace_id(self) -> str:
        """The same of a workspace, whatever has it."""
        return asset_id(self.kind.name, self.name, self.version, None)


class Project:
    """Specs of the repository at `root` for environment `env`; all are rendered when it is made.

    Args:
        values: set over the config for this render; dotted key -> text.
        origin: where the specs come from, for tags; None looks at git and CI's variables.

    Attributes:
        plain: the same without `values`; itself if there are none.

    Raises:
        SpecError: the first thing that can't be rendered, with its template and line.
    """

    def __init__(
        self,
        root: Path,
        env: str,
        values: Mapping[str, str] | None = None,
        origin: Mapping[str, str] | None = None,
    ) -> None:
        self.root, self.env, self.values = root.resolve(), env, values or {}
        self.config = with_values(load_config(self.root, env), self.values)
        self.registry = registry_of(self.config)
        self.templates = Templates(self.root)
        self._ignored = Ignored(self.root)
        self._git = provenance(self.root) if origin is None else origin
        self._tags = {**self._git, **scope_tags(self.config, datetime.now(UTC).date())}
        # Whoever compares what is in a workspace with a spec doesn't know which values a verb has set.
        self.plain = Project(root, env, origin=self._git) if self.values else self
        found = [path for name in ROOTS if (self.root / name).is_dir() for path in self._files(self.root / name)]
        names = [self._relative(path) for path in found if path.name.endswith(SUFFIX)]
        self._templates = {key_of(name): name for name in names if kind_of(name)}
        self._rendering: list[str] = []
        self.specs: dict[str, Spec] = {}
        for key in sorted(self._templates):
            self._spec(key)
        self.infrastructure = infrastructure(self.root, self._functions([]), self.templates, self._files)
        self._refuse_strays(names)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Everything that build/<env>/ holds: path -> content."""
        return self.files_of(self.specs) | self.infrastructure

    def files_of(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What build/<env>/ needs of the specs `keys`: themselves, what they carry, and the same of what they refer to.

        Raises:
            SpecError: there is no such spec.
        """
        needed, waiting = dict[str, Spec](), list(keys)
        while waiting:
            key = waiting.pop()
            if key not in self.specs:
                near = get_close_matches(key, self.specs, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.specs)}"
                raise SpecError(key, f"there is no such spec; {hint}")
            if key not in needed:
                needed[key] = self.specs[key]
                waiting += needed[key].refs
        carried = {path: content for spec in needed.values() for path, content in spec.files.items()}
        return carried | {spec.path: spec.text.encode() for spec in needed.values()}

    @property
    def repository(self) -> str:
        """Address of the repository, as tags have it."""
        return self._git["repository"]

    def by_path(self) -> dict[str, Spec]:
        return {spec.path: spec for spec in self.specs.values()}

    def line_map(self, spec: Spec) -> list[tuple[str, int]]:
        """Template and line behind each line of the rendered spec."""
        return self.templates.line_map(spec.template, spec.context)

    def _spec(self, key: str) -> Spec:
        if key in self.specs:
            return self.specs[key]
        template = self._templates[key]
        kind = kind_of(template)
        assert kind is not None
        refs: list[str] = []
        names = (*self._tags, "content") if kind.lasting else tuple(self._tags)
        context = {**self._functions(refs), "git": stand_ins(self._git), "tags": tags(names)}
        if kind.asset:
            context["version"] = VERSION
        spec = Spec(key, kind, template, template.removesuffix(".j2"), context, refs=refs, registry=self.registry)
        self._rendering.append(key)
        spec.text = self.templates.render(template, context)
        if kind.asset or kind.group == "schedule":
            spec.text = scoped_text(spec.text, number_of(self.config), "_" if kind.group == "component" else "-")
        spec.document = self._parse(spec)
        refuse_shared(spec.document, kind, template, number_of(self.config))
        spec.files = self._carried(spec)
        self._rendering.pop()
        self._settle(spec)
        self.specs[key] = spec
        return spec

    def _functions(self, refs: list[str]) -> dict[str, Any]:
        """Config and functions that a template may use; what it refers to is noted in `refs`."""
        functions = {"ref": self._ref(refs), "unique": unique(self.config), "asset_id": id_function(self.registry)}
        return {**self.config, **functions}

    def _ref(self, refs: list[str]) -> Callable[[str], str]:
        def ref(key: str) -> str:
            """Versioned id of the asset that folder `key` renders to."""
            if key not in self._templates:
                near = get_close_matches(key, self._templates, n=3, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}?" if near else "assets: data/*, components/*, environments/*"
                raise Refused(f"ref({key!r}): there is no such spec; {hint}")
            kind = kind_of(self._templates[key])
            if kind is None or not kind.asset:
                raise Refused(f"ref({key!r}): {self._templates[key]} is no versioned asset, so it has no id")
            return self._link(key, refs).workspace_id  # `_settle` writes the registry's, once the content is hashed

        return ref

    def _link(self, key: str, refs: list[str]) -> Spec:
        """The spec of `key`, rendered first if need be, noted in `refs`."""
        if key in self._rendering:
            circle = " -> ".join([*self._rendering[self._rendering.index(key) :], key])
            raise Refused(f"specs refer to each other in a circle: {circle}; break it")
        if key not in refs:
            refs.append(key)
        return self._spec(key)

    def _parse(self, spec: Spec) -> dict[str, Any]:
        try:
            document = yaml.load(spec.text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where, line = self.line_map(spec)[mark.line] if mark else (spec.template, None)
            raise SpecError(where, f"renders to invalid YAML: {error.problem}", line) from error
        if not isinstance(document, dict):
            raise SpecError(spec.template, "must render to a mapping (key: value lines)")
        if spec.kind.asset and document.get("version") != VERSION:
            raise SpecError(spec.template, "needs the line `version: << version >>`: the content's hash")
        if spec.kind.asset and STAND_IN in json.dumps({**document, "tags": None}, default=str):
            raise SpecError(spec.template, "`git` is for tags; elsewhere every commit would make a new version")
        return document

    def _carried(self, spec: Spec) -> dict[str, bytes]:
        """Files beside an asset and whatever local paths point to; specs pointed to become refs."""
        home = self.root / Path(spec.path).parent
        targets = [self.root / spec.key] if spec.kind.asset else []
        files: dict[str, bytes] = {}
        for position, value in local_paths(spec.document):
            target = Path(os.path.normpath(home / value))
            if not target.is_relative_to(self.root):
                raise SpecError(spec.template, f"{position[-1]}: {value} is outside the repository; move it inside")
            template = self._relative(target) + ".j2"
            if kind_of(template) and template in self._templates.values():
                self._link(key_of(template), spec.refs)
            elif target.exists():
                targets.append(target)
                if home.is_relative_to(target):
                    files[self._relative(target / ".amlignore")] = self._specs_in(target)
        paths = (path for target in dict.fromkeys(targets) for path in files_under(self.root, target, self._ignored))
        for path in paths:
            name = self._relative(path)
            if not name.endswith(SUFFIX):
                files[name] = path.read_bytes()
            elif not kind_of(name) and not path.name.startswith("_"):
                context = self._functions(spec.refs)
                files[name.removesuffix(".j2")] = self.templates.render(name, context).encode()
        return files

    def _specs_in(self, folder: Path) -> bytes:
        """Ignore file for a code folder with specs in it: a spec's tags change with each commit, code must not."""
        prefix = "" if folder == self.root else self._relative(folder) + "/"
        names = [name for name in self._templates.values() if name.startswith(prefix)]
        return "".join(f"/{name.removeprefix(prefix).removesuffix('.j2')}\n" for name in sorted(names)).encode()

    def _settle(self, spec: Spec) -> None:
        """Hashes the content; gives an asset its version; puts provenance and ids of a registry into the text.

        All come after the hash, so that an asset has the same version in every environment that it is the same in.
        """
        own = self.plain is self or spec.kind.asset
        spec.content = self._content(spec) if own else self.plain.specs[spec.key].content
        if spec.kind.asset:
            spec.version = spec.content
            # Quoted: a hash of digits alone, or like 12e45678, would be read as a number.
            spec.text = re.sub(rf"^version: *{VERSION}", f'version: "{spec.version}"', spec.text, flags=re.MULTILINE)
            spec.text = spec.text.replace(VERSION, spec.version)
        if self.registry:
            for used in (self.specs[key] for key in spec.refs if self.specs[key].kind.asset):
                old, new = used.workspace_id, used.id
                spec.text = spec.text.replace(old, new)
                spec.files = {name: data.replace(old.encode(), new.encode()) for name, data in spec.files.items()}
        values = {**self._tags, "content": spec.content}
        for name, stand_in in stand_ins(values).items():
            # A value of its own is quoted for the same reason: tags are text, a build id is digits.
            alone = rf"(?<=: ){stand_in}(?=[ ,}}]|$)"
            spec.text = re.sub(alone, f'"{values[name]}"', spec.text, flags=re.MULTILINE)
            spec.text = spec.text.replace(stand_in, values[name])
        spec.document = yaml.load(spec.text, Loader=yaml.CSafeLoader)

    def _content(self, spec: Spec) -> str:
        home = Path(spec.path).parent
        content = {
            "spec": {**spec.document, "version": None},
            "files": {
                os.path.relpath(name, home): hashlib.sha256(data).hexdigest() for name, data in spec.files.items()
            },
            "refs": {key: self.specs[key].content for key in spec.refs},
        }
        canonical = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def _refuse_strays(self, names: list[str]) -> None:
        for name in names:
            shared = Path(name).name.startswith("_")
            if not kind_of(name) and not shared and name.removesuffix(".j2") not in self.files:
                places = ", ".join(kind.pattern for kind in KINDS)
                raise SpecError(name, f"is neither a spec nor a file that one carries; specs are {places}")

    def _files(self, folder: Path) -> list[Path]:
        return list(files_under(self.root, folder, self._ignored))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()
