"""Photos as a broken transfer leaves them."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.unit.photos.pictures import encoded, exif, picture, position

FORMATS = [
    "JPEG",
    "PNG",
    "WEBP",
    "TIFF",
    "GIF",
    "BMP",
    "AVIF",
    "HEIF",
    "MPO",
    "progressive JPEG",
    "packed TIFF",
]


@cache
def undamaged(form: str) -> bytes:
    """Return a small undamaged photo with all the metadata that its format can hold."""
    metadata = exif(6, "2026:03:01 14:05:09", "+02:00", position((46, 56, 52.8), "N", (7, 26, 51), "E"))
    image = picture(48, 32)
    match form:
        case "MPO":
            return encoded(image, form, save_all=True, append_images=[picture(48, 32, seed=2)], exif=metadata)
        case "progressive JPEG":
            return encoded(image, "JPEG", progressive=True, exif=metadata)
        case "packed TIFF":
            return encoded(image, "TIFF", compression="tiff_lzw", exif=exif(6))
        case "GIF":
            return encoded(image, form, save_all=True, append_images=[picture(48, 32, seed=2)])
        case "BMP":
            return encoded(image, form)
        case _:
            return encoded(image, form, exif=metadata)


@st.composite
def damaged(draw: st.DrawFn, forms: SearchStrategy[str]) -> tuple[str, bytes]:
    """Draw a format and a damaged photo: cut off, with changed bytes, or with missing bytes, anywhere."""
    form = draw(forms)
    data = bytearray(undamaged(form))
    offsets = st.integers(0, len(data) - 1)
    match draw(st.sampled_from(["cut", "flipped", "header", "missing"])):
        case "cut":
            del data[draw(offsets) :]
        case "flipped":
            for offset in draw(st.lists(offsets, min_size=1, max_size=12)):
                data[offset] ^= draw(st.integers(1, 255))
        case "header":
            for offset in draw(st.lists(st.integers(0, min(299, len(data) - 1)), min_size=1, max_size=4)):
                data[offset] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
        case "missing":
            start = draw(offsets)
            del data[start : start + draw(st.integers(1, 40))]
    return form, bytes(data)
