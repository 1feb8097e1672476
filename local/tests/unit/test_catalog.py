"""The catalog when its disk is full or another process has it."""

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
