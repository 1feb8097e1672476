"""Which events ask for a job: the filter of infra/modules/events.bicep."""

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.events.blob import CREATED, Blob

FINISHED = ("PutBlob", "PutBlockList", "CopyBlob")  # calls that end a file, in a flat account
HIDDEN = ("/.", "/_")  # being written, or no data at all: register_data leaves them out


@dataclass(frozen=True)
class Filter:
    """What counts.

    Args:
        container: of the datastore.
        landing: folder of it.
        suffixes: of files that register_data reads.
    """

    container: str
    landing: str
    suffixes: Sequence[str]

    def why_not(self, blob: Blob) -> str | None:
        """Why an event asks for no job; None if it does."""
        if blob.kind != CREATED:
            return f"{blob.kind} is not {CREATED}"
        if blob.container != self.container:
            return f"container {blob.container} is not {self.container}"
        if not blob.path.startswith(f"{self.landing}/"):
            return f"it is not below {self.landing}/"
        if blob.api not in FINISHED:
            return f"{blob.api} doesn't end a file; {', '.join(FINISHED)} do"
        if any(part in f"/{blob.path}" for part in HIDDEN):
            return "a name that starts with . or _ is of a file that is being written, or no data"
        if not blob.path.lower().endswith(tuple(self.suffixes)):
            return f"it ends with none of {' '.join(self.suffixes)}"
        return None
