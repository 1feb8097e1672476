"""From files that landed, and from events that were recorded, to the journal."""

from datetime import UTC, datetime
from pathlib import Path
from time import time_ns

from scripts.events.blob import Blob, created, etag_of
from scripts.events.filters import Filter
from scripts.events.journal import Journal
from scripts.events.landing import Landing
from scripts.events.retry import GaveUp, Retries


class Intake:
    """Takes into the journal what asks for a job, and says why all else does not.

    Args:
        landing: of the datastore.
        retries: for files that can't be read.
    """

    def __init__(self, journal: Journal, landing: Landing, filters: Filter, retries: Retries) -> None:
        self._journal, self._landing, self._filters, self._retries = journal, landing, filters, retries
        self._datastore = landing.folder.parents[len(Path(filters.landing).parts) - 1]

    def file_of(self, path: str) -> Path:
        """The file that a blob stands for."""
        return self._datastore / path

    def there(self, path: str) -> bool:
        """Whether the file of a blob is there; a link to anywhere is none."""
        file = self.file_of(path)
        return file.is_file() and file.resolve() == self._datastore.resolve() / path

    def landed(self, file: Path) -> None:
        """A file is whole. What the journal has of that name and content is no news.

        Raises:
            GaveUp: the storage can't be read.
        """
        path = file.relative_to(self._datastore).as_posix()
        if not path.isprintable():
            self._say(path, "", "its name can't be printed")
            return
        try:
            found = self._retries.run(lambda: self._landing.content(file), OSError)
        except GaveUp as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            self._say(path, "", f"{error}; it is looked at again when somebody changes it")
            return
        if found is None:
            return
        content, size = found
        if self._journal.content(path) == content:
            return
        etag = etag_of(path, content, self._journal.times(path, content))
        order = self._journal.next_sequencer(path, time_ns())
        now = datetime.now(UTC).isoformat()
        blob = created(self._filters.container, path, file.as_uri(), size, etag, order, now)
        reason = self._filters.why_not(blob) or ""
        if not reason:
            self._journal.add(blob, content)
        self._say(path, etag, reason)

    def came(self, blob: Blob) -> bool:
        """An event from elsewhere, or from an earlier time; whether it asks for a job.

        Raises:
            GaveUp: its file can't be read.
        """
        reason = self._filters.why_not(blob) or self._journal.why_not(blob)
        file = self.file_of(blob.path)
        if not reason and not self.there(blob.path):
            reason = "it was deleted since"
        if not reason:
            self._landing.noticed(file)
            list(self._landing.whole())
            found = self._retries.run(lambda: self._landing.content(file), OSError)
            content = found[0] if found else ""  # it is being written, so it will be an event of its own
            if self._journal.holds(blob.path, content):
                reason = "what it holds came before, as another event"
            else:
                self._journal.add(blob, content)
        self._say(blob.path, blob.etag, reason or "")
        return not reason

    def look_for_deleted(self) -> None:
        """What was deleted, and comes again, is an event."""
        for path in self._journal.paths():
            if not self.there(path):
                self._journal.gone(path)

    def _say(self, path: str, etag: str, reason: str) -> None:
        name = path if path.isprintable() else ascii(path)
        print(f"ignored {name}: {reason}" if reason else f"landed: {name}, {etag}", flush=True)
