"""The catalog of a workspace: one SQLite database in WAL mode, safe for many processes and for kill -9."""

import datetime
import getpass
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import WorkspaceError

Row = dict[str, Any]

VERSION = 3  # of the schema; a table is added to the catalog of an older workspace when it is opened
SCHEMA = """
CREATE TABLE IF NOT EXISTS assets (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  created_at TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0, digest TEXT NOT NULL, doc TEXT NOT NULL,
  UNIQUE (kind, name, version));
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, parent TEXT, root TEXT NOT NULL, node TEXT,
  status TEXT NOT NULL, created_at TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0, process TEXT,
  doc TEXT NOT NULL, plan TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_parent ON jobs (parent, seq);
CREATE INDEX IF NOT EXISTS jobs_by_root ON jobs (root, seq);
CREATE TABLE IF NOT EXISTS endpoints (
  kind TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS deployments (
  kind TEXT NOT NULL, endpoint TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL, doc TEXT NOT NULL,
  plan TEXT NOT NULL, revision INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (kind, endpoint, name));
CREATE TABLE IF NOT EXISTS schedules (
  name TEXT PRIMARY KEY, enabled INTEGER NOT NULL, since TEXT NOT NULL, settled TEXT NOT NULL,
  doc TEXT NOT NULL, plan TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS schedule_runs (
  schedule TEXT NOT NULL, due TEXT NOT NULL, job TEXT NOT NULL UNIQUE, submitted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (schedule, due));
CREATE TABLE IF NOT EXISTS reuse (fingerprint TEXT PRIMARY KEY, job TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS digests (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL);
"""


def now() -> str:
    """The current time as the service writes it: ISO 8601, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat()


def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def created() -> Row:
    """The `creation_context` of something that is made now."""
    return {"created_at": now(), "created_by": user(), "created_by_type": "User"}


class Catalog:
    """Rows of the catalog; documents are JSON. One connection, shared by the threads of a process."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        with _explained(path):
            self._connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            # NORMAL loses at most the last commits on power loss, never consistency; a killed process loses nothing.
            self._connection.execute("PRAGMA synchronous=NORMAL")
            if self._connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                self._connection.executescript(f"{SCHEMA}PRAGMA user_version={VERSION};")

    @contextmanager
    def transaction(self) -> Iterator["Catalog"]:
        """All or nothing; writers of other processes wait."""
        with self._lock:
            self._execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._execute("COMMIT")
            except BaseException:  # also Ctrl-C: undone, then raised again
                if self._connection.in_transaction:  # a full disk ends it by itself
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement and return its rows, JSON columns decoded."""
        with self._lock:
            return [_decode(row) for row in self._execute(sql, *values)]

    def _execute(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with _explained(self._path):
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def insert(self, table: str, **columns: Any) -> None:
        """Insert one row; dicts and lists become JSON."""
        marks = ", ".join("?" * len(columns))
        self.rows(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", *map(_encode, columns.values()))

    def update_job(self, name: str, **columns: Any) -> None:
        """Set columns of one job."""
        sets = ", ".join(f"{column} = ?" for column in columns)
        self.rows(f"UPDATE jobs SET {sets} WHERE name = ?", *map(_encode, columns.values()), name)

    def edit_job(self, name: str, **fields: Any) -> Row:
        """Merge fields into a job's document in one transaction; `properties`, `tags` and `outputs` one level deeper.

        Returns the new document.
        """
        with self.transaction():
            found = self.row("SELECT doc FROM jobs WHERE name = ?", name)
            doc: Row = found["doc"] if found else {}
            for key, value in fields.items():
                doc[key] = {**(doc.get(key) or {}), **value} if key in ("properties", "tags", "outputs") else value
            self.update_job(name, doc=doc)
        return doc


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What keeps SQLite from its file, such as a full disk, as an error that a person can act on."""
    try:
        yield
    except sqlite3.OperationalError as error:
        free = shutil.disk_usage(path.parent).free / 2**20
        raise WorkspaceError(
            f"The workspace's catalog {path} can't be read or written: {error}. Its disk has {free:,.0f} MB left. "
            "Nothing that was recorded is lost: once there is room, go on."
        ) from error


def _encode(value: Any) -> Any:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else value


def _decode(row: sqlite3.Row) -> Row:
    columns = dict(row)
    return {k: json.loads(v) if k in ("doc", "plan", "process") and v else v for k, v in columns.items()}
