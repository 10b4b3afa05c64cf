"""No number in a photo, and no error that a photo causes, ends in the dead-letter queue."""

import re
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from claimwatch.domain.photos.photo import MAX_FRAMES
from claimwatch.errors import TransientFault
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies, receive
from tests.integration.photos.environment import PhotoEnvironment, picture
from tests.unit.photos.pictures import animated_png

NOT_STORABLE: list[dict[str, Any]] = [
    {"frames": 2**31},
    {"frames": 0},
    {"width": 2**31},
    {"width": -1},
    {"height": 2**63},
    {"height": 10**40},
    {"phash": 2**63},
    {"phash": -(2**63) - 1},
    {"latitude": 90.1, "longitude": 0.0},
    {"latitude": 1.0, "longitude": None},
    {"latitude": float("nan"), "longitude": float("inf")},
    {"format": None},
    {"format": "JP\0EG"},
]
STORABLE: list[dict[str, Any]] = [
    {"frames": MAX_FRAMES, "width": 2**31 - 1, "height": 2**31 - 1, "phash": 2**63 - 1},
    {"phash": -(2**63)},
    {"latitude": -90.0, "longitude": 180.0},
    {"latitude": 5e-324, "longitude": -5e-324},
]


@pytest.mark.parametrize("frames", [2**31 - 2, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_png_that_declares_billions_of_frames_is_stored_or_refused(
    photos: PhotoEnvironment, frames: int
) -> None:
    created = photos.drop("images/E/a.png", animated_png(frames))
    with closing(Decoder()) as decoder:
        outcome = receive(Dependencies(photos.database, photos.objects, decoder), created)
    assert outcome.status == "stored"
    [(stored,)] = photos.rows("SELECT frames FROM claim_image")
    assert 0 < stored <= MAX_FRAMES


@pytest.mark.parametrize("properties", NOT_STORABLE, ids=str)
def test_a_number_that_cannot_be_stored_refuses_the_photo_with_a_sentence(
    photos: PhotoEnvironment, properties: dict[str, Any]
) -> None:
    created = photos.drop("images/E/a.jpg", picture(**properties))
    outcome = photos.receive(created)
    assert outcome.status == "refused"
    assert outcome.fault  # the function logs it as an error
    assert outcome.reason is not None
    assert outcome.reason.startswith("its data cannot be stored (")
    assert outcome.reason.endswith("); save the photo as a JPEG and send that")
    assert photos.refused() == [("E", outcome.reason)]
    assert photos.receive(created).status == "known"


@pytest.mark.parametrize("properties", STORABLE, ids=str)
def test_a_number_at_its_limit_is_stored(photos: PhotoEnvironment, properties: dict[str, Any]) -> None:
    photos.store("images/E/a.jpg", picture(**properties))


def test_a_date_at_its_limit_is_stored(photos: PhotoEnvironment) -> None:
    photos.decoder.taken_at = datetime(1, 1, 1, tzinfo=UTC)
    photos.store("images/E/a.jpg")
    assert photos.rows("SELECT taken_at FROM claim_image") == [(photos.decoder.taken_at,)]


@pytest.mark.parametrize("error", [ValueError("Jane Roe"), KeyError("Jane Roe"), RecursionError("Jane Roe")])
def test_an_error_that_the_decoder_does_not_announce_refuses_the_photo_without_its_message(
    photos: PhotoEnvironment, error: Exception
) -> None:
    photos.decoder.fault = error
    outcome = photos.receive(photos.drop("images/E/a.jpg"))
    assert outcome.status == "refused"
    assert outcome.fault is not None
    assert re.fullmatch(rf"{type(error).__name__} in receive\._decode, line \d+", outcome.fault)
    assert outcome.reason is not None
    assert outcome.reason.startswith(f"it breaks the reader of photos ({outcome.fault})")
    assert "Jane" not in outcome.reason
    assert photos.refused() == [("E", outcome.reason)]


def test_a_fault_of_the_machine_is_still_retried(photos: PhotoEnvironment) -> None:
    photos.decoder.fault = TransientFault("no process")
    created = photos.drop("images/E/a.jpg")
    with pytest.raises(TransientFault):
        photos.receive(created)
    assert photos.refused() == []
    assert photos.receive(created).status == "stored"
