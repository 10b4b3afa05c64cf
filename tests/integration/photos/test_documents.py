"""Documents on one letterhead are no re-use of a photo; a copy of a document is."""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import numpy as np
import pytest

from benchmarks.images_matching import EDITS
from claimwatch.errors import TransientFault
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies, receive
from samples.documents import KINDS, Letterhead, document, scanned
from samples.photos import encoded
from tests.integration.photos.environment import PhotoEnvironment
from tests.testdata import FIELD, NO_FIELD


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with closing(Decoder()) as running:
        yield running


def send(photos: PhotoEnvironment, decoder: Decoder, event: str, data: bytes) -> int:
    """Drop a document under a claim and return the number of its matches."""
    created = photos.drop(f"images/{event}/estimate.jpg", data)
    outcome = receive(Dependencies(photos.database.as_task("photos"), photos.objects, decoder), created)
    assert outcome.status == "stored"
    return outcome.matches


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_different_documents_on_one_letterhead_do_not_match(
    photos: PhotoEnvironment, decoder: Decoder, kind: int
) -> None:
    letterhead = Letterhead(3, kind)
    for number in range(4):
        data = encoded(document(letterhead, number), quality=85)
        assert send(photos, decoder, f"claim-{number}", data) == 0
    assert photos.matches() == []


def test_a_document_that_is_used_again_is_found_among_others(
    photos: PhotoEnvironment, decoder: Decoder
) -> None:
    letterhead, rng = Letterhead(3, 0), np.random.default_rng(1)
    for number in range(6):
        send(photos, decoder, f"claim-{number}", encoded(document(letterhead, number), quality=85))
    used_again = document(letterhead, 2)
    for name, copy in {
        **{name: EDITS[name](used_again, rng) for name in ("recompressed", "resized", "brightness", "grey")},
        "scanned": encoded(scanned(used_again, Random(2)), quality=70),
    }.items():
        send(photos, decoder, name, copy)
        assert (name, "claim-2") in {(event, other) for event, other, _ in photos.matches()}, name
    assert {other for _, other, _ in photos.matches() if other.startswith("claim")} == {"claim-2"}


def test_the_comparison_survives_the_death_of_the_decoder(photos: PhotoEnvironment, decoder: Decoder) -> None:
    thumbnail = decoder.examine(encoded(document(Letterhead(3, 1), 1))).thumbnail
    decoder.start().kill()
    assert decoder.compare(thumbnail, [thumbnail, b"no picture", thumbnail]) == [0, None, 0]
    assert decoder.compare(thumbnail, []) == []


def test_a_comparison_that_takes_too_long_is_a_transient_fault() -> None:
    with closing(Decoder()) as patient:
        thumbnail = patient.examine(encoded(document(Letterhead(3, 1), 1))).thumbnail
    with closing(Decoder(seconds=0.05)) as hasty, pytest.raises(TransientFault, match="compared"):
        hasty.compare(thumbnail, [thumbnail] * 25)


@pytest.mark.skipif(FIELD is None, reason=NO_FIELD)
def test_four_estimates_on_one_letterhead_do_not_match(photos: PhotoEnvironment, decoder: Decoder) -> None:
    assert FIELD is not None
    for number in range(1, 5):
        data = (FIELD / "files" / "p04" / f"estimate_{number}.jpg").read_bytes()
        assert send(photos, decoder, f"claim-{number}", data) == 0
    assert photos.matches() == []
