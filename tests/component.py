"""Scripts of components and endpoints for tests: each lives in its own folder and imports what lies beside it."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def load(component: str, module: str = "") -> ModuleType:
    """Module of components/<component>/, the script of the same name unless another is given."""
    return load_from(f"components/{component}", module or component)


def load_from(folder: str, module: str) -> ModuleType:
    """Module of a folder of the repository."""
    path = str(ROOT / folder)
    sys.path.insert(0, path)
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(path)
