"""Display copies of every format and pixel mode look like the original."""

import struct
import zlib
from statistics import mean

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from claimwatch.domain.photos.display import DISPLAY, THUMBNAIL
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance
from claimwatch.domain.photos.photo import examine
from claimwatch.errors import RefusedPhoto
from tests.unit.photos.pictures import CORNERS, corners, encoded, gray_at, opened, picture

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_of_each_format_is_detected_and_copied(form: str) -> None:
    photo = examine(encoded(picture(480, 320), form))
    assert (photo.format, photo.width, photo.height, photo.frames) == (form, 480, 320, 1)
    assert corners(opened(photo.display)) == CORNERS
    assert opened(photo.display).size == (480, 320)
    assert opened(photo.thumbnail).size == (256, 171)
    assert corners(opened(photo.thumbnail)) == CORNERS


@pytest.mark.parametrize("form", FORMATS)
def test_both_copies_are_limited_by_their_longest_side(form: str) -> None:
    for size, display, thumbnail in (
        ((1201, 601), (1024, 512), (256, 128)),
        ((350, 1051), (341, 1024), (85, 256)),
        ((3, 2), (3, 2), (3, 2)),
    ):
        photo = examine(encoded(picture(*size), form))
        assert (photo.width, photo.height) == size
        assert opened(photo.display).size == display
        assert opened(photo.thumbnail).size == thumbnail
    assert (DISPLAY, THUMBNAIL) == (1024, 256)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bytes_give_the_same_photo(form: str) -> None:
    data = encoded(picture(1100, 760), form)
    assert examine(data) == examine(data)


@pytest.mark.parametrize("size", [(8200, 620), (4100, 310), (2049, 1537), (1023, 1025), (1100, 205)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_shrunk_by_its_decoder_looks_like_one_shrunk_after_decoding(
    size: tuple[int, int], subsampling: int
) -> None:
    data = encoded(picture(*size), "JPEG", quality=92, subsampling=subsampling)
    shown = opened(examine(data).display).convert("RGB")
    plain = opened(data).convert("RGB").resize(shown.size, Image.Resampling.LANCZOS)
    assert _difference(shown, plain) < 4


@pytest.mark.parametrize("size", [(4_000_000, 1), (1, 1_000_000), (900_000, 3)])
def test_an_extremely_long_picture_is_shrunk_in_steps(size: tuple[int, int]) -> None:
    half = Image.new("L", size, 250)
    half.paste(0, (0, 0, max(1, size[0] // 2), max(1, size[1] // 2)))
    photo = examine(encoded(half, "PNG"))
    assert (photo.width, photo.height) == size
    shown = opened(photo.display)
    assert max(shown.size) == 1024
    assert min(shown.size) == 1
    assert max(shown.convert("L").tobytes()[-100:]) > 240


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of the channels."""
    return mean(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def test_a_multi_picture_jpeg_is_stored_as_its_first_picture() -> None:
    data = encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=2), picture(seed=3)])
    photo = examine(data)
    assert (photo.format, photo.frames, photo.width) == ("JPEG", 3, 96)
    assert photo.phash == examine(encoded(picture(), "JPEG")).phash


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_the_copies_of_an_animation_show_its_first_frame_and_its_frames_are_counted(form: str) -> None:
    still = examine(encoded(picture(), form))
    moving = examine(
        encoded(picture(), form, save_all=True, append_images=[picture(seed=number) for number in (2, 3)])
    )
    assert moving.frames == 3
    assert corners(opened(moving.display)) == CORNERS
    assert moving.phash is not None
    assert still.phash is not None
    assert distance(moving.phash, still.phash) <= MATCH_DISTANCE
    assert _difference(opened(moving.display), opened(still.display)) < 8


def test_cmyk_colours_are_converted() -> None:
    for form in ("JPEG", "TIFF"):
        photo = examine(encoded(picture(1200, 800).convert("CMYK"), form))
        assert corners(opened(photo.display)) == CORNERS


def test_a_jpeg_of_rgb_planes_keeps_its_colours() -> None:
    data = encoded(picture(2400, 1600), "JPEG", keep_rgb=True)
    assert corners(opened(examine(data).display)) == CORNERS
    # The same with the usual plane numbers: then only Adobe's marker states that they are RGB.
    start, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    renamed = bytearray(data)
    for plane in range(3):
        renamed[start + 10 + 3 * plane] = renamed[scan + 5 + 2 * plane] = plane + 1
    mark = b"\xff\xee\0\x0eAdobe\0\x64" + bytes(5)
    marked = data[:2] + mark + bytes(renamed[2:])
    assert opened(marked).info["adobe_transform"] == 0
    assert corners(opened(examine(marked).display)) == CORNERS


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA", "1", "L", "LA"])
def test_every_png_mode_is_converted(mode: str) -> None:
    image = picture(1400, 933)
    image.putalpha(255)
    photo = examine(encoded(image.convert("RGB").convert(mode), "PNG"))
    shown = opened(photo.display)
    assert shown.size == (1024, 682)
    if mode in {"P", "RGB", "RGBA"}:
        assert corners(shown) == CORNERS
    else:
        assert shown.mode == "L" or mode == "LA"
        assert gray_at(shown, 1000, 670) > 240
        assert gray_at(shown, 20, 650) < 120


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("width", [90, 3000])
def test_transparent_pixels_become_white(mode: str, width: int) -> None:
    image = Image.new("RGBA", (width, 60), (10, 20, 30, 0))
    image.paste((10, 20, 30, 255), (0, 0, width // 2, 60))
    photo = examine(encoded(image.convert(mode), "PNG"))
    shown = opened(photo.display)
    assert gray_at(shown, shown.width - 2, shown.height // 2) > 250
    assert gray_at(shown, 2, shown.height // 2) < 40


def test_a_colour_marked_as_transparent_becomes_white() -> None:
    image = Image.new("RGB", (60, 40), (10, 20, 30))
    image.paste((200, 0, 0), (0, 0, 30, 40))
    shown = opened(examine(encoded(image, "PNG", transparency=(10, 20, 30))).display)
    assert gray_at(shown, 58, 20) > 250


def _ramp(mode: str, values: list[float], width: int = 8) -> Image.Image:
    image = Image.new(mode, (width * len(values), 16))
    for step, value in enumerate(values):
        image.paste(value, (step * width, 0, (step + 1) * width, 16))
    return image


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        ("I;16", [0, 16448, 32896, 65535]),
        ("I", [0, 16448, 32896, 65535]),
        ("I", [0, 64, 128, 255]),
        ("I", [-2_000_000, -998_039, 7_843, 2_000_000]),
        ("F", [0.0, 0.25098, 0.50196, 1.0]),
        ("F", [0.0, 64.0, 128.0, 255.0]),
        ("F", [-5.0, 1.2745, 7.549, 20.0]),
    ],
)
def test_more_than_eight_bits_are_scaled_and_not_clipped(mode: str, values: list[float]) -> None:
    shown = opened(examine(encoded(_ramp(mode, values), "TIFF")).display)
    grays = [gray_at(shown, 4 + 8 * step, 8) for step in range(4)]
    assert grays == pytest.approx([0, 64, 128, 255], abs=2)


def test_compressed_and_big_tiffs_of_sixteen_bits_are_scaled() -> None:
    ramp = _ramp("I;16", [0, 16448, 32896, 65535], width=600)
    for options in ({"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"big_tiff": True}):
        shown = opened(examine(encoded(ramp, "TIFF", **options)).display)
        grays = [gray_at(shown, 128 + 256 * step, 3) for step in range(4)]
        assert grays == pytest.approx([0, 64, 128, 255], abs=2)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def test_a_png_of_sixteen_bits_per_channel_is_scaled() -> None:
    row = b"\0" + struct.pack(">3H", 65535, 32896, 0) * 4
    data = _png(4, 4, _chunk(b"IDAT", zlib.compress(row * 4)), depth=16, colour=2)
    pixel = opened(examine(data).display).convert("RGB").getpixel((1, 1))
    assert pixel == pytest.approx((255, 128, 0), abs=8)


def test_pixels_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(RefusedPhoto, match="not a number"):
        examine(encoded(_ramp("F", [0.0, float("inf")]), "TIFF"))


# -- Colour profiles -----------------------------------------------------------------------------------------


def _linear_profile() -> bytes:
    """Return a profile with sRGB's primaries and linear brightness, whose effect on a picture is visible."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    curve = profile.find(b"para")
    while curve >= 0:
        profile = profile[: curve + 8] + b"\0\0\0\0" + struct.pack(">i", 65536) + profile[curve + 16 :]
        curve = profile.find(b"para", curve + 4)
    return profile.replace("sRGB".encode("utf-16-be"), "lin.".encode("utf-16-be")).replace(b"sRGB", b"lin.")


def test_a_colour_profile_is_applied_and_removed() -> None:
    image = Image.new("RGB", (1300, 900), (60, 60, 60))
    photo = examine(encoded(image, "JPEG", icc_profile=_linear_profile()))
    shown = opened(photo.display)
    assert gray_at(shown, 500, 300) == pytest.approx(133, abs=3)
    assert "icc_profile" not in shown.info


@pytest.mark.parametrize("profile", [b"x" * 300, _linear_profile()[:200], b"acsp"])
def test_an_unusable_colour_profile_is_ignored(profile: bytes) -> None:
    photo = examine(encoded(Image.new("RGB", (30, 20), (60, 60, 60)), "JPEG", icc_profile=profile))
    assert gray_at(opened(photo.display), 9, 9) == pytest.approx(60, abs=1)


def test_a_profile_for_another_colour_model_is_ignored() -> None:
    photo = examine(encoded(picture().convert("CMYK"), "JPEG", icc_profile=_linear_profile()))
    assert corners(opened(photo.display)) == CORNERS


# -- Refusals -----------------------------------------------------------------------------------------------


def test_a_photo_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    headers = {
        "PNG": _png(50_000, 50_000, _chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9))),
        "BMP": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "GIF": b"GIF89a"
        + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
        + b",\0\0\0\0\x60\xea\x60\xea\0\x02\0;",
        "WEBP": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0",
    }
    jpeg = bytearray(encoded(picture(), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 65_000, 65_000)
    for data in (*headers.values(), bytes(jpeg)):
        with pytest.raises(RefusedPhoto, match="more than 100 megapixels; send a smaller copy"):
            examine(data)


def test_decompression_of_texts_inside_a_photo_is_limited() -> None:
    bomb = zlib.compress(bytes(50 << 20), 9)
    for name, content in ((b"zTXt", b"k\0\0" + bomb), (b"iTXt", b"k\0\1\0\0\0" + bomb)):
        data = _png(1, 1, _chunk(name, content), _chunk(b"IDAT", zlib.compress(b"\0\0")))
        with pytest.raises(RefusedPhoto, match="is too large when unpacked"):
            examine(data)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(RefusedPhoto, match="the file is empty; send it again"):
        examine(b"")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7 and so on", "is a PDF; send the photo as JPEG"),
        (b"\x01\x02\x03\x04", "is not a photo"),
    ],
)
def test_the_refusal_of_another_file_type_names_it(data: bytes, what: str) -> None:
    with pytest.raises(RefusedPhoto, match=what):
        examine(data)


def test_a_raw_file_is_refused_although_it_contains_a_preview() -> None:
    for tags in ({254: 1}, {50706: b"\1\4\0\0"}):
        with pytest.raises(RefusedPhoto, match="raw data; send the photo as JPEG"):
            examine(encoded(picture(), "TIFF", tiffinfo=tags))
