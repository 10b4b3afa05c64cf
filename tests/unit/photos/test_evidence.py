"""What is odd about a photo is what its stored columns show, and nothing is odd about an ordinary photo."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest

from claimwatch.domain.photos.evidence import (
    LONG_BEFORE,
    SMALLEST_CAMERA,
    ClaimTimes,
    Evidence,
    PhotoFacts,
    evidence_of,
)

EVENT = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
RECEIVED = EVENT + timedelta(days=1)
CLAIM = ClaimTimes(EVENT, RECEIVED)
ORDINARY = PhotoFacts("JPEG", 4032, 3024, EVENT, EVENT.replace(tzinfo=None), has_place=True, matches=0)
SECOND = timedelta(seconds=1)


def local(moment: datetime) -> dict[str, Any]:
    """The time of a camera whose zone is unknown."""
    return {"taken_at": None, "taken_at_local": moment.replace(tzinfo=None)}


def test_nothing_is_odd_about_an_ordinary_photo() -> None:
    assert evidence_of(ORDINARY, CLAIM) == []


ODD: list[tuple[dict[str, Any], list[Evidence]]] = [
    ({"taken_at": None, "taken_at_local": None}, ["no_time"]),
    ({"has_place": False}, ["no_place"]),
    ({"taken_at": RECEIVED}, []),
    ({"taken_at": RECEIVED + SECOND}, ["taken_after_claim"]),
    ({"taken_at": EVENT - LONG_BEFORE}, []),
    ({"taken_at": EVENT - LONG_BEFORE - SECOND}, ["taken_long_before"]),
    ({"width": 1600, "height": 1200}, ["small"]),
    ({"width": SMALLEST_CAMERA, "height": 1}, []),
    ({"format": "PNG"}, ["no_camera_format"]),
    ({"format": "HEIF"}, []),
    ({"matches": 1}, ["used_elsewhere"]),
    # The clock of a camera without a zone may be 14 hours ahead of UTC, or 12 behind.
    (local(RECEIVED + timedelta(hours=14)), []),
    (local(RECEIVED + timedelta(hours=14) + SECOND), ["taken_after_claim"]),
    (local(EVENT - LONG_BEFORE - timedelta(hours=12)), []),
    (local(EVENT - LONG_BEFORE - timedelta(hours=12) - SECOND), ["taken_long_before"]),
]


@pytest.mark.parametrize(("changed", "expected"), ODD)
def test_what_is_odd_has_a_code(changed: dict[str, Any], expected: list[Evidence]) -> None:
    assert evidence_of(replace(ORDINARY, **changed), CLAIM) == expected


def test_every_code_is_tested() -> None:
    assert {code for _, codes in ODD for code in codes} == set(get_args(Evidence.__value__))


def test_a_zone_is_a_zone() -> None:
    taken = (RECEIVED + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-8)))
    assert evidence_of(replace(ORDINARY, taken_at=taken), CLAIM) == ["taken_after_claim"]


def test_times_of_the_claim_that_are_not_known_prove_nothing() -> None:
    early = replace(ORDINARY, taken_at=datetime(1990, 1, 1, tzinfo=UTC))
    late = replace(ORDINARY, taken_at=datetime(2090, 1, 1, tzinfo=UTC))
    assert evidence_of(early, ClaimTimes(None, None)) == evidence_of(late, ClaimTimes(None, None)) == []
