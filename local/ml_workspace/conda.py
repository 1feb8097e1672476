"""What an environment's conda file asks for, as requirements that can be installed from PyPI."""

import re
import sys
from dataclasses import dataclass
from typing import Any

from .errors import Unsupported, WorkspaceError

SPEC = re.compile(r"^(?:[\w./-]+::)?(?P<name>[A-Za-z0-9][\w.-]*+)\s*(?P<version>[<>=!~*\d][^\[]*)?$")
# Conda's installer brings these along with pip.
WITH_PIP = ("setuptools", "wheel")
# Options of pip that name other files; the document carries none.
FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")


@dataclass(frozen=True)
class Requirements:
    """What to build."""

    name: str
    """The environment's name and version, for messages."""
    python: str
    """`3.11`, `3.11.7` or a version specifier."""
    lines: tuple[str, ...]
    """Lines of a pip requirements file."""
    from_conda: tuple[str, ...]
    """Those of `lines` that were conda packages."""


def requirements(definition: dict[str, Any]) -> Requirements:
    """The requirements of an environment document.

    A conda package other than Python is taken as the PyPI package of the same name. A file that does not say which
    Python gets the version that the workspace itself runs on.

    Raises:
        Unsupported: no conda file (image or build context only), or something in it that has no PyPI counterpart.
        WorkspaceError: a dependency that is not one.
    """
    name = ":".join(str(definition[key]) for key in ("name", "version") if definition.get(key)) or "(unnamed)"
    conda = definition.get("conda_file")
    if not isinstance(conda, dict):
        has = "a Docker build context" if definition.get("build") else f"only the image {definition.get('image')}"
        raise Unsupported(
            f"Environment '{name}' has {has}, and the local workspace runs no containers: "
            "add a conda_file that lists Python and the pip packages."
        )
    unknown = sorted(set(conda) - {"name", "channels", "dependencies", "prefix"})
    if unknown:
        raise Unsupported(
            f"Environment '{name}': conda_file: '{unknown[0]}' cannot be honoured by the local workspace."
        )
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    installer: list[str] = []
    from_conda: list[str] = []
    from_pip: list[str] = []
    for entry in conda.get("dependencies") or []:
        if isinstance(entry, dict) and list(entry) == ["pip"]:
            from_pip += [_pip_line(name, str(line)) for line in entry["pip"] or []]
            continue
        package, version = _conda_spec(name, entry)
        if package == "python":
            python = (version.removeprefix("==").removesuffix(".*") if version.startswith("==") else version) or python
        elif package == "pip":
            installer = [package + version, *WITH_PIP]
        else:
            from_conda.append(package + version)
    return Requirements(name, python, (*installer, *from_conda, *from_pip), tuple(from_conda))


def _conda_spec(environment: str, entry: Any) -> tuple[str, str]:
    """(name, PEP 440 specifier) of `numpy`, `numpy=1.26`, `numpy==1.26.4`, `numpy>=1,<2`, `conda-forge::numpy=1.26`."""
    found = SPEC.match(entry.strip()) if isinstance(entry, str) else None
    if not found:
        raise WorkspaceError(
            f"Environment '{environment}': conda_file: dependencies: {entry!r} is not a package; "
            "write NAME, NAME=VERSION, NAME>=VERSION or a list below 'pip:'."
        )
    name, version = found["name"].lower(), (found["version"] or "").replace(" ", "")
    if "|" in version:
        raise Unsupported(
            f"Environment '{environment}': conda_file: '{entry}': a choice of versions has no PyPI counterpart."
        )
    if version in ("", "*", "=*"):
        return name, ""
    if version[0] in "<>!~":
        return name, version
    fuzzy = version.startswith("=") and not version.startswith("==")
    number, _, build = version.lstrip("=").partition("=")
    # conda: NAME=1.26 means 1.26 and all below it; with a build string, or two equal signs, exactly that version.
    return name, f"=={number}.*" if fuzzy and not build and not number.endswith("*") else f"=={number}"


def _pip_line(environment: str, line: str) -> str:
    option = re.split(r"[\s=]", line.strip(), maxsplit=1)[0]
    if option in FILE_OPTIONS or option.startswith((".", "/", "file:")):
        raise Unsupported(
            f"Environment '{environment}': conda_file: pip: '{line}' names a file, and an environment carries none: "
            "list the packages themselves."
        )
    return line.strip()
