"""Each object version is stored or refused exactly once, with events repeated and in any order."""

import random
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.photos import receive as use_case
from claimwatch.photos.receive import MAX_BYTES, Outcome
from claimwatch.storage import images
from claimwatch.storage.connection import Database
from tests.integration.photos.environment import BUCKET, NOON, PhotoEnvironment, picture


def test_a_photo_is_stored_with_its_properties_and_both_copies(photos: PhotoEnvironment) -> None:
    properties = {"format": "HEIF", "width": 3024, "height": 4032, "latitude": 48.1, "longitude": 11.6}
    data = picture(-(2**63), **properties)
    photos.store("images/MTR-1/a+b%20c.heic", data, second=3)
    [row] = photos.rows(
        "SELECT event_id, bucket, key, version_id, sha256, phash, format, width, height, frames, latitude,"
        " longitude, size_bytes, display, thumbnail, received_at FROM claim_image"
    )
    assert row[:4] == ("MTR-1", BUCKET, "images/MTR-1/a+b%20c.heic", "1")
    assert len(row[4]) == 64
    assert row[5:13] == (-(2**63), "HEIF", 3024, 4032, 1, 48.1, 11.6, len(data))
    assert bytes(row[13]).startswith(b"display of")
    assert bytes(row[14]).startswith(b"thumbnail of")
    assert row[15] == datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC)


def test_a_time_is_stored_in_utc_and_as_the_clock_of_the_camera_showed_it(photos: PhotoEnvironment) -> None:
    photos.decoder.taken_at = NOON - timedelta(days=2)
    photos.decoder.taken_at_local = datetime.fromisoformat("2026-01-03T13:00:00")
    photos.store("images/E/a.jpg")
    times = "SELECT taken_at, taken_at_local FROM current_claim_image"
    assert photos.rows(times) == [(photos.decoder.taken_at, photos.decoder.taken_at_local)]


@pytest.mark.parametrize(
    ("taken_at", "local", "stored"),
    [
        (None, NOON + timedelta(hours=14), True),
        (NOON + timedelta(hours=20), NOON + timedelta(hours=20), True),
        (None, NOON + timedelta(hours=25), False),
        (NOON + timedelta(hours=25), NOON + timedelta(hours=12), False),
        (datetime(2099, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), False),
        (datetime.max.replace(tzinfo=UTC), None, False),
    ],
)
def test_a_time_after_the_photo_was_received_is_not_stored(
    photos: PhotoEnvironment, taken_at: datetime | None, local: datetime | None, *, stored: bool
) -> None:
    photos.decoder.taken_at = taken_at
    photos.decoder.taken_at_local = local.replace(tzinfo=None) if local else None
    photos.store("images/E/a.jpg")
    times = photos.rows("SELECT taken_at, taken_at_local FROM claim_image")
    assert times == [(taken_at, photos.decoder.taken_at_local) if stored else (None, None)]


def test_a_repeated_event_reads_and_changes_nothing(photos: PhotoEnvironment) -> None:
    created = photos.drop("images/E/a.jpg")
    first = photos.receive(created)
    assert first.status == "stored"
    for _ in range(3):
        assert photos.receive(created) == Outcome("known", first.image_id)
    assert (photos.objects.reads, photos.decoder.calls) == (1, 1)
    assert photos.rows("SELECT count(*) FROM claim_image") == [(1,)]


def test_concurrent_calls_for_one_event_store_the_photo_once(
    photos: PhotoEnvironment, database_url: str
) -> None:
    created = photos.drop("images/E/a.jpg")
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def run() -> None:
        with closing(photos.database.separately("photos")) as database:
            start.wait()
            outcomes.append(photos.receive(created, database).status)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["known", "known", "known", "stored"]
    assert photos.rows("SELECT count(*) FROM claim_image") == [(1,)]


def test_a_version_refused_by_another_call_meanwhile_is_not_stored(
    photos: PhotoEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = photos.drop("images/E/a.jpg")
    version = use_case._version(created)
    examine = photos.decoder.examine

    def slowly(data: bytes) -> object:
        with photos.database.transaction() as cursor:  # another call's decoder ran out of time
            images.reject(cursor, version, "too slow")
        return examine(data)

    monkeypatch.setattr(photos.decoder, "examine", slowly)
    assert photos.receive(created).status == "known"
    assert photos.rows("SELECT count(*) FROM claim_image") == [(0,)]


def test_a_refused_photo_has_one_reason_and_is_not_decoded_again(photos: PhotoEnvironment) -> None:
    created = photos.drop("images/E/a.jpg", b"%PDF")
    assert photos.receive(created) == Outcome("refused", reason="it is not a photo")
    assert photos.receive(created) == Outcome("known", reason="it is not a photo")
    assert photos.refused() == [("E", "it is not a photo")]
    assert photos.decoder.calls == 1


@pytest.mark.parametrize(
    "key",
    [
        "images/alone.jpg",
        "images//a.jpg",
        "images/" + "x" * 201 + "/a.jpg",
        "images/E/",
        "images/a\nb/c.jpg",
        "images/\u202e/c.jpg",
    ],
)
def test_a_key_without_an_event_id_is_refused_without_being_read(photos: PhotoEnvironment, key: str) -> None:
    outcome = photos.receive(photos.drop(key))
    assert outcome.status == "refused"
    assert photos.objects.reads == 0
    [(event_id, reason)] = photos.refused()
    assert event_id is None
    assert "images/<event id>/<name>" in reason


@pytest.mark.parametrize("event_id", ["x" * 200, "ä ö", "a+b%25", "2026#7&x=1", "..", "A-1\u2010"])
def test_the_event_id_is_not_decoded(photos: PhotoEnvironment, event_id: str) -> None:
    photos.store(f"images/{event_id}/album/1.jpg")
    assert photos.rows("SELECT event_id FROM claim_image") == [(event_id,)]


def test_a_nul_character_in_a_key_is_replaced(photos: PhotoEnvironment) -> None:
    # S3 allows it in a key, and PostgreSQL does not allow it in text.
    created = photos.drop("images/E/a.jpg")
    odd = replace(created, ref=ObjectRef(BUCKET, "images/E/\0.jpg", "1"))
    assert photos.receive(odd).status == "refused"  # the test's folder has no such object
    assert photos.rows("SELECT key FROM image_rejected") == [("images/E/\ufffd.jpg",)]


@pytest.mark.parametrize("key", ["images/", "images/E/", "claims/motor/a.csv", "imagesE/a.jpg"])
def test_folder_markers_and_other_prefixes_are_ignored(photos: PhotoEnvironment, key: str) -> None:
    assert photos.receive(photos.drop(key, b"")) == Outcome("ignored")
    assert photos.refused() == []


def test_a_photo_that_is_too_large_is_refused_before_it_is_read(photos: PhotoEnvironment) -> None:
    created = replace(photos.drop("images/E/a.jpg"), size_bytes=MAX_BYTES + 1)
    assert photos.receive(created).status == "refused"
    assert photos.objects.reads == 0
    assert "67,108,865 bytes" in photos.refused()[0][1]


def test_reading_stops_at_the_size_limit_whatever_size_the_event_states(
    photos: PhotoEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "MAX_BYTES", 100)
    created = replace(photos.drop("images/E/a.jpg", b"x" * 1000), size_bytes=1)
    assert photos.receive(created).status == "refused"
    assert photos.objects.last_end == 101
    assert photos.decoder.calls == 0


def test_a_transient_fault_records_nothing_and_a_retry_succeeds(photos: PhotoEnvironment) -> None:
    created = photos.drop("images/E/a.jpg")
    photos.decoder.fault = TransientFault("no process")
    with pytest.raises(TransientFault):
        photos.receive(created)
    assert (photos.refused(), photos.current()) == ([], [])
    assert photos.receive(created).status == "stored"


def test_a_connection_lost_while_recording_is_retried_without_decoding_again(
    photos: PhotoEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = use_case._record
    faults = [TransientFault("gone")]

    def breaking(*arguments: object) -> object:
        if faults:
            raise faults.pop()
        return record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(use_case, "_record", breaking)
    photos.store("images/E/a.jpg")
    assert photos.decoder.calls == 1


def test_no_transaction_is_open_while_a_photo_is_decoded(
    photos: PhotoEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []
    examine = photos.decoder.examine

    def watched(data: bytes) -> object:
        with closing(photos.database.separately("photos")) as other, other.transaction() as cursor:
            cursor.execute("SET ROLE NONE")  # a login sees the state of its own sessions
            cursor.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                " AND usename = session_user AND pid <> pg_backend_pid()"
            )
            states.extend(state for (state,) in cursor.fetchall())
        return examine(data)

    monkeypatch.setattr(photos.decoder, "examine", watched)
    photos.store("images/E/a.jpg")
    assert states == ["idle"]


# -- Versions ------------------------------------------------------------------------------------------------


def test_the_newest_version_is_current_and_older_versions_are_kept(photos: PhotoEnvironment) -> None:
    old, new = (photos.drop("images/E/a.jpg", second=second) for second in (1, 2))
    for created in (old, new):
        photos.receive(created)
    assert photos.current() == [("images/E/a.jpg", "2")]
    assert photos.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_an_older_version_that_arrives_late_is_kept_but_not_current(photos: PhotoEnvironment) -> None:
    old, new = (photos.drop("images/E/a.jpg", second=second) for second in (1, 2))
    for created in (new, old):
        assert photos.receive(created).status == "stored"
    assert photos.current() == [("images/E/a.jpg", "2")]


def test_within_one_second_the_sequencer_decides_regardless_of_its_length(photos: PhotoEnvironment) -> None:
    old, new = (photos.drop("images/E/a.jpg", sequencer=sequencer) for sequencer in ("9F", "0100"))
    for created in (new, old):
        photos.receive(created)
    assert photos.current() == [("images/E/a.jpg", "2")]


def test_a_refused_version_does_not_replace_the_current_one(photos: PhotoEnvironment) -> None:
    photos.store("images/E/a.jpg", second=1)
    assert photos.receive(photos.drop("images/E/a.jpg", b"broken", second=2)).status == "refused"
    assert photos.current() == [("images/E/a.jpg", "1")]


# -- Deletions -----------------------------------------------------------------------------------------------


@pytest.fixture
def marker() -> ObjectRef:
    return ObjectRef(BUCKET, "images/E/a.jpg", "marker")


def test_a_deleted_photo_is_not_current_but_stays_as_evidence(
    photos: PhotoEnvironment, marker: ObjectRef
) -> None:
    photos.store("images/E/a.jpg", second=1)
    photos.store("images/E/b.jpg", second=1)
    for _ in range(2):  # the event is delivered twice
        photos.withdraw(marker, permanent=False, second=2)
    assert photos.current() == [("images/E/b.jpg", "1")]
    assert photos.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_a_deletion_that_arrives_before_its_photo_hides_it(
    photos: PhotoEnvironment, marker: ObjectRef
) -> None:
    created = photos.drop("images/E/a.jpg", second=1)
    photos.withdraw(marker, permanent=False, second=2)
    assert photos.receive(created).status == "stored"
    assert photos.current() == []


def test_a_photo_dropped_again_after_its_deletion_is_current(
    photos: PhotoEnvironment, marker: ObjectRef
) -> None:
    photos.store("images/E/a.jpg", sequencer="01")
    again = photos.drop("images/E/a.jpg", sequencer="03")
    photos.receive(again)
    photos.withdraw(marker, permanent=False, sequencer="02")
    assert photos.current() == [("images/E/a.jpg", "2")]


def test_a_deleted_delete_marker_hides_nothing_in_either_order(
    photos: PhotoEnvironment, marker: ObjectRef
) -> None:
    photos.store("images/E/a.jpg", second=1)
    photos.withdraw(marker, permanent=True, second=3)
    photos.withdraw(marker, permanent=False, second=2)
    assert photos.current() == [("images/E/a.jpg", "1")]


def test_after_a_permanent_deletion_the_previous_version_is_current(photos: PhotoEnvironment) -> None:
    for second in (1, 2):
        photos.store("images/E/a.jpg", second=second)
    photos.withdraw(ObjectRef(BUCKET, "images/E/a.jpg", "2"), permanent=True, second=3)
    assert photos.current() == [("images/E/a.jpg", "1")]
    assert photos.rows("SELECT count(*) FROM claim_image") == [(2,)]


def test_a_photo_deleted_before_it_is_read_is_refused_with_a_reason(photos: PhotoEnvironment) -> None:
    created = photos.drop("images/E/a.jpg")
    photos.objects.path(created.ref).unlink()
    assert photos.receive(created).status == "refused"
    assert "deleted before it was read" in photos.refused()[0][1]


def test_a_photo_recorded_as_deleted_is_not_read(photos: PhotoEnvironment) -> None:
    # On AWS every read would be answered "forbidden", because the function may not list the bucket.
    created = photos.drop("images/E/a.jpg")
    photos.withdraw(created.ref, permanent=True, second=1)
    assert photos.receive(created).status == "refused"
    assert photos.objects.reads == 0
    assert "deleted before it was read" in photos.refused()[0][1]


def test_deletions_under_other_prefixes_are_ignored(photos: PhotoEnvironment) -> None:
    photos.withdraw(ObjectRef(BUCKET, "claims/motor/a.csv", "1"), permanent=True)
    assert photos.rows("SELECT count(*) FROM image_deletion") == [(0,)]


@pytest.mark.parametrize("seed", range(20))
def test_events_in_any_order_have_the_same_result(photos: PhotoEnvironment, seed: int) -> None:
    key = "images/E/a.jpg"
    created = [photos.drop(key, second=second, sequencer=f"{second:04X}") for second in (1, 3, 5)]
    marker, deleted_marker = (ObjectRef(BUCKET, key, f"marker-{number}") for number in (1, 2))
    steps = [
        *((photos.receive, (event,), {}) for event in created),
        (photos.withdraw, (marker,), {"permanent": False, "second": 2}),
        (photos.withdraw, (deleted_marker,), {"permanent": False, "second": 6}),
        (photos.withdraw, (deleted_marker,), {"permanent": True, "second": 7}),
        (photos.withdraw, (created[2].ref,), {"permanent": True, "second": 8}),
    ]
    steps += random.Random(seed).choices(steps, k=3)
    random.Random(seed).shuffle(steps)
    for act, arguments, options in steps:
        act(*arguments, **options)  # type: ignore[operator]
    assert photos.current() == [(key, "2")]


def test_all_counts_of_an_empty_database_are_zero(database: Database) -> None:
    with database.transaction() as cursor:
        assert images.counts(cursor) == {"stored": 0, "current": 0, "refused": 0, "reused_pairs": 0}
