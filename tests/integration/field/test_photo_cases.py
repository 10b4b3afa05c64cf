"""Photos of the kinds that people reported as bugs of other tools, through the decoder of the function."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from claimwatch.domain.photos.photo import Photo
from claimwatch.errors import RefusedPhoto
from claimwatch.photos.decoder import Decoder
from tests.testdata import FIELD, NO_FIELD, field_cases
from tests.unit.photos.pictures import opened

pytestmark = pytest.mark.skipif(FIELD is None, reason=NO_FIELD)
FILES = [
    pytest.param(expected, id=f"{case['id']}-{Path(expected['file']).name}")
    for case in field_cases("photos")
    for expected in case["expected"]["files"]
]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with closing(Decoder()) as running:
        yield running


def _content(name: str) -> bytes:
    assert FIELD is not None
    return (FIELD / "files" / name).read_bytes()


@pytest.mark.parametrize("expected", FILES)
def test_a_photo_is_shown_as_it_is_meant_or_refused_with_the_reason(
    decoder: Decoder, expected: dict[str, Any]
) -> None:
    outcome: Photo | str
    try:
        outcome = decoder.examine(_content(expected["file"]))
    except RefusedPhoto as refused:
        outcome = str(refused)
    accepted = [_differences(decoder, outcome, one) for one in expected.get("any_of", [expected])]
    assert [] in accepted, accepted


def _differences(decoder: Decoder, outcome: Photo | str, expected: dict[str, Any]) -> list[str]:
    if isinstance(outcome, str):
        reason = expected.get("reason_matches")
        refused = expected["outcome"] == "refused" and (reason is None or re.search(reason, outcome))
        return [] if refused else [f"refused: {outcome}"]
    if expected["outcome"] != "stored":
        return ["stored"]
    shown = opened(outcome.display).convert("RGB")
    found = [
        f"{name}: {getattr(outcome, name)}"
        for name in ("format", "width", "height", "frames")
        if getattr(outcome, name) != expected.get(name, getattr(outcome, name))
    ]
    for place, colour in expected.get("px", {}).items():
        pixel = _pixel(shown, place)
        if max(abs(one - other) for one, other in zip(pixel, colour, strict=True)) > expected.get(
            "tolerance", 12
        ):
            found.append(f"{place}: {pixel}")
    if "like" in expected:
        twin = opened(decoder.examine(_content(expected["like"])).display).convert("RGB")
        difference = sum(ImageStat.Stat(ImageChops.difference(shown, twin)).mean) / 3
        if difference > expected["mean_difference"]:
            found.append(f"mean difference: {difference}")
    return found


def _pixel(image: Image.Image, place: str) -> tuple[int, ...]:
    """Return the colour an eighth of the size away from a corner, or in the centre."""
    across = {"l": 1, "r": 7}.get(place[-1], 4)
    down = {"t": 1, "b": 7}.get(place[0], 4)
    pixel = image.getpixel((image.width * across // 8, image.height * down // 8))
    assert isinstance(pixel, tuple)
    return tuple(map(int, pixel))
