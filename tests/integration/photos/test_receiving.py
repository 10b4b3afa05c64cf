"""Each object version ends once, as a photo or as a reason, whatever comes how often and in which order."""

import random
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.photos import receive as use_case
from claimwatch.photos.receive import MAX_BYTES, Outcome
from claimwatch.storage import images
from claimwatch.storage.connection import Database
from tests.cluster import database_at
from tests.integration.photos.environment import BUCKET, Studio, picture


def test_a_photo_becomes_a_row_with_its_facts_and_both_copies(studio: Studio) -> None:
    facts = {"format": "HEIF", "width": 3024, "height": 4032, "latitude": 48.1, "longitude": 11.6}
    data = picture(-(2**63), **facts)
    studio.stored("images/MTR-1/a+b%20c.heic", data, second=3)
    [row] = studio.rows(
        "SELECT event_id, bucket, key, version_id, sha256, phash, format, width, height, frames, latitude,"
        " longitude, size_bytes, display, thumbnail, received_at FROM claim_image"
    )
    assert row[:4] == ("MTR-1", BUCKET, "images/MTR-1/a+b%20c.heic", "1")
    assert len(row[4]) == 64
    assert row[5:13] == (-(2**63), "HEIF", 3024, 4032, 1, 48.1, 11.6, len(data))
    assert bytes(row[13]).startswith(b"display of")
    assert bytes(row[14]).startswith(b"thumbnail of")
    assert row[15] == datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC)


def test_the_same_event_again_reads_nothing_and_changes_nothing(studio: Studio) -> None:
    created = studio.drop("images/E/a.jpg")
    first = studio.receive(created)
    assert first.status == "stored"
    for _ in range(3):
        assert studio.receive(created) == Outcome("known", first.image_id)
    assert (studio.objects.reads, studio.decoder.examined) == (1, 1)
    assert studio.rows("SELECT count(*) FROM claim_image") == [(1,)]


def test_of_many_that_take_the_same_event_at_once_one_stores_the_photo(
    studio: Studio, database_url: str
) -> None:
    created = studio.drop("images/E/a.jpg")
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def run() -> None:
        with closing(database_at(database_url)) as database:
            start.wait()
            outcomes.append(studio.receive(created, database).status)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["known", "known", "known", "stored"]
    assert studio.rows("SELECT count(*) FROM claim_image") == [(1,)]


def test_a_version_that_was_refused_meanwhile_is_not_stored_too(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = studio.drop("images/E/a.jpg")
    version = use_case._version(created)
    examine = studio.decoder.examine

    def slowly(data: bytes) -> object:
        with studio.database.transaction() as cursor:  # somebody else's decoder ran out of time
            images.reject(cursor, version, "too slow")
        return examine(data)

    monkeypatch.setattr(studio.decoder, "examine", slowly)
    assert studio.receive(created).status == "known"
    assert studio.rows("SELECT count(*) FROM claim_image") == [(0,)]


def test_a_refused_photo_has_one_reason_and_is_never_looked_at_again(studio: Studio) -> None:
    created = studio.drop("images/E/a.jpg", b"%PDF")
    assert studio.receive(created) == Outcome("refused", reason="it is no photo")
    assert studio.receive(created) == Outcome("known", reason="it is no photo")
    assert studio.refused() == [("E", "it is no photo")]
    assert studio.decoder.examined == 1


@pytest.mark.parametrize(
    "key",
    ["images/alone.jpg", "images//a.jpg", "images/" + "x" * 201 + "/a.jpg", "images/E/", "images/a\nb/c.jpg"],
)
def test_a_key_without_an_event_id_is_refused_without_being_read(studio: Studio, key: str) -> None:
    outcome = studio.receive(studio.drop(key))
    assert outcome.status == "refused"
    assert studio.objects.reads == 0
    [(event_id, reason)] = studio.refused()
    assert event_id is None
    assert "images/<event id>/<name>" in reason


@pytest.mark.parametrize("event_id", ["x" * 200, "ä ö", "a+b%25", "2026#7&x=1", "..", "\u202e"])
def test_an_event_id_is_taken_as_it_stands_in_the_key(studio: Studio, event_id: str) -> None:
    studio.stored(f"images/{event_id}/album/1.jpg")
    assert studio.rows("SELECT event_id FROM claim_image") == [(event_id,)]


def test_a_zero_in_a_name_stands_in_nobody_s_way(studio: Studio) -> None:
    # S3 takes it, PostgreSQL does not.
    created = studio.drop("images/E/a.jpg")
    odd = replace(created, ref=ObjectRef(BUCKET, "images/E/\0.jpg", "1"))
    assert studio.receive(odd).status == "refused"  # the folder of the test has no such object
    assert studio.rows("SELECT key FROM image_rejected") == [("images/E/\ufffd.jpg",)]


@pytest.mark.parametrize("key", ["images/", "images/E/", "claims/motor/a.csv", "imagesE/a.jpg"])
def test_folder_markers_and_other_places_leave_no_trace(studio: Studio, key: str) -> None:
    assert studio.receive(studio.drop(key, b"")) == Outcome("ignored")
    assert studio.refused() == []


def test_a_photo_that_is_too_large_is_refused_before_it_is_read(studio: Studio) -> None:
    created = replace(studio.drop("images/E/a.jpg"), size_bytes=MAX_BYTES + 1)
    assert studio.receive(created).status == "refused"
    assert studio.objects.reads == 0
    assert "67,108,865 bytes" in studio.refused()[0][1]


def test_no_more_is_read_than_a_photo_may_have_whatever_the_event_says(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "MAX_BYTES", 100)
    created = replace(studio.drop("images/E/a.jpg", b"x" * 1000), size_bytes=1)
    assert studio.receive(created).status == "refused"
    assert studio.objects.asked_to == 101
    assert studio.decoder.examined == 0


def test_a_fault_that_passes_leaves_nothing_behind_and_the_next_try_succeeds(studio: Studio) -> None:
    created = studio.drop("images/E/a.jpg")
    studio.decoder.fault = TransientFault("no process")
    with pytest.raises(TransientFault):
        studio.receive(created)
    assert (studio.refused(), studio.current()) == ([], [])
    assert studio.receive(created).status == "stored"


def test_a_connection_that_breaks_while_a_photo_is_stored_is_mended_at_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = use_case._settle
    faults = [TransientFault("gone")]

    def breaking(*arguments: object) -> object:
        if faults:
            raise faults.pop()
        return settle(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(use_case, "_settle", breaking)
    studio.stored("images/E/a.jpg")
    assert studio.decoder.examined == 1


def test_no_transaction_is_open_while_a_photo_is_decoded(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    states: list[str] = []
    examine = studio.decoder.examine

    def watched(data: bytes) -> object:
        with closing(database_at(database_url)) as other, other.transaction() as cursor:
            cursor.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
            states.extend(state for (state,) in cursor.fetchall())
        return examine(data)

    monkeypatch.setattr(studio.decoder, "examine", watched)
    studio.stored("images/E/a.jpg")
    assert states == ["idle"]


# -- Versions ------------------------------------------------------------------------------------------------


def test_the_newest_version_is_shown_and_the_others_are_kept(studio: Studio) -> None:
    old, new = (studio.drop("images/E/a.jpg", second=second) for second in (1, 2))
    for created in (old, new):
        studio.receive(created)
    assert studio.current() == [("images/E/a.jpg", "2")]
    assert studio.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_an_older_version_that_comes_late_is_kept_and_not_shown(studio: Studio) -> None:
    old, new = (studio.drop("images/E/a.jpg", second=second) for second in (1, 2))
    for created in (new, old):
        assert studio.receive(created).status == "stored"
    assert studio.current() == [("images/E/a.jpg", "2")]


def test_within_one_second_the_sequencer_decides_whatever_its_length(studio: Studio) -> None:
    old, new = (studio.drop("images/E/a.jpg", sequencer=sequencer) for sequencer in ("9F", "0100"))
    for created in (new, old):
        studio.receive(created)
    assert studio.current() == [("images/E/a.jpg", "2")]


def test_a_version_that_is_refused_replaces_nothing(studio: Studio) -> None:
    studio.stored("images/E/a.jpg", second=1)
    assert studio.receive(studio.drop("images/E/a.jpg", b"broken", second=2)).status == "refused"
    assert studio.current() == [("images/E/a.jpg", "1")]


# -- Deletions -----------------------------------------------------------------------------------------------


@pytest.fixture
def marker() -> ObjectRef:
    return ObjectRef(BUCKET, "images/E/a.jpg", "marker")


def test_a_deleted_photo_is_not_shown_and_stays_as_evidence(studio: Studio, marker: ObjectRef) -> None:
    studio.stored("images/E/a.jpg", second=1)
    studio.stored("images/E/b.jpg", second=1)
    for _ in range(2):  # the event comes twice
        studio.withdraw(marker, permanent=False, second=2)
    assert studio.current() == [("images/E/b.jpg", "1")]
    assert studio.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_a_deletion_that_comes_before_its_photo_hides_it(studio: Studio, marker: ObjectRef) -> None:
    created = studio.drop("images/E/a.jpg", second=1)
    studio.withdraw(marker, permanent=False, second=2)
    assert studio.receive(created).status == "stored"
    assert studio.current() == []


def test_a_photo_that_is_dropped_again_after_its_deletion_is_shown(studio: Studio, marker: ObjectRef) -> None:
    studio.stored("images/E/a.jpg", sequencer="01")
    again = studio.drop("images/E/a.jpg", sequencer="03")
    studio.receive(again)
    studio.withdraw(marker, permanent=False, sequencer="02")
    assert studio.current() == [("images/E/a.jpg", "2")]


def test_a_delete_marker_that_is_deleted_hides_nothing_in_either_order(
    studio: Studio, marker: ObjectRef
) -> None:
    studio.stored("images/E/a.jpg", second=1)
    studio.withdraw(marker, permanent=True, second=3)
    studio.withdraw(marker, permanent=False, second=2)
    assert studio.current() == [("images/E/a.jpg", "1")]


def test_a_version_that_is_deleted_for_good_gives_way_to_the_one_before_it(studio: Studio) -> None:
    for second in (1, 2):
        studio.stored("images/E/a.jpg", second=second)
    studio.withdraw(ObjectRef(BUCKET, "images/E/a.jpg", "2"), permanent=True, second=3)
    assert studio.current() == [("images/E/a.jpg", "1")]
    assert studio.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_a_photo_that_is_gone_before_it_is_read_has_a_reason(studio: Studio) -> None:
    created = studio.drop("images/E/a.jpg")
    studio.objects.path(created.ref).unlink()
    assert studio.receive(created).status == "refused"
    assert "deleted before it was read" in studio.refused()[0][1]


def test_a_photo_that_is_known_to_be_gone_is_not_asked_for(studio: Studio) -> None:
    # On AWS the answer would be "forbidden", again and again, for the function may not list the bucket.
    created = studio.drop("images/E/a.jpg")
    studio.withdraw(created.ref, permanent=True, second=1)
    assert studio.receive(created).status == "refused"
    assert studio.objects.reads == 0
    assert "deleted before it was read" in studio.refused()[0][1]


def test_deletions_elsewhere_in_the_bucket_are_no_business_of_photos(studio: Studio) -> None:
    studio.withdraw(ObjectRef(BUCKET, "claims/motor/a.csv", "1"), permanent=True)
    assert studio.rows("SELECT count(*) FROM image_deletion") == [(0,)]


@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_events_come_the_same_is_shown(studio: Studio, seed: int) -> None:
    key = "images/E/a.jpg"
    created = [studio.drop(key, second=second, sequencer=f"{second:04X}") for second in (1, 3, 5)]
    marker, undone = (ObjectRef(BUCKET, key, f"marker-{number}") for number in (1, 2))
    steps = [
        *((studio.receive, (event,), {}) for event in created),
        (studio.withdraw, (marker,), {"permanent": False, "second": 2}),
        (studio.withdraw, (undone,), {"permanent": False, "second": 6}),
        (studio.withdraw, (undone,), {"permanent": True, "second": 7}),
        (studio.withdraw, (created[2].ref,), {"permanent": True, "second": 8}),
    ]
    steps += random.Random(seed).choices(steps, k=3)
    random.Random(seed).shuffle(steps)
    for act, arguments, options in steps:
        act(*arguments, **options)  # type: ignore[operator]
    assert studio.current() == [(key, "2")]


def test_photos_of_a_database_without_any_are_none(database: Database) -> None:
    with database.transaction() as cursor:
        assert images.counts(cursor) == {"stored": 0, "current": 0, "refused": 0, "reused_pairs": 0}
