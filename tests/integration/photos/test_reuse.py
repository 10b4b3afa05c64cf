"""A picture used under two event ids is recorded, in either order, and found by the indexes."""

import random
import threading
import time
from contextlib import closing

import pytest

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance
from claimwatch.errors import TransientFault
from claimwatch.storage import images
from claimwatch.storage.connection import Database
from tests.integration.photos.environment import BUCKET, PhotoEnvironment, picture

PICTURE = 0x5A5A_1234_89AB_0F0F
RECORD = images.PhotoRecord("0" * 64, 1, 5, 0, "JPEG", 1, 1, 1, None, None, None, b"", b"thumbnail of {}")


def signed(phash: int) -> int:
    return phash - (1 << 64) if phash >> 63 else phash


def flipped(phash: int, *bits: int) -> int:
    for bit in bits:
        phash ^= 1 << bit
    return signed(phash)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_reused_photo_is_recorded_with_its_distance_in_either_order(
    photos: PhotoEnvironment, order: tuple[int, int]
) -> None:
    keys = ("images/A/1.jpg", "images/B/2.jpg")
    data = (picture(signed(PICTURE)), picture(flipped(PICTURE, 3, 40, 63)))
    outcomes = [photos.store(keys[number], data[number]) for number in order]
    assert [outcome.matches for outcome in outcomes] == [0, 1]
    first, second = ("AB"[number] for number in order)
    assert photos.matches() == [(second, first, 3)]


def test_photos_of_one_event_do_not_match_each_other(photos: PhotoEnvironment) -> None:
    for name in ("1.jpg", "2.jpg", "1.jpg"):  # the last is a new version of the first
        assert photos.store(f"images/A/{name}", picture(7)).matches == 0
    assert photos.matches() == []


def test_pictures_beyond_the_match_distance_do_not_match(photos: PhotoEnvironment) -> None:
    photos.store("images/A/1.jpg", picture(signed(PICTURE)))
    far = flipped(PICTURE, *range(0, 4 * (MATCH_DISTANCE + 1), 4))
    assert distance(PICTURE, far) == MATCH_DISTANCE + 1
    assert photos.store("images/B/1.jpg", picture(far)).matches == 0
    near = flipped(PICTURE, *range(0, 4 * MATCH_DISTANCE, 4))
    assert photos.store("images/C/1.jpg", picture(near)).matches == 2


def test_a_picture_without_structure_matches_no_other(photos: PhotoEnvironment) -> None:
    photos.store("images/A/1.jpg", picture(None))
    assert photos.store("images/B/1.jpg", picture(None)).matches == 0
    assert photos.store("images/C/1.jpg", picture(0)).matches == 0


def test_replaced_and_deleted_photos_are_still_matched(photos: PhotoEnvironment) -> None:
    created = photos.drop("images/A/1.jpg", picture(1))
    photos.receive(created)
    photos.store("images/A/1.jpg", picture(signed(PICTURE)), second=1)
    photos.withdraw(created.ref, permanent=True, second=2)
    assert photos.store("images/B/1.jpg", picture(1)).matches == 1


def test_two_photos_received_at_the_same_time_find_each_other(
    photos: PhotoEnvironment, database_url: str
) -> None:
    rounds = 8
    for number in range(rounds):
        pair = [photos.drop(f"images/{number}-{side}/1.jpg", picture(number << 48)) for side in "AB"]
        start = threading.Barrier(2)

        def run(created: object, barrier: threading.Barrier = start) -> None:
            with closing(photos.database.separately("photos")) as database:
                barrier.wait()
                photos.receive(created, database)  # type: ignore[arg-type]

        threads = [threading.Thread(target=run, args=(created,)) for created in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    [(found,)] = photos.rows(
        "SELECT count(*) FROM image_match"
        " WHERE split_part(event_id, '-', 1) = split_part(other_event_id, '-', 1)"
    )
    assert found == rounds


def test_a_search_waits_for_an_uncommitted_photo(photos: PhotoEnvironment, database_url: str) -> None:
    """Without the lock, two open transactions would not find each other's photos."""
    version = images.Version(
        "A", BUCKET, "images/A/1.jpg", "1", "0", photos.drop("images/A/1.jpg").created_at
    )
    other: list[int] = []
    waiting = threading.Event()

    def second() -> None:
        with closing(photos.database.separately("photos")) as database:
            waiting.set()
            created = photos.drop("images/B/1.jpg", picture(5))
            other.append(photos.receive(created, database).matches)

    thread = threading.Thread(target=second)
    with photos.database.transaction() as cursor:
        images.add(cursor, version, RECORD)
        images.search_alone(cursor)
        thread.start()
        waiting.wait()
        time.sleep(0.3)
        assert other == []
    thread.join()
    assert other == [1]


def test_the_number_of_matches_of_a_new_photo_is_limited(
    photos: PhotoEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MOST_CANDIDATES", 3)
    for number in range(6):
        photos.store(f"images/E{number}/1.jpg", picture(flipped(PICTURE, *range(number))))
    assert [found for *_, found in photos.matches() if found > 3] == []
    assert len(photos.matches()) == 0 + 1 + 2 + 3 + 3 + 3


def test_the_search_finds_the_same_matches_as_a_full_comparison(photos: PhotoEnvironment) -> None:
    rng = random.Random(5)
    hashes = [rng.getrandbits(64) for _ in range(12)]
    phashes = [flipped(rng.choice(hashes), *rng.sample(range(64), rng.randrange(15))) for _ in range(150)]
    phashes += [signed(1 << 63), signed((1 << 64) - 1), 0]
    for number, phash in enumerate(phashes):
        photos.store(f"images/{number}/1.jpg", picture(phash))
    expected = {
        (str(late), str(early), distance(phashes[late], phashes[early]))
        for late in range(len(phashes))
        for early in range(late)
        if distance(phashes[late], phashes[early]) <= MATCH_DISTANCE
    }
    assert len(expected) > 150
    assert set(photos.matches()) == expected


def test_every_band_has_a_neighbour_for_each_difference_of_up_to_two_bits() -> None:
    for phash in (0, -1, 2**63 - 1, -(2**63), 0x0123_4567_89AB_CDEF):
        for values in images.neighbours(phash):
            assert len(set(values)) == 137
            assert all(-(2**15) <= value < 2**15 for value in values)


def test_a_search_beyond_the_reach_of_the_bands_is_rejected(
    photos: PhotoEnvironment, database: Database
) -> None:
    with database.transaction() as cursor, pytest.raises(ValueError, match="11 bits"):
        images.candidates(cursor, "A", 0, 0, 12)


@pytest.fixture
def large(photos: PhotoEnvironment) -> PhotoEnvironment:
    """Return an environment with 100,000 photos."""
    photos.rows(
        """
        INSERT INTO claim_image (event_id, bucket, key, version_id, sha256, phash, format, width, height,
                                 frames, size_bytes, display, thumbnail, received_at)
        SELECT 'event-' || n / 3, 'landing', 'images/event-' || n / 3 || '/' || n, '1', repeat('0', 64),
               hashtextextended(n::text, 7), 'JPEG', 4000, 3000, 1, 1, 'd', 't', now()
        FROM generate_series(1, 100000) AS n
        """
    )
    photos.rows("ANALYZE claim_image")
    return photos


def test_the_search_uses_the_band_indexes_and_no_sequential_scan(large: PhotoEnvironment) -> None:
    parameters = images.search_parameters("new", PICTURE, 0, MATCH_DISTANCE)
    with large.database.transaction() as cursor:
        cursor.execute("EXPLAIN ANALYZE " + images._SQL["candidates"], parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    for band in range(1, 5):
        assert f"claim_image_by_band_{band}" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_the_photos_of_one_event_are_found_by_an_index(large: PhotoEnvironment) -> None:
    plan = "\n".join(
        line
        for (line,) in large.rows("EXPLAIN SELECT * FROM current_claim_image WHERE event_id = 'event-77'")
    )
    assert "claim_image_by_event" in plan
    assert "Seq Scan on claim_image" not in plan, plan


def test_different_pictures_with_equal_hashes_do_not_match(photos: PhotoEnvironment) -> None:
    for number in range(4):
        photos.store(f"images/{number}/estimate.jpg", picture(signed(PICTURE), shows=number))
    assert photos.matches() == []
    assert photos.store("images/fraud/estimate.jpg", picture(signed(PICTURE), shows=2)).matches == 1
    assert photos.rows("SELECT event_id, other_event_id, differing_blocks FROM image_match") == [
        ("fraud", "2", 0)
    ]


def test_thousands_of_documents_with_one_hash_do_not_hide_the_copy_of_one(photos: PhotoEnvironment) -> None:
    rng = random.Random(8)
    forms = [rng.getrandbits(1024) for _ in range(2)]
    for number, form in enumerate(forms):
        photos.store(f"images/{number}/1.jpg", picture(7, gradients=form, shows=number))
    photos.rows(
        """
        INSERT INTO claim_image (event_id, bucket, key, version_id, sha256, phash, gradients, format, width,
                                 height, frames, size_bytes, display, thumbnail, received_at)
        SELECT 'other-' || n, 'landing', 'images/other-' || n || '/1', '1', repeat('0', 64), 7,
               overlay(%s::bit(1024) PLACING (n * 2654435761 %% 1048576)::bit(20) FROM 1),
               'JPEG', 1, 1, 1, 1, 'd', convert_to('{"shows": ' || n + 9 || '}', 'utf8'), now()
        FROM generate_series(1, 3000) AS n
        """,
        f"{forms[0] ^ 0b11111:01024b}",
    )
    copy = picture(7, gradients=forms[0] ^ 0b101, shows=0)
    assert photos.store("images/fraud/1.jpg", copy).matches == 1
    assert photos.matches() == [("fraud", "0", 0)]
    assert sum(photos.decoder.compared) <= images.MOST_CANDIDATES + 1


def test_photos_that_were_stored_without_gradients_are_still_matched(photos: PhotoEnvironment) -> None:
    for number in range(3):
        photos.store(f"images/old-{number}/1.jpg", picture(7, shows=number))
    photos.rows("UPDATE claim_image SET gradients = NULL")
    photos.store("images/new/1.jpg", picture(7, gradients=5, shows="new"))
    assert photos.store("images/fraud/1.jpg", picture(5, gradients=1, shows=1)).matches == 1
    assert photos.matches() == [("fraud", "old-1", 1)]


def test_a_picture_that_cannot_be_compared_does_not_match(photos: PhotoEnvironment) -> None:
    photos.store("images/A/1.jpg", picture(7))
    photos.decoder.compare = lambda _, others: [None for _ in others]  # type: ignore[assignment, method-assign]
    assert photos.store("images/B/1.jpg", picture(7)).matches == 0


def test_each_pair_of_pictures_is_compared_once(photos: PhotoEnvironment) -> None:
    for number in range(4):
        photos.store(f"images/{number}/1.jpg", picture(7))
    assert photos.decoder.compared == [1, 2, 3]


def test_a_photo_that_cannot_be_compared_now_is_received_again(photos: PhotoEnvironment) -> None:
    photos.store("images/A/1.jpg", picture(7))
    created = photos.drop("images/B/1.jpg", picture(7))

    def broken(_thumbnail: bytes, _others: object) -> list[int | None]:
        raise TransientFault("the decoder ended before it had compared all photos")

    working, photos.decoder.compare = photos.decoder.compare, broken  # type: ignore[assignment, method-assign]
    with pytest.raises(TransientFault):
        photos.receive(created)
    photos.decoder.compare = working  # type: ignore[method-assign]
    assert photos.receive(created).matches == 1


def test_the_matches_do_not_depend_on_the_order_of_arrival(photos: PhotoEnvironment) -> None:
    rng = random.Random(12)
    sent = [
        (f"{event}", picture(flipped(PICTURE, *rng.sample(range(64), rng.randrange(9))), shows=event % 3))
        for event in range(9)
    ]
    found = []
    for turn in range(3):
        photos.rows("TRUNCATE claim_image, image_match")
        for event, data in rng.sample(sent, len(sent)):
            photos.store(f"images/{event}/{turn}.jpg", data)
        found.append({(*sorted(pair), bits) for *pair, bits in photos.matches()})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 3
