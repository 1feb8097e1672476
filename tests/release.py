"""The make targets of a release from dev to production, one after the other, and what they ask Azure."""

from scripts.specs.config import load_config
from tests.verbs import Verbs

# In the order in which a release goes; each finds what those before it have made.
DEV = (
    *(
        "plan",
        "apply",
        "register-data",
        "train",
        "registered",
        "cancel",
        "deploy MODEL_VERSION=2",
        "deploy",
        "smoke",
        "invoke",
        "loadtest",
    ),
    *("send MONTH=2013-07", "batch", "monitor", "retrain APPROVED_BY=ann REASON=drift", "schedule", "rollback"),
    *("compare", "export", "ui", "apply PRUNE=1", "clean"),
    *("apply PR=7", "train PR=7", "clean PR=7"),
)
FIRST = ("promote FROM={before} TO={env} MODEL_VERSION=2 APPROVED_BY=ann", "plan", "apply", "deploy", "smoke")
SECOND = (
    *("promote FROM={before} TO={env} MODEL_VERSION=3 APPROVED_BY=ann", "plan", "deploy", "smoke", "invoke"),
    *("batch INPUT=azureml://datastores/workspaceblobstore/paths/flights/", "monitor", "train"),
)
STEPS = (
    *(("dev", DEV), ("test", FIRST), ("prod", FIRST), ("test", SECOND), ("prod", SECOND)),
    *(("test", ("rollback",)), ("prod", ("rollback",))),
)


def recorded(verbs: Verbs) -> dict[str, str]:
    """Environment -> text of its golden file: two versions are trained in dev, and released to test and prod."""
    told: dict[str, list[str]] = {}
    for env, targets in STEPS:
        before = load_config(verbs.root, env)["promote"]["from"]
        for target in (target.format(before=before, env=env) for target in targets):
            lines = "".join(f"{line}\n" for line in verbs.lines(env, target))
            told.setdefault(env, []).append(f"$ make {target}\n{lines}")
    return {env: "\n".join(texts) for env, texts in told.items()}
