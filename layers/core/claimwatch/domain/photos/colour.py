"""Colour encodings as ICC profiles: sRGB is recognised, and code points and gamma values become profiles.

Pictures in PQ or HLG, which are encoded for displays brighter than sRGB's, are toned down: up to the knee
they look as they would in sRGB, and brighter light is compressed into what remains.
"""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import exp

SRGB_CODES = (1, 13)
"""Code points of sRGB: primaries and transfer function (ITU-T H.273)."""

type _Matrix = tuple[tuple[float, ...], ...]

_D65, _D50 = (0.3127, 0.3290), (0.9642, 1.0, 0.8249)
_REC_709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_PRIMARIES = {
    1: _REC_709,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
"""Chromaticities of red, green, blue and white by code point."""

_PQ, _HLG, _LINEAR = 16, 18, 8
_GAMMA = {4: 2.2, 5: 2.8, _LINEAR: 1.0, 17: 2.6}
"""Code points of the other transfer functions; those of television are shown like sRGB's, as browsers do."""

_WHITE_NITS, _HLG_NITS, _HLG_GAMMA = 203, 1000, 1.2
"""Brightness of white paper (ITU-R BT.2408), and the brightness and system gamma of an HLG display."""
_KNEE = 0.8
_PEAK = 1000 / _WHITE_NITS

_CURVE_POINTS = 4096
_BRADFORD: _Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

_SRGB_COLORANTS = {
    b"rXYZ": (0.4360, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
_CURVES = (b"rTRC", b"gTRC", b"bTRC")
_SAMPLES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)
_CLOSE = 0.003


# -- Profiles of encodings -----------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def profile_of_codes(primaries: int, transfer: int) -> bytes | None:
    """Return the profile of code points of ITU-T H.273; None if pictures in it are shown as in sRGB."""
    curve: Callable[[float], float] = _srgb
    if transfer == _PQ:
        curve = _pq
    elif transfer == _HLG:
        curve = _hlg
    elif transfer in _GAMMA:
        curve = _power(_GAMMA[transfer])
    chromaticities = _PRIMARIES.get(primaries, _REC_709)
    if curve is _srgb and chromaticities is _REC_709:
        return None
    return _profile(chromaticities, curve)


def profile_of_gamma(gamma: float, chromaticity: Sequence[float] | None) -> bytes | None:
    """Return the profile of a PNG's gamma value and chromaticities; None if it is sRGB's, or absurd.

    ``chromaticity`` are x and y of white, red, green and blue.
    """
    chromaticities = _REC_709
    if chromaticity and len(chromaticity) == 8:
        white, *colours = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        chromaticities = (colours[0], colours[1], colours[2], white)
    is_srgb = all(
        abs(one - other) < _CLOSE
        for pair in zip(chromaticities, _REC_709, strict=True)
        for one, other in zip(*pair, strict=True)
    )
    if not 0.1 <= gamma <= 10 or (is_srgb and abs(gamma - 1 / 2.2) < 0.005):
        return None
    return _profile(chromaticities, _power(1 / gamma))


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _power(exponent: float) -> Callable[[float], float]:
    return lambda value: float(value**exponent)


def _pq(value: float) -> float:
    """Return the light of a PQ value (SMPTE ST 2084), toned down."""
    root = value ** (1 / 78.84375)
    nits = 10_000 * (max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    return _toned(nits / _WHITE_NITS)


def _hlg(value: float) -> float:
    """Return the light of an HLG value (ITU-R BT.2100), toned down."""
    scene = value * value / 3 if value <= 0.5 else (exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _toned(scene**_HLG_GAMMA * _HLG_NITS / _WHITE_NITS)


def _toned(light: float) -> float:
    """Return light in [0, 1]; 1 is white paper before, and the brightest highlight after."""
    if light <= _KNEE:
        return light
    above, most = (light - _KNEE) / (1 - _KNEE), (_PEAK - _KNEE) / (1 - _KNEE)
    return min(1.0, _KNEE + (1 - _KNEE) * above * (1 + above / most**2) / (1 + above))


def _profile(chromaticities: Sequence[tuple[float, float]], curve: Callable[[float], float]) -> bytes:
    """Return an ICC profile (version 2) of a display with these primaries and this transfer curve."""
    colorants = _colorants(chromaticities)
    points = [round(65535 * curve(step / (_CURVE_POINTS - 1))) for step in range(_CURVE_POINTS)]
    trc = b"curv" + struct.pack(f">II{_CURVE_POINTS}H", 0, _CURVE_POINTS, *points)
    contents = [b"XYZ \0\0\0\0" + _fixed(values) for values in (_D50, *colorants)] + [trc]
    tags = [(b"wtpt", 0), *((name, number) for number, name in enumerate(_SRGB_COLORANTS, 1))]
    tags += [(name, 4) for name in _CURVES]
    starts = [132 + 12 * len(tags)]
    for content in contents:
        starts.append(starts[-1] + len(content))
    table = struct.pack(">I", len(tags))
    table += b"".join(name + struct.pack(">II", starts[at], len(contents[at])) for name, at in tags)
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x", starts[-1], b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    return header + _fixed(_D50) + bytes(48) + table + b"".join(contents)


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _colorants(chromaticities: Sequence[tuple[float, float]]) -> _Matrix:
    """Return XYZ of red, green and blue, adapted to the white of the profile (D50)."""
    red, green, blue, white = (_xyz(*point) for point in chromaticities)
    columns = _transposed((red, green, blue))
    weights = _times(_inverse(columns), white)
    scaled = [
        tuple(weight * value for value in colour)
        for weight, colour in zip(weights, (red, green, blue), strict=True)
    ]
    source, target = _times(_BRADFORD, white), _times(_BRADFORD, _D50)
    adapted = []
    for colour in scaled:
        cones = _times(_BRADFORD, colour)
        cones = tuple(cone * to / of for cone, to, of in zip(cones, target, source, strict=True))
        adapted.append(_times(_inverse(_BRADFORD), cones))
    return tuple(adapted)


def _xyz(x: float, y: float) -> tuple[float, ...]:
    return (x / y, 1.0, (1 - x - y) / y)


def _transposed(matrix: _Matrix) -> _Matrix:
    return tuple(zip(*matrix, strict=True))


def _times(matrix: _Matrix, vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix)


def _inverse(matrix: _Matrix) -> _Matrix:
    """Return the inverse of a matrix of three by three, by cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(value / determinant for value in row) for row in cofactors)


# -- Profiles in files ---------------------------------------------------------------------------------------


def space_of(profile: bytes) -> str:
    """Return the colour space of the pixels that the profile describes: RGB, GRAY, CMYK or another."""
    return profile[16:20].decode("ascii", "replace").strip()


def is_srgb(profile: bytes) -> bool:
    """Return whether the profile is sRGB's, by its colorants and curves.

    The name says nothing: one of Android is "Display P3 Gamut with sRGB Transfer".
    """
    try:
        tags = _tags(profile)
        if b"A2B0" in tags:
            return False
        return all(
            abs(one - other) < _CLOSE
            for name, colorant in _SRGB_COLORANTS.items()
            for one, other in zip(_unfixed(tags[name][8:20]), colorant, strict=True)
        ) and all(
            abs(_at(tags[name], value) - _srgb(value)) < _CLOSE for name in _CURVES for value in _SAMPLES
        )
    except (struct.error, KeyError, IndexError, ValueError, ZeroDivisionError, OverflowError, TypeError):
        return False


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for entry in range(132, 132 + 12 * min(count, 100), 12):
        name, start, length = struct.unpack_from(">4sII", profile, entry)
        found[name] = profile[start : start + length]
    return found


def _at(curve: bytes, value: float) -> float:
    """Return the light of a value by a curve of a profile."""
    if curve.startswith(b"para"):
        kind, *_ = struct.unpack_from(">H", curve, 8)
        parameters = _unfixed(curve[12 : 12 + 4 * (1, 3, 4, 5, 7)[kind]])
        if kind == 0:
            return float(value ** parameters[0])
        if kind != 3:
            raise ValueError("another parametric curve")
        gamma, a, b, c, d = parameters
        return float((a * value + b) ** gamma) if value >= d else c * value
    (count,) = struct.unpack_from(">I", curve, 8)
    if count == 0:
        return value
    if count == 1:
        return float(value ** (struct.unpack_from(">H", curve, 12)[0] / 256))
    at = value * (count - 1)
    low, high = struct.unpack_from(">2H", curve, 12 + 2 * min(int(at), count - 2))
    return float(low + (high - low) * (at - int(at))) / 65535


def _unfixed(content: bytes) -> list[float]:
    return [value / 65536 for (value,) in struct.iter_unpack(">i", content)]
