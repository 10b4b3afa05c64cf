"""The indexed search for similar photos compared with a sequential scan, by size of the table."""

import io
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from benchmarks.database import Bench, bench
from benchmarks.results import median
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.storage import images

ROWS = (10_000, 100_000, 1_000_000)
SEED = 3
_INDEXED, _SCANNED = 20, 5
"""Number of searches of each kind; the median is reported."""

_FILL = """
INSERT INTO claimwatch.claim_image (event_id, bucket, key, version_id, sha256, phash, gradients, format,
                                    width, height, frames, size_bytes, display, thumbnail, received_at)
SELECT 'event-' || n / 3, 'bench', 'images/event-' || n / 3 || '/' || n, '1', repeat('0', 64), phash,
       repeat('01', 512)::bit(1024), 'JPEG', 4000, 3000, 1, 3000000, '', '', now()
FROM filled
"""
_SCAN = """
SELECT image_id, bit_count((phash # %(phash)s)::bit(64)) FROM claimwatch.claim_image
WHERE bit_count((phash # %(phash)s)::bit(64)) <= %(most)s
"""


def measure(
    folder: Path, of_photos: Sequence[int], say: Callable[[str], None], sizes: Sequence[int] = ROWS
) -> dict[str, Any]:
    """Return the median milliseconds of a search at each size of the table.

    Each bit of the random hashes is set as often as in the hashes ``of_photos``.
    """
    rng = np.random.default_rng(SEED)
    ones = _bits(np.array(of_photos, np.int64)).mean(axis=0)
    found: dict[str, Any] = {}
    filled = 0
    with bench(folder) as postgres:
        for rows in sizes:
            begun = time.perf_counter()
            _fill(postgres, filled, _hashes(rng, ones, rows - filled))
            filled = rows
            say(f"search    {rows:>10,} rows  filled in {time.perf_counter() - begun:.0f} s")
            found[str(rows)] = _timed(postgres, rng, rows)
            say(
                f"search    {rows:>10,} rows  indexed {found[str(rows)]['indexed_ms']} ms,"
                f" scan {found[str(rows)]['scan_ms']} ms"
            )
        return {"most_ones": round(float(ones.max()), 2), "server": postgres.version(), "rows": found}


def _bits(hashes: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.unpackbits(hashes.astype(">i8").view(np.uint8).reshape(-1, 8), axis=1)


def _hashes(rng: Generator, ones: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Draw random hashes with the given share of ones for each bit."""
    drawn = [
        np.packbits(rng.random((min(50_000, count - first), 64), np.float32) < ones, axis=1)
        for first in range(0, count, 50_000)
    ]
    return np.concatenate(drawn).view(">i8").astype(np.int64).ravel()


def _fill(postgres: Bench, first: int, hashes: NDArray[np.int64]) -> None:
    lines = "".join(f"{first + n}\t{value}\n" for n, value in enumerate(hashes.tolist()))
    with postgres.connected() as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE filled (n bigint, phash bigint)")
            cursor.copy_expert("COPY filled FROM STDIN", io.StringIO(lines))
            cursor.execute(_FILL)
        connection.commit()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) claimwatch.claim_image")  # as autovacuum would later


def _timed(postgres: Bench, rng: Generator, rows: int) -> dict[str, Any]:
    """Time searches for copies of photos in the table; each search must find the original."""
    indexed, scanned = [], []
    with postgres.connected() as connection, connection.cursor() as cursor:
        for attempt in range(_INDEXED + 1):
            phash, original = _near_duplicate(cursor, rng, rows)
            image_id = _inserted(cursor, phash, attempt)
            begun = time.perf_counter()
            images.search_alone(cursor)
            found = images.candidates(cursor, "the new event", phash, 0, MATCH_DISTANCE)
            images.thumbnails(cursor, [candidate.image_id for candidate in found])
            matches = images.add_matches(
                cursor, image_id, "the new event", [(candidate, 0) for candidate in found]
            )
            seconds = time.perf_counter() - begun
            cursor.execute(
                "SELECT count(*) FROM claimwatch.image_match WHERE %s IN (image_id, other_image_id)",
                [original],
            )
            row = cursor.fetchone()
            if row != (1,):
                raise RuntimeError(f"{row} of {matches} matches are the copied photo")
            if attempt:  # the first search includes planning
                indexed.append(seconds)
            connection.rollback()
        for _ in range(_SCANNED + 1):
            phash, original = _near_duplicate(cursor, rng, rows)
            begun = time.perf_counter()
            cursor.execute(_SCAN, {"phash": phash, "most": MATCH_DISTANCE})
            seconds = time.perf_counter() - begun
            if original not in [row[0] for row in cursor.fetchall()]:
                raise RuntimeError("the scan does not find the copied photo")
            scanned.append(seconds)
            connection.rollback()
    scanned = scanned[1:]
    return {
        "indexed_ms": round(1000 * median(indexed), 2),
        "scan_ms": round(1000 * median(scanned), 2),
        "indexed_runs_ms": [round(1000 * seconds, 2) for seconds in indexed],
        "scan_runs_ms": [round(1000 * seconds, 2) for seconds in scanned],
    }


def _near_duplicate(cursor: Cursor, rng: Generator, rows: int) -> tuple[int, int]:
    """Return a hash that differs in six bits from a stored one, and the number of that photo."""
    cursor.execute(
        "SELECT phash, image_id FROM claimwatch.claim_image WHERE image_id >= %s ORDER BY image_id LIMIT 1",
        [int(rng.integers(1, rows + 1))],
    )
    row = cursor.fetchone()
    assert row is not None
    changed = sum(1 << int(bit) for bit in rng.choice(64, 6, replace=False))
    phash = (row[0] & (1 << 64) - 1) ^ changed
    return phash - (1 << 64) if phash >> 63 else phash, row[1]


def _inserted(cursor: Cursor, phash: int, attempt: int) -> int:
    """Insert a photo with this hash and return its number."""
    version = images.Version(
        "the new event", "bench", "images/the new event/copy", str(attempt), "", datetime.now(UTC)
    )
    photo = images.PhotoRecord("0" * 64, 0, phash, 0, "JPEG", 4000, 3000, 1, None, None, None, b"", b"")
    return images.add(cursor, version, photo)
