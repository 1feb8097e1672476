"""The variables with which tests run az: none of the person's."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def az_variables(place: Path) -> dict[str, str]:
    """az with this repository's extension; configuration and workspaces in the folder `place`, `w` in group `g`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AZURE")},
        "AZURE_CONFIG_DIR": str(place / "config"),
        "AZURE_EXTENSION_DIR": str(REPOSITORY / ".tools/extensions"),
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_DEFAULTS_GROUP": "g",
        "AZURE_DEFAULTS_WORKSPACE": "w",
        "AZUREML_LOCAL_ROOT": str(place / "root"),
        # Built once for the repository's own workspace and all tests.
        "AZUREML_LOCAL_ENVIRONMENTS": str(REPOSITORY / ".azureml" / "environments"),
    }
