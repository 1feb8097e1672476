"""Names that the workspace gives to jobs, easy to read and to say."""

import secrets

ADJECTIVES = (
    "amber",
    "brave",
    "calm",
    "clever",
    "cool",
    "eager",
    "gentle",
    "green",
    "jolly",
    "keen",
    "kind",
    "lucid",
    "mellow",
    "neat",
    "olive",
    "patient",
    "plucky",
    "quiet",
    "rapid",
    "sharp",
    "shy",
    "steady",
    "sunny",
    "tidy",
)
NOUNS = (
    "arch",
    "basin",
    "bridge",
    "cloud",
    "cup",
    "drum",
    "fig",
    "garden",
    "hat",
    "island",
    "kite",
    "lamp",
    "leaf",
    "map",
    "nut",
    "orange",
    "pear",
    "plum",
    "river",
    "sail",
    "soccer",
    "stone",
    "table",
    "tree",
    "wheel",
    "wire",
)
JOB = "AZUREML_RUN_ID"  # the environment variable that has the job's name in each of its processes
LETTERS = "bcdfghjklmnpqrstvwxyz0123456789"


def job_name() -> str:
    """A new name such as `keen_river_x7k2m9q4fd`."""
    tail = "".join(secrets.choice(LETTERS) for _ in range(10))
    return f"{secrets.choice(ADJECTIVES)}_{secrets.choice(NOUNS)}_{tail}"
