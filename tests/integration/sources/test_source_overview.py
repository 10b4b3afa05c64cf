"""The list of sources, as the login of task read sees it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack import Stack
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase

KEY = "claims/motor/pull/policies/00000002.csv"

TEXT = """
kind: mysql
line: motor
table: claims.motor_claim
key: [claim_id]
watermark: updated_at
schedule: rate(15 minutes)
secret: claimwatch/prod/sources/policies
"""


@pytest.fixture
def pulled(database: ClonedDatabase) -> ClonedDatabase:
    """A source with three committed windows, the second of which became a file, and an open one."""
    now = datetime.now(UTC)
    with database.transaction() as cursor:
        for name, removed, looked_at in (
            ("policies", False, now - timedelta(minutes=4)),
            ("gone", True, now),
            ("new", False, None),
        ):
            cursor.execute(
                "INSERT INTO source (source, line, kind, text, received_at, sequencer, paused, removed,"
                " reads_sha256, looked_at, rows_at)"
                " VALUES (%s, 'motor', 'mysql', %s, %s, '1', false, %s, 'x', %s, %s)",
                [name, TEXT, now, removed, looked_at, looked_at],
            )
        for number, rows, version in ((1, 500, "a"), (2, 120, "b"), (3, 0, None), (4, None, None)):
            committed = now if rows is not None else None
            cursor.execute(
                "INSERT INTO source_window (source, number, cycle_number, cycle, last, object_key, execution,"
                " rows_read, rows_pulled, object_bytes, version_id, extracted_at, committed_at) VALUES"
                " ('policies', %s, 1, '{}', false, %s, 'e', %s, %s, 9000, %s, %s, %s)",
                [number, f"{KEY[:-5]}{number}.csv", rows, rows, version, committed, committed],
            )
        cursor.execute(
            "INSERT INTO file (dataset, line, bucket, key, version_id, received_at, committed_at, status,"
            " rows_read, rows_loaded, rows_quarantined)"
            " VALUES ('claims', 'motor', 'landing', %s, 'b', now(), now(), 'committed', 120, 119, 1)",
            [KEY],
        )
        cursor.execute(
            "INSERT INTO source_deletion (source, key, cycle_number)"
            " VALUES ('policies', 'k1', 1), ('policies', 'k2', 1)"
        )
        cursor.execute(
            "INSERT INTO source_version (source, bucket, key, version_id, received_at, sequencer, status,"
            " text, sha256, error) VALUES"
            " ('policies', 'artifacts', 'k', 'v2', %s, '2', 'refused', '', '', 'key: is missing'),"
            " ('policies', 'artifacts', 'k', 'v0', %s, '0', 'refused', '', '', 'an old mistake')",
            [now + timedelta(seconds=1), now - timedelta(days=1)],
        )
    return database


def asked(database: ClonedDatabase, folder: Path, *arguments: str) -> Any:
    objects = FilesystemObjectStore(folder)
    nothing: Any = None
    stack = Stack("the test's stack", database.as_task("read"), objects, nothing, "landing", "artifacts")
    result = CliRunner().invoke(app, [*arguments, "--json"], obj=lambda _: stack, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_sources_are_listed_with_their_last_window_and_totals(pulled: ClonedDatabase, tmp_path: Path) -> None:
    new, policies = asked(pulled, tmp_path, "sources")["sources"]
    assert (new["source"], new["state"], new["last_window"], new["rows"]) == ("new", "never run", None, 0)
    assert (policies["source"], policies["mode"], policies["state"]) == ("policies", "overlap", "ok")
    assert (policies["last_window"]["number"], policies["rows"], policies["objects"]) == (3, 620, 2)
    assert (policies["deletions"], policies["refused"]) == (2, "key: is missing")
    assert 240 <= policies["lag_seconds"] < 300


def test_windows_are_listed_with_the_files_that_they_became(pulled: ClonedDatabase, tmp_path: Path) -> None:
    windows = asked(pulled, tmp_path, "sources", "policies")["windows"]
    assert [window["number"] for window in windows] == [4, 3, 2, 1]
    second = windows[2]
    assert (second["object_key"], second["status"]) == (KEY, "committed")
    assert (second["rows_pulled"], second["rows_loaded"], second["rows_quarantined"]) == (120, 119, 1)
    assert [window["file_id"] is None for window in windows] == [True, True, False, True]
    assert len(asked(pulled, tmp_path, "sources", "policies", "--limit", "1")["windows"]) == 1
