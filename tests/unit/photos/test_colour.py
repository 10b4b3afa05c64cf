"""The display copy is in sRGB, whatever colours the photo is encoded in."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from claimwatch.domain.photos import colour
from claimwatch.domain.photos.photo import examine
from tests.unit.photos.pictures import CORNERS, corners, encoded, gray_at, opened, picture, png_chunks, png_of

P3, REC_2020, REC_709 = 12, 9, 1
SRGB, LINEAR, PQ, HLG = 13, 8, 16, 18
PATCHES = ((128, 128, 128), (40, 40, 40), (200, 60, 50), (60, 160, 80), (70, 90, 180), (235, 235, 235))


def _patches() -> Image.Image:
    image = Image.new("RGB", (60 * len(PATCHES), 60))
    for place, patch in enumerate(PATCHES):
        image.paste(patch, (60 * place, 0, 60 * (place + 1), 60))
    return image


def _shown(data: bytes) -> list[tuple[int, ...]]:
    image = opened(examine(data).display).convert("RGB")
    pixels = [image.getpixel((60 * place + 30, 30)) for place in range(len(PATCHES))]
    return [tuple(map(int, pixel)) for pixel in pixels if isinstance(pixel, tuple)]


def _is_close(data: bytes, most: int, patches: tuple[tuple[int, ...], ...] = PATCHES) -> bool:
    shown = _shown(data)
    return all(
        abs(a - b) <= most
        for one, other in zip(shown, patches, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def _profile(primaries: int, transfer: int) -> bytes:
    profile = colour.profile_of_codes(primaries, transfer)
    assert profile is not None
    return profile


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _in(profile: bytes) -> Image.Image:
    """Return the patches as a camera encodes them in that profile."""
    converted = ImageCms.profileToProfile(
        _patches(), ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(BytesIO(profile))
    )
    assert converted is not None
    converted.info = {}  # or PNG would be written with the profile
    return converted


def _png(image: Image.Image, *chunks: tuple[bytes, bytes]) -> bytes:
    head, *rest = png_chunks(encoded(image, "PNG"))
    return png_of([head, *chunks, *rest])


def _cicp(primaries: int, transfer: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, transfer, 0, 1])


GAMMAS = {"linear": (REC_709, LINEAR), "P3": (P3, SRGB), "Rec. 2020": (REC_2020, SRGB)}


@pytest.mark.parametrize("codes", GAMMAS.values(), ids=GAMMAS)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_a_profile_of_other_colours_is_applied(form: str, codes: tuple[int, int]) -> None:
    profile = _profile(*codes)
    options: dict[str, Any] = {
        "JPEG": {"quality": 95},
        "WEBP": {"quality": 95},
        "AVIF": {"quality": 95},
        "HEIF": {"quality": 95},
    }
    data = encoded(_in(profile), form, icc_profile=profile, **options.get(form, {}))
    assert _is_close(data, 14)


@pytest.mark.parametrize("codes", GAMMAS.values(), ids=GAMMAS)
def test_code_points_of_other_colours_are_applied(codes: tuple[int, int]) -> None:
    image = _in(_profile(*codes))
    assert _is_close(_png(image, _cicp(*codes)), 8)
    assert not _is_close(encoded(image, "PNG"), 8)


def test_the_code_points_of_a_png_are_preferred_to_its_profile() -> None:
    profile = _profile(REC_709, LINEAR)
    compressed = (b"iCCP", b"x\0\0" + zlib.compress(profile))
    assert _is_close(_png(_in(_profile(P3, SRGB)), _cicp(P3, SRGB), compressed), 8)


def test_the_code_points_of_a_heic_are_applied() -> None:
    image = _in(_profile(P3, SRGB))
    data = encoded(
        image,
        "HEIF",
        quality=95,
        color_primaries=P3,
        transfer_characteristics=SRGB,
        matrix_coefficients=6,
        full_range_flag=1,
    )
    assert _is_close(data, 14)


def test_the_code_points_of_an_avif_are_applied() -> None:
    image = _in(_profile(P3, SRGB))
    data = encoded(image, "AVIF", quality=95)
    codes = b"nclx" + struct.pack(">2H", REC_709, SRGB)
    assert data.count(codes) == 1
    assert _is_close(data.replace(codes, b"nclx" + struct.pack(">2H", P3, SRGB)), 14)
    assert not _is_close(data, 14)


def _encode_light(transfer: int) -> Callable[[float], float]:
    """Return the function from the code value of sRGB to that of PQ or HLG; white is as bright as paper."""
    curve = [value / 255 for value in range(256)]
    light = {PQ: colour._pq, HLG: colour._hlg}[transfer]
    table = [light(step / 4095) for step in range(4096)]

    def encode(value: float) -> float:
        linear = colour._srgb(value)
        return min(range(4096), key=lambda step: abs(table[step] - linear)) / 4095

    return lambda value: encode(curve[round(255 * value)])


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_picture_of_high_dynamic_range_looks_like_its_twin_in_srgb(transfer: int) -> None:
    encode = _encode_light(transfer)
    table = [round(255 * encode(value / 255)) for value in range(256)]
    image = _patches().point(table * 3)
    for data in (
        _png(image, _cicp(REC_709, transfer)),
        encoded(
            image,
            "HEIF",
            quality=95,
            color_primaries=REC_709,
            transfer_characteristics=transfer,
            matrix_coefficients=6,
            full_range_flag=1,
        ),
    ):
        assert _is_close(data, 16)
    assert not _is_close(encoded(image, "PNG"), 16)


def test_white_paper_stays_nearly_white_and_highlights_stay_apart() -> None:
    light = [colour._pq(colour_value) for colour_value in (0.58, 0.65, 0.70, 0.75)]
    assert light == sorted(set(light))
    assert light[0] > 0.85
    assert light[-1] == pytest.approx(1, abs=0.001)
    assert colour._hlg(0.75) == pytest.approx(light[0], abs=0.01)


@pytest.mark.parametrize(
    ("gamma", "power"), [(100_000, 1.0), (55_556, 1.8), (45_455, 2.2)], ids=["linear", "1.8", "2.2"]
)
def test_the_gamma_of_a_png_is_applied(gamma: int, power: float) -> None:
    table = [round(255 * colour._srgb(value / 255) ** (1 / power)) for value in range(256)]
    image = _patches().point(table * 3)
    data = _png(image, (b"gAMA", gamma.to_bytes(4)))
    assert _is_close(data, 12)


def test_the_chromaticities_of_a_png_are_applied() -> None:
    chromaticities = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    chunk = (b"cHRM", b"".join(round(100_000 * value).to_bytes(4) for value in chromaticities))
    profile = colour.profile_of_gamma(1 / 2.2, chromaticities)
    assert profile is not None
    image = _in(profile)
    assert _is_close(_png(image, (b"gAMA", (45_455).to_bytes(4)), chunk), 8)
    assert not _is_close(encoded(image, "PNG"), 8)


@pytest.mark.parametrize("gamma", [0, 1, 4_000_000])
def test_an_absurd_gamma_is_ignored(gamma: int) -> None:
    assert _is_close(_png(_patches(), (b"gAMA", gamma.to_bytes(4))), 8)


def test_a_png_that_states_srgb_is_not_converted() -> None:
    assert _is_close(_png(_patches(), (b"sRGB", b"\0"), (b"gAMA", (100_000).to_bytes(4))), 8)


def test_a_profile_is_srgb_by_its_colours_and_not_by_its_name() -> None:
    assert colour.is_srgb(_srgb())
    assert colour.is_srgb(colour._profile(colour._REC_709, colour._srgb))
    for codes in ((P3, SRGB), (REC_709, LINEAR), (REC_709, 4)):
        assert not colour.is_srgb(_profile(*codes))
    # Android's name of P3.
    named = _profile(P3, SRGB) + "Display P3 Gamut with sRGB Transfer".encode("utf-16-be") + b"sRGB"
    assert not colour.is_srgb(named)
    assert _is_close(encoded(_in(_profile(P3, SRGB)), "JPEG", quality=95, icc_profile=named), 14)
    for broken in (b"", b"sRGB", _srgb()[:200], b"\xff" * 400):
        assert not colour.is_srgb(broken)


def test_a_gray_picture_with_a_profile_of_colours_keeps_its_brightness() -> None:
    ramp = Image.new("L", (120, 60), 60)
    data = encoded(ramp, "PNG", icc_profile=_profile(REC_709, LINEAR))
    assert gray_at(opened(examine(data).display), 60, 30) == pytest.approx(133, abs=3)


def test_a_lab_picture_is_converted() -> None:
    lab = ImageCms.profileToProfile(
        picture(1200, 800), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert corners(opened(examine(encoded(lab, "TIFF")).display)) == CORNERS


def test_cmyk_is_inverted_only_with_the_mark_of_adobe() -> None:
    data = encoded(picture(300, 200).convert("CMYK"), "JPEG", quality=95)
    assert corners(opened(examine(data).display)) == CORNERS
    at = data.index(b"\xff\xee")
    plain = encoded(ImageChops.invert(picture(300, 200).convert("CMYK")), "JPEG", quality=95)
    assert plain[at : at + 2] == b"\xff\xee"
    unmarked = plain[:at] + plain[at + 16 :]
    assert "adobe" not in opened(unmarked).info
    assert corners(opened(examine(unmarked).display)) == CORNERS


def test_gray_with_alpha_and_a_gray_profile_keeps_its_brightness() -> None:
    image = Image.new("LA", (90, 60), (90, 255))
    shown = opened(examine(encoded(image, "PNG")).display)
    assert shown.mode == "L"
    assert gray_at(shown, 40, 30) == pytest.approx(90, abs=1)


def test_the_same_scene_in_any_profile_has_a_similar_copy() -> None:
    scene = picture(600, 400)
    plain = opened(examine(encoded(scene, "JPEG", quality=95)).display)
    for codes in ((P3, SRGB), (REC_2020, SRGB), (REC_709, 4)):
        profile = _profile(*codes)
        converted = ImageCms.profileToProfile(
            scene, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(BytesIO(profile))
        )
        assert converted is not None
        shown = opened(examine(encoded(converted, "JPEG", quality=95, icc_profile=profile)).display)
        assert max(ImageStat.Stat(ImageChops.difference(shown.convert("RGB"), plain.convert("RGB"))).mean) < 4


def test_the_primaries_of_a_profile_are_those_of_the_standard() -> None:
    """The colorants of sRGB and P3 in the profiles of the ICC."""
    profile = _profile(P3, SRGB)
    tags = colour._tags(profile)
    found = [struct.unpack(">3i", tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    expected = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
    for one, other in zip(found, expected, strict=True):
        assert [value / 65536 for value in one] == pytest.approx(other, abs=0.0015)
