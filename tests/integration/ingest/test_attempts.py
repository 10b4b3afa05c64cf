"""Overlapping attempts: an earlier attempt cannot change what the newer one does."""

import gzip
from typing import Any

import pytest

from claimwatch.aws.objects import ObjectMissing, ObjectRef
from claimwatch.errors import RefusedData, RefusedFile, Superseded
from claimwatch.ingest import inspect as inspection
from claimwatch.ingest.commit import commit_file
from claimwatch.ingest.fail import DELETED, record_failure
from claimwatch.ingest.inspect import inspect
from claimwatch.ingest.load import load_chunk
from claimwatch.ingest.replay import replay
from claimwatch.ingest.staging import prepare
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import csv

CLAIMS = csv(*(f"G{number},2026-03-01,{number},,," for number in range(1, 30)), "bad")


@pytest.fixture
def dropped(glass: Site) -> int:
    """A file whose execution has not begun."""
    file_id = glass.register(glass.put("claims/glass/a.csv", CLAIMS))
    glass.waiting.clear()
    return file_id


@pytest.mark.usefixtures("small_chunks")
def test_a_superseded_attempt_can_load_and_commit_nothing(glass: Site, dropped: int) -> None:
    chunks = inspect(glass.inspection, dropped, 1)["chunks"]
    load_chunk(glass.loading, **chunks[0])
    replay(glass.database, glass, dropped)

    with pytest.raises(Superseded):
        load_chunk(glass.loading, **chunks[1])
    with pytest.raises(Superseded):
        commit_file(glass.committing, dropped, 1)
    with pytest.raises(Superseded):
        inspect(glass.inspection, dropped, 1)
    glass.fail(dropped, 1)
    glass.run()

    file = glass.file(dropped)
    assert (file["status"], file["attempt"], file["rows_loaded"], file["rows_quarantined"]) == (
        "committed",
        2,
        29,
        1,
    )
    assert glass.alerts == []


@pytest.mark.usefixtures("small_chunks")
def test_a_failed_file_is_notified_once_and_can_be_replayed(glass: Site, dropped: int) -> None:
    chunks = inspect(glass.inspection, dropped, 1)["chunks"]
    load_chunk(glass.loading, **chunks[0])
    for _ in range(2):
        glass.fail(dropped, 1)
    assert glass.query("SELECT * FROM claimwatch.current_claim_glass") == []

    assert glass.file(dropped)["status"] == "failed"
    (alert,) = glass.alerts
    assert f"claimwatch replay {dropped}" in alert.message
    assert glass.replay(dropped)["status"] == "committed"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("loaded", [1, "all"])
def test_a_file_whose_object_is_deleted_while_it_is_loaded_is_refused_and_notified_once(
    glass: Site, dropped: int, loaded: int | str
) -> None:
    chunks = inspect(glass.inspection, dropped, 1)["chunks"]
    done = len(chunks) if loaded == "all" else 1
    for chunk in chunks[:done]:
        load_chunk(glass.loading, **chunk)
    file = glass.file(dropped)
    glass.objects.path(ObjectRef(file["bucket"], file["key"], file["version_id"])).unlink()

    if loaded != "all":
        with pytest.raises(ObjectMissing) as raised:
            load_chunk(glass.loading, **chunks[done])
        for _ in range(2):
            record_failure(glass.database, glass, dropped, 1, type(raised.value).__name__, "gone")
        file = glass.file(dropped)
        assert (file["status"], file["error"]) == ("refused", DELETED)
        (alert,) = glass.alerts
        assert "drop it again" in alert.message
        assert glass.query("SELECT * FROM claimwatch.current_claim_glass") == []
    else:
        commit_file(glass.committing, dropped, 1)
        assert glass.file(dropped)["status"] == "committed"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("error", ["Runtime.ExitError", "Sandbox.Timedout"])
def test_a_file_that_kills_every_invocation_is_refused_once_and_can_be_replayed(
    glass: Site, dropped: int, error: str
) -> None:
    load_chunk(glass.loading, **inspect(glass.inspection, dropped, 1)["chunks"][0])
    for _ in range(2):
        glass.fail(dropped, 1, error)

    file = glass.file(dropped)
    assert (file["status"], file["committed_at"]) == ("refused", None)
    assert "send it in smaller files" in file["error"]
    (alert,) = glass.alerts
    assert f"claimwatch replay {dropped}" in alert.message
    assert glass.query("SELECT * FROM claimwatch.current_claim_glass") == []
    replayed = glass.replay(dropped)
    assert (replayed["status"], replayed["rows_loaded"]) == ("committed", 29)


def test_a_stale_inspection_cannot_refuse_a_file_that_a_newer_attempt_has_loaded(
    glass: Site, dropped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object, **__: object) -> None:
        monkeypatch.undo()
        assert glass.replay(dropped)["status"] == "committed"
        raise RefusedFile("the view of attempt 1")

    monkeypatch.setattr(inspection, "prepare", meanwhile)
    with pytest.raises(Superseded):
        inspect(glass.inspection, dropped, 1)

    assert glass.file(dropped)["status"] == "committed"
    assert glass.alerts == []


def test_a_file_whose_object_was_deleted_is_refused(glass: Site, dropped: int) -> None:
    (row,) = glass.query("SELECT bucket, key, version_id FROM claimwatch.file")
    glass.objects.path(ObjectRef(**row)).unlink()

    assert inspect(glass.inspection, dropped, 1)["status"] == "refused"
    assert "deleted" in glass.file(dropped)["error"]


@pytest.mark.usefixtures("small_chunks")
def test_rows_loaded_by_a_refused_attempt_are_deleted(glass: Site, dropped: int) -> None:
    chunks = inspect(glass.inspection, dropped, 1)["chunks"]
    for chunk in chunks:
        load_chunk(glass.loading, **chunk)
    (row,) = glass.query("SELECT bucket, key, version_id FROM claimwatch.file")
    glass.objects.path(ObjectRef(**row)).unlink()
    glass.replay(dropped)

    assert glass.file(dropped)["status"] == "refused"
    assert glass.query("SELECT * FROM claimwatch.claim_glass") == []
    assert glass.query("SELECT * FROM claimwatch.quarantine") == []


def test_every_step_can_be_repeated(glass: Site, dropped: int) -> None:
    for _ in range(2):
        chunks = inspect(glass.inspection, dropped, 1)["chunks"]
    counts = [load_chunk(glass.loading, **chunk) for _ in range(2) for chunk in chunks]
    committed = [commit_file(glass.committing, dropped, 1) for _ in range(2)]

    assert counts[0] == counts[-1]
    assert committed[0] == committed[1]
    assert committed[0]["rows_loaded"] == 29
    assert inspect(glass.inspection, dropped, 1)["status"] == "done"
    assert [load_chunk(glass.loading, **chunk) for chunk in chunks] == counts[: len(chunks)]


@pytest.mark.parametrize("key", ["somewhere.csv", "claims/No Line/a.csv", "notes/a.csv"])
def test_a_file_whose_key_names_no_line_cannot_be_replayed(glass: Site, key: str) -> None:
    file_id = glass.register(glass.put(key, CLAIMS))
    assert "replay" not in glass.alerts[-1].message
    with pytest.raises(RefusedData, match="cannot be loaded from its key"):
        replay(glass.database, glass, file_id)
    assert glass.file(file_id)["status"] == "refused"


@pytest.mark.usefixtures("small_chunks")
def test_a_second_inspection_of_an_attempt_keeps_the_first_plan(glass: Site) -> None:
    # Latin-1 is converted, so a second inspection would make another copy and another plan.
    file_id = glass.register(glass.put("claims/glass/a.csv", CLAIMS.replace("bad", "bäd").encode("latin-1")))
    glass.waiting.clear()
    chunks = inspect(glass.inspection, file_id, 1)["chunks"]
    load_chunk(glass.loading, **chunks[0])

    assert inspect(glass.inspection, file_id, 1)["chunks"] == chunks
    for chunk in chunks[1:]:
        load_chunk(glass.loading, **chunk)
    assert commit_file(glass.committing, file_id, 1)["rows_read"] == 30


def test_of_two_concurrent_inspections_the_first_plan_and_its_rows_stay(
    glass: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(CLAIMS.encode())  # each inspection makes its own copy, and so its own plan
    file_id = glass.register(glass.put("claims/glass/a.csv.gz", packed))
    glass.waiting.clear()

    def slowly(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        for chunk in inspect(glass.inspection, file_id, 1)["chunks"]:
            load_chunk(glass.loading, **chunk)
        return prepare(*arguments, **options)

    monkeypatch.setattr(inspection, "prepare", slowly)
    late = inspect(glass.inspection, file_id, 1)

    assert late["status"] == "ready"
    assert [load_chunk(glass.loading, **chunk).read for chunk in late["chunks"]] == [30]
    assert commit_file(glass.committing, file_id, 1)["rows_loaded"] == 29


def test_an_object_deleted_during_a_second_inspection_does_not_refuse_a_planned_file(
    glass: Site, dropped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = glass.query("SELECT bucket, key, version_id FROM claimwatch.file")

    def too_late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        for chunk in inspect(glass.inspection, dropped, 1)["chunks"]:
            load_chunk(glass.loading, **chunk)
        glass.objects.path(ObjectRef(**row)).unlink()
        return prepare(*arguments, **options)

    monkeypatch.setattr(inspection, "prepare", too_late)

    assert inspect(glass.inspection, dropped, 1)["status"] == "ready"
    assert commit_file(glass.committing, dropped, 1)["rows_loaded"] == 29
