"""infra/ in a build: the Bicep files as they are, and their parameters rendered from config."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.specs.errors import SpecError
from scripts.specs.templates import Templates

FOLDER = "infra"
MAIN = f"{FOLDER}/main.bicep"
TEMPLATE = f"{FOLDER}/main.parameters.json.j2"
PARAMETERS = TEMPLATE.removesuffix(".j2")


def infrastructure(
    root: Path, context: Mapping[str, Any], templates: Templates, files: Callable[[Path], list[Path]]
) -> dict[str, bytes]:
    """What build/<env>/ holds of infra/; nothing if the environment has no infrastructure (`infra:` empty in config).

    Args:
        root: of the repository.
        context: config and functions that the template of the parameters may use.
        files: files below a folder, without those that are ignored.

    Returns:
        Path relative to the repository -> content.

    Raises:
        SpecError: the parameters can't be rendered or are no JSON.
    """
    if not (root / MAIN).is_file() or not context.get("infra"):
        return {}
    text = templates.render(TEMPLATE, context)
    try:
        json.loads(text)
    except ValueError as error:
        line = templates.line_map(TEMPLATE, context)[getattr(error, "lineno", 1) - 1][1]
        raise SpecError(TEMPLATE, f"renders to invalid JSON: {error}", line) from error
    plain = [path for path in files(root / FOLDER) if path.suffix != ".j2"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in plain} | {PARAMETERS: text.encode()}


def parameters(content: Mapping[str, bytes]) -> dict[str, Any]:
    """Parameter of main.bicep -> its value, from what `infrastructure` gives."""
    return {name: entry["value"] for name, entry in json.loads(content[PARAMETERS])["parameters"].items()}
