"""The same picture under another event id is reported, whichever comes first, and found by the indexes."""

import random
import threading
import time
from contextlib import closing

import pytest

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance
from claimwatch.storage import images
from claimwatch.storage.connection import Database
from tests.cluster import database_at
from tests.integration.photos.environment import BUCKET, Studio, picture

PICTURE = 0x5A5A_1234_89AB_0F0F


def signed(phash: int) -> int:
    return phash - (1 << 64) if phash >> 63 else phash


def flipped(phash: int, *bits: int) -> int:
    for bit in bits:
        phash ^= 1 << bit
    return signed(phash)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_photo_that_is_used_again_is_reported_with_its_distance_in_either_order(
    studio: Studio, order: tuple[int, int]
) -> None:
    keys = ("images/A/1.jpg", "images/B/2.jpg")
    data = (picture(signed(PICTURE)), picture(flipped(PICTURE, 3, 40, 63)))
    outcomes = [studio.stored(keys[number], data[number]) for number in order]
    assert [outcome.matches for outcome in outcomes] == [0, 1]
    first, second = ("AB"[number] for number in order)
    assert studio.matches() == [(second, first, 3)]


def test_photos_of_one_event_are_not_held_against_it(studio: Studio) -> None:
    for name in ("1.jpg", "2.jpg", "1.jpg"):  # the last is a new version of the first
        assert studio.stored(f"images/A/{name}", picture(7)).matches == 0
    assert studio.matches() == []


def test_pictures_that_differ_too_much_are_not_alike(studio: Studio) -> None:
    studio.stored("images/A/1.jpg", picture(signed(PICTURE)))
    far = flipped(PICTURE, *range(0, 4 * (MATCH_DISTANCE + 1), 4))
    assert distance(PICTURE, far) == MATCH_DISTANCE + 1
    assert studio.stored("images/B/1.jpg", picture(far)).matches == 0
    near = flipped(PICTURE, *range(0, 4 * MATCH_DISTANCE, 4))
    assert studio.stored("images/C/1.jpg", picture(near)).matches == 2


def test_a_picture_without_structure_is_like_nothing(studio: Studio) -> None:
    studio.stored("images/A/1.jpg", picture(None))
    assert studio.stored("images/B/1.jpg", picture(None)).matches == 0
    assert studio.stored("images/C/1.jpg", picture(0)).matches == 0


def test_what_was_replaced_or_deleted_is_evidence_still(studio: Studio) -> None:
    created = studio.drop("images/A/1.jpg", picture(1))
    studio.receive(created)
    studio.stored("images/A/1.jpg", picture(signed(PICTURE)), second=1)
    studio.withdraw(created.ref, permanent=True, second=2)
    assert studio.stored("images/B/1.jpg", picture(1)).matches == 1


def test_two_that_come_at_once_do_not_miss_each_other(studio: Studio, database_url: str) -> None:
    rounds = 8
    for number in range(rounds):
        pair = [studio.drop(f"images/{number}-{side}/1.jpg", picture(number << 48)) for side in "AB"]
        start = threading.Barrier(2)

        def run(created: object, barrier: threading.Barrier = start) -> None:
            with closing(database_at(database_url)) as database:
                barrier.wait()
                studio.receive(created, database)  # type: ignore[arg-type]

        threads = [threading.Thread(target=run, args=(created,)) for created in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    [(found,)] = studio.rows(
        "SELECT count(*) FROM image_match"
        " WHERE split_part(event_id, '-', 1) = split_part(other_event_id, '-', 1)"
    )
    assert found == rounds


def test_one_that_is_stored_and_not_committed_is_waited_for(studio: Studio, database_url: str) -> None:
    """What the lock is for: neither of two transactions that are both open sees the other's photo."""
    version = images.Version(
        "A", BUCKET, "images/A/1.jpg", "1", "0", studio.drop("images/A/1.jpg").created_at
    )
    copies = images.Copies("0" * 64, 1, 5, "JPEG", 1, 1, 1, None, None, None, b"", b"")
    other: list[int] = []
    waiting = threading.Event()

    def second() -> None:
        with closing(database_at(database_url)) as database:
            waiting.set()
            created = studio.drop("images/B/1.jpg", picture(5))
            other.append(studio.receive(created, database).matches)

    thread = threading.Thread(target=second)
    with studio.database.transaction() as cursor:
        image_id = images.add(cursor, version, copies)
        images.add_matches(cursor, image_id, "A", 5, MATCH_DISTANCE)
        thread.start()
        waiting.wait()
        time.sleep(0.3)
        assert other == []
    thread.join()
    assert other == [1]


def test_many_copies_of_one_picture_do_not_make_a_row_for_each_pair(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MOST_MATCHES", 3)
    for number in range(6):
        studio.stored(f"images/E{number}/1.jpg", picture(flipped(PICTURE, *range(number))))
    assert [found for *_, found in studio.matches() if found > 3] == []
    assert len(studio.matches()) == 0 + 1 + 2 + 3 + 3 + 3


def test_the_search_finds_exactly_what_a_look_at_every_photo_would(studio: Studio) -> None:
    draw = random.Random(5)
    hashes = [draw.getrandbits(64) for _ in range(12)]
    everything = [
        flipped(draw.choice(hashes), *draw.sample(range(64), draw.randrange(15))) for _ in range(150)
    ]
    everything += [signed(1 << 63), signed((1 << 64) - 1), 0]
    for number, phash in enumerate(everything):
        studio.stored(f"images/{number}/1.jpg", picture(phash))
    expected = {
        (str(late), str(early), distance(everything[late], everything[early]))
        for late in range(len(everything))
        for early in range(late)
        if distance(everything[late], everything[early]) <= MATCH_DISTANCE
    }
    assert len(expected) > 150
    assert set(studio.matches()) == expected


def test_every_band_has_a_neighbour_for_each_way_to_differ_in_two_bits() -> None:
    for phash in (0, -1, 2**63 - 1, -(2**63), 0x0123_4567_89AB_CDEF):
        for values in images.neighbours(phash):
            assert len(set(values)) == 137
            assert all(-(2**15) <= value < 2**15 for value in values)


def test_no_search_is_asked_for_more_than_the_bands_can_find(studio: Studio, database: Database) -> None:
    with database.transaction() as cursor, pytest.raises(ValueError, match="11 bits"):
        images.add_matches(cursor, 1, "A", 0, 12)


@pytest.fixture
def crowded(studio: Studio) -> Studio:
    """100,000 photos."""
    studio.rows(
        """
        INSERT INTO claim_image (event_id, bucket, key, version_id, sha256, phash, format, width, height,
                                 frames, size_bytes, display, thumbnail, received_at)
        SELECT 'event-' || n / 3, 'landing', 'images/event-' || n / 3 || '/' || n, '1', repeat('0', 64),
               hashtextextended(n::text, 7), 'JPEG', 4000, 3000, 1, 1, 'd', 't', now()
        FROM generate_series(1, 100000) AS n
        """
    )
    studio.rows("ANALYZE claim_image")
    return studio


def test_the_search_reads_the_bands_and_never_the_whole_table(crowded: Studio) -> None:
    found: list[str] = []
    with crowded.database.transaction() as cursor:
        image_id = images.add(
            cursor,
            images.Version(
                "new", BUCKET, "images/new/1.jpg", "1", "0", crowded.drop("images/x/1").created_at
            ),
            images.Copies("0" * 64, 1, 5, "JPEG", 1, 1, 1, None, None, None, b"", b""),
        )
        parameters = {
            "image_id": image_id,
            "event_id": "new",
            "phash": str(PICTURE),
            "most": MATCH_DISTANCE,
            "limit": images.MOST_MATCHES,
            **{f"band_{number}": values for number, values in enumerate(images.neighbours(PICTURE), 1)},
        }
        cursor.execute("EXPLAIN ANALYZE " + images._SQL["add_matches"], parameters)
        found = [line for (line,) in cursor.fetchall()]
    plan = "\n".join(found)
    for band in range(1, 5):
        assert f"claim_image_by_band_{band}" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_the_photos_of_one_event_are_found_by_an_index(crowded: Studio) -> None:
    plan = "\n".join(
        line
        for (line,) in crowded.rows("EXPLAIN SELECT * FROM current_claim_image WHERE event_id = 'event-77'")
    )
    assert "claim_image_by_event" in plan
    assert "Seq Scan on claim_image" not in plan, plan
