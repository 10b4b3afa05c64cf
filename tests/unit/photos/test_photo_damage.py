"""A photo with any damage is either stored or refused with a reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.errors import RefusedPhoto
from tests.unit.photos.damage import FORMATS, damaged, undamaged
from tests.unit.photos.pictures import encoded, opened, picture


def _stored_or_refused(data: bytes) -> Photo | None:
    try:
        photo = examine(data)
    except RefusedPhoto as refused:
        reason = str(refused)
        assert "; s" in reason  # the advice: "; send …" or "; save …"
        assert "\n" not in reason
        assert len(reason) < 200
        return None
    assert photo.width > 0 < photo.height
    for copy, longest in ((photo.display, 1024), (photo.thumbnail, 256)):
        shown = opened(copy)
        shown.load()
        assert 1 <= max(shown.size) <= longest
    return photo


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_cut_off_at_any_byte_is_stored_or_refused(form: str) -> None:
    data = undamaged(form)
    step = max(1, len(data) // 400)
    for length in {*range(0, len(data), step), *range(60), *range(len(data) - 40, len(data))}:
        _stored_or_refused(data[:length])


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=150)
@given(data=st.data())
def test_a_photo_with_bytes_changed_anywhere_is_stored_or_refused(form: str, data: st.DataObject) -> None:
    _, damage = data.draw(damaged(st.just(form)))
    _stored_or_refused(damage)


@given(
    st.sampled_from(
        [
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"BM",
            b"II*\0",
            b"MM\0+",
            b"RIFF\0\0\0\0WEBP",
            b"\0\0\0\x18ftypavif",
            b"\0\0\0\x18ftypheic",
            b"",
        ]
    ),
    st.binary(max_size=400),
)
def test_random_bytes_after_a_photo_signature_are_stored_or_refused(beginning: bytes, rest: bytes) -> None:
    _stored_or_refused(beginning + rest)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"])
def test_half_a_photo_is_refused(form: str) -> None:
    data = encoded(picture(400, 300), form)
    with pytest.raises(RefusedPhoto, match="; s"):
        examine(data[: len(data) // 2])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF"])
def test_half_a_photo_is_reported_as_cut_off(form: str) -> None:
    data = encoded(picture(400, 300), form)
    with pytest.raises(
        RefusedPhoto, match=f"the {form} ends before its picture is complete; send the whole file"
    ):
        examine(data[: len(data) // 2])


def test_garbage_after_a_photo_is_ignored() -> None:
    for form in ("JPEG", "PNG", "GIF", "BMP"):
        data = encoded(picture(), form)
        assert examine(data + b"\0garbage" * 50) == examine(data)
