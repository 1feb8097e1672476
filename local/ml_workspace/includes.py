"""Code with what a component adds to it by `additional_includes`."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from .errors import Unsupported, WorkspaceError
from .snapshots import copy_tree, files_of


def gather(code: Path | None, includes: Sequence[str | dict[str, str]], folder: Path) -> None:
    """Put the code and each included file or folder, by its name, into the empty `folder`, as azure-ai-ml does it.

    Args:
        code: a folder, or a single file; None if all of it is included.
        includes: absolute paths; one that ends with .zip may be that of a folder, which is packed.

    Raises:
        WorkspaceError: a path leads nowhere, or its name is taken.
        Unsupported: one of them is an artifact of Azure DevOps.
    """
    if code and code.is_file():
        shutil.copyfile(code, folder / code.name)
    elif code:
        for name, path in files_of(code):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    for include in includes:
        if not isinstance(include, str):
            raise Unsupported("additional_includes: the local workspace can't fetch artifacts of Azure DevOps.")
        source, target = Path(include), folder / Path(include).name
        if target.exists():
            raise WorkspaceError(f"additional_includes: {include}: the code has a {target.name} already.")
        packed = source.with_suffix("")
        if source.exists():
            copy_tree(source, target, writable=True)
        elif source.suffix == ".zip" and packed.is_dir():
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, path in files_of(packed):
                    archive.write(path, name)
        else:
            raise WorkspaceError(f"additional_includes: {include} does not exist.")
