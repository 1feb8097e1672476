"""Component scripts for tests: they live in their own folder and import what lies beside them, as in a job."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def load(component: str, module: str = "") -> ModuleType:
    """Module of components/<component>/, the script of the same name unless another is given."""
    folder = str(ROOT / "components" / component)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(module or component)
    finally:
        sys.path.remove(folder)
