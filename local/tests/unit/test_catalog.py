"""The catalog when its disk is full or another process has it, and that of an older workspace."""

import contextlib
import sqlite3

import pytest
from ml_workspace import WorkspaceError
from ml_workspace.catalog import Catalog


@pytest.fixture
def full(tmp_path):
    """A catalog that can not grow."""
    catalog = Catalog(tmp_path / "catalog.db")
    pages = catalog.rows("PRAGMA page_count")[0]["page_count"]
    catalog.rows(f"PRAGMA max_page_count = {pages}")
    return catalog


def test_full_disk_is_an_error_that_names_the_file_and_loses_nothing(full, tmp_path):
    with pytest.raises(WorkspaceError, match=r"catalog\.db.*full"), full.transaction():
        full.insert("digests", path="x" * 100_000, size=1, mtime_ns=1, sha256="")
    full.rows("PRAGMA max_page_count = 10000")
    with full.transaction():
        full.insert("digests", path="y", size=1, mtime_ns=1, sha256="")
    assert [row["path"] for row in Catalog(tmp_path / "catalog.db").rows("SELECT path FROM digests")] == ["y"]


def test_mistake_of_a_statement_is_no_error_of_the_person(full):
    with pytest.raises(sqlite3.IntegrityError):
        full.insert("digests", path="x", size=None, mtime_ns=1, sha256="")


def test_catalog_of_an_older_workspace_gets_the_tables_that_it_lacks(tmp_path):
    Catalog(tmp_path / "catalog.db").insert("reuse", fingerprint="f", job="j")
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.db")) as older:
        older.executescript(
            "DROP TABLE endpoints; DROP TABLE deployments; DROP TABLE schedules; PRAGMA user_version=1;"
        )

    catalog = Catalog(tmp_path / "catalog.db")

    assert catalog.rows("SELECT * FROM schedules") == []
    assert catalog.rows("SELECT * FROM deployments") == catalog.rows("SELECT * FROM endpoints") == []
    assert catalog.row("SELECT job FROM reuse") == {"job": "j"}
