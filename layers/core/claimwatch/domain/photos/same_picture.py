"""Decides whether two pictures with similar perceptual hashes show the same.

A hash of 64 bits describes the layout of a picture, and all documents on one letterhead share it. So the two
pictures are laid on top of each other and compared block by block. A copy that was compressed, resized,
brightened, cropped or turned a little agrees everywhere; another document on the same sheet differs wherever
people wrote.

1. Alignment: the affine transform between the pictures is found with the inverse compositional algorithm
   (Baker and Matthews, "Lucas-Kanade 20 Years On: A Unifying Framework", 2004), at growing size.
2. Comparison: both are reduced to strokes and edges and divided into 32 x 32 blocks. A block differs if one
   of the pictures has structure there that the other does not have in the same place.

The arithmetic on pixels is Pillow's, on images of mode F.
"""

from collections.abc import Iterator
from functools import cache, cached_property
from io import BytesIO
from math import sqrt
from typing import Any, NamedTuple, cast

from PIL import Image, ImageMath
from PIL.Image import Resampling, Transform, Transpose

MOST_DIFFERING = 4
"""Blocks in which copies of one picture may differ: most copies differ in none, different documents on one
letterhead in five or more (docs/decisions/0006-photos.md)."""

_SIDE, _BLOCKS = 192, 32
"""Side of the pictures that are compared, and their blocks across and down."""

_EDGE, _CORNER = 3, 10
"""Blocks at the edges, and blocks from a corner along both edges, that are not compared: captions, dates and
logos are added there."""

_CORRELATION = 0.5
"""Correlation below which the structures of two blocks are different."""

_STRONG = 0.2
"""Share of the strong blocks' energy that the difference of two blocks must have."""

_FAINT = 16.0
"""Energy that compression adds by itself: the square of four gray levels."""

_MOST_CONTRAST = 9.0
"""Ratio of energies up to which pictures may differ in contrast: the square of three."""

_ALIGNED = 0.9
"""Correlation at which an alignment needs no further attempt."""


class _Affine(NamedTuple):
    """Maps the point (x, y), each from -1 to 1, to (a x + b y + c, d x + e y + f)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def after(self, first: "_Affine") -> "_Affine":
        """Return the transform that applies the first one, then this one."""
        a, b, c, d, e, f = self
        p, q, r, s, t, u = first
        return _Affine(
            *(a * p + b * s, a * q + b * t, a * r + b * u + c),
            *(d * p + e * s, d * q + e * t, d * r + e * u + f),
        )

    def inverse(self) -> "_Affine":
        """Return the transform back; raises ``ZeroDivisionError`` if there is none."""
        a, b, c, d, e, f = self
        area = a * e - b * d
        return _Affine(
            *(e / area, -b / area, (b * f - c * e) / area),
            *(-d / area, a / area, (c * d - a * f) / area),
        )

    def difference(self, other: "_Affine") -> float:
        return max(abs(one - two) for one, two in zip(self, other, strict=True))


_IDENTITY = _Affine(1, 0, 0, 0, 1, 0)
_FARTHEST = 0.25
"""Largest change of a coefficient: pictures that are farther apart have different perceptual hashes."""

_STEPS = {32: 12, 64: 8, 128: 4}
"""Largest number of steps of the alignment by side of the pictures."""


def is_same(blocks: int) -> bool:
    """Return whether two pictures that differ in this number of blocks show the same."""
    return blocks <= MOST_DIFFERING


def differing_blocks(one: "Picture", other: "Picture") -> int:
    """Return the number of blocks in which the pictures differ after alignment, whatever their order."""
    one, other = sorted((one, other), key=lambda picture: picture.gray.tobytes())
    return _differences(one, other, _aligned(one, other))


class Picture:
    """A picture in mode L, prepared for comparisons with many others."""

    def __init__(self, gray: Image.Image) -> None:
        self.gray = gray

    @cached_property
    def structures(self) -> dict[int, Image.Image]:
        """The picture relative to its surroundings, by side."""
        return {side: _structure(_squared(self.gray, side)) for side in _STEPS}

    @cached_property
    def templates(self) -> dict[int, "_Template"]:
        """What other pictures are aligned with, by side."""
        return {side: _Template(structure) for side, structure in self.structures.items()}


def picture_of_jpeg(data: bytes) -> Picture | None:
    """Return a stored copy of a photo for comparisons; None if it is not a JPEG that can be read."""
    try:
        return Picture(Image.open(BytesIO(data), formats=("JPEG",)).convert("L"))
    except Exception:  # noqa: BLE001 - plug-ins raise any exception on damaged bytes
        return None


# -- Alignment -----------------------------------------------------------------------------------------------


def _aligned(one: Picture, other: Picture) -> _Affine:
    """Return the transform from places in the one picture to the same places in the other."""
    best, score = _best_alignment(one, other, [_IDENTITY])
    if score < _ALIGNED:
        best, score = max((best, score), _best_alignment(one, other, list(_starts())), key=lambda of: of[1])
    to, _ = one.templates[128].align(other.structures[128], best)
    return to


def _starts() -> Iterator[_Affine]:
    """Yield transforms of pictures that are cropped or turned."""
    for zoom in (0.965, 1.035):
        for right in (-0.035, 0.035):
            for down in (-0.035, 0.035):
                yield _Affine(zoom, 0, right, 0, zoom, down)
    for turn in (-0.03, 0.03):
        yield _Affine(1, -turn, 0, turn, 1, 0)


def _best_alignment(one: Picture, other: Picture, starts: list[_Affine]) -> tuple[_Affine, float]:
    """Return the best transform that any of the starts leads to, with its correlation."""
    coarse = [one.templates[32].align(other.structures[32], start) for start in starts]
    distinct: list[_Affine] = []
    for to, _ in sorted(coarse, key=lambda of: -of[1]):
        if all(to.difference(kept) > 0.01 for kept in distinct):
            distinct.append(to)
    fine = [one.templates[64].align(other.structures[64], to) for to in distinct[:3]]
    return max(fine, key=lambda of: of[1])


class _Template:
    """The side of an alignment that stays where it is."""

    def __init__(self, structure: Image.Image) -> None:
        self._side = structure.width
        x, y, self._mask = _coordinates(self._side)
        self._structure = _product(structure, self._mask)
        self._power = _dot(self._structure, self._structure)
        across = _product(_slope(structure, 1, 0), self._mask)
        down = _product(_slope(structure, 0, 1), self._mask)
        self._descents = [
            *(_product(across, x), _product(across, y), across),
            *(_product(down, x), _product(down, y), down),
        ]
        hessian = [[_dot(row, column) for column in self._descents] for row in self._descents]
        damping = 1e-9 + 1e-3 * sum(hessian[at][at] for at in range(6)) / 6
        for at in range(6):
            hessian[at][at] += damping
        self._inverse = _inverted(hessian)

    def align(self, other: Image.Image, start: _Affine) -> tuple[_Affine, float]:
        """Improve a transform; return it with the correlation of the two pictures.

        A transform that drifts away is not one of a copy; the start is returned with the correlation -1.
        """
        to = start
        for _ in range(_STEPS[self._side]):
            step = self._step(_product(_warped(other, to), self._mask))
            try:
                to = to.after(_Affine(1 + step[0], step[1], step[2], step[3], 1 + step[4], step[5]).inverse())
            except ZeroDivisionError:
                return start, -1.0
            if to.difference(_IDENTITY) > _FARTHEST:
                return start, -1.0
            if max(map(abs, step)) < 3e-4:
                break
        seen = _product(_warped(other, to), self._mask)
        return to, _dot(seen, self._structure) / sqrt(max(1e-9, _dot(seen, seen) * self._power))

    def _step(self, seen: Image.Image) -> list[float]:
        """Return how the six coefficients have to change."""
        gain = _dot(seen, self._structure) / max(1e-6, _dot(seen, seen))
        gain = min(2.0, max(0.5, gain))
        error = _calculate(
            lambda of: of["min"](of["max"](of["seen"] * gain - of["wanted"], -1.5), 1.5),
            seen=seen,
            wanted=self._structure,
        )
        slopes = [_dot(error, descent) for descent in self._descents]
        return [sum(h * slope for h, slope in zip(row, slopes, strict=True)) for row in self._inverse]


def _structure(image: Image.Image) -> Image.Image:
    """Return the image relative to its surroundings, from -2 to 2, whatever its light and contrast."""
    detail = _calculate(lambda of: of["image"] - of["smooth"], image=image, smooth=_smoothed(image, 10))
    power = _smoothed(_product(detail, detail), 6)
    floor = 2 + 0.15 * sqrt(_dot(detail, detail))
    return _calculate(
        lambda of: of["min"](
            of["max"](of["detail"] / (of["max"](of["power"], 0.0) ** 0.5 + floor), -2.0), 2.0
        ),
        detail=detail,
        power=power,
    )


def _slope(image: Image.Image, right: int, down: int) -> Image.Image:
    """Return the derivative along x or y, which run from -1 to 1."""
    next_one = image.transform(image.size, Transform.AFFINE, (1, 0, right, 0, 1, down))
    last_one = image.transform(image.size, Transform.AFFINE, (1, 0, -right, 0, 1, -down))
    scale = image.width / 4
    return _calculate(lambda of: (of["next"] - of["last"]) * scale, next=next_one, last=last_one)


@cache
def _coordinates(side: int) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Return x and y of every pixel, and a mask that omits the margin."""
    x = Image.new("F", (side, side))
    x.putdata([(2 * column + 1) / side - 1 for column in range(side)] * side)
    mask = Image.new("F", (side, side), 0.0)
    margin = max(2, side // 12)
    mask.paste(1.0, (margin, margin, side - margin, side - margin))
    return x, x.transpose(Transpose.TRANSPOSE), mask


def _inverted(matrix: list[list[float]]) -> list[list[float]]:
    """Return the inverse of a positive definite matrix, by elimination."""
    size = len(matrix)
    rows = [row + [float(at == column) for column in range(size)] for at, row in enumerate(matrix)]
    for at in range(size):
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in set(range(size)) - {at}:
            factor = rows[other][at]
            rows[other] = [value - factor * own for value, own in zip(rows[other], rows[at], strict=True)]
    return [row[size:] for row in rows]


# -- Comparison ----------------------------------------------------------------------------------------------


def _differences(one: Picture, other: Picture, to: _Affine) -> int:
    """Count the blocks that differ when places of the one are looked up in the other by the transform."""
    strokes = _strokes(_squared(one.gray, _SIDE))
    others = _strokes(_warped(_squared(other.gray, _SIDE), to))
    inside = _blocks(_warped(Image.new("F", (_SIDE, _SIDE), 1.0), to))
    compared = [at for at in _inner_blocks() if inside[at] > 0.999]
    energies, other_energies, common = (
        [energy[at] for at in compared]
        for energy in map(
            _blocks, (_product(strokes, strokes), _product(others, others), _product(strokes, others))
        )
    )
    contrast = sum(energies) / max(1e-6, sum(other_energies))
    contrast = min(_MOST_CONTRAST, max(1 / _MOST_CONTRAST, contrast))
    other_energies = [energy * contrast for energy in other_energies]
    common = [energy * sqrt(contrast) for energy in common]
    strongest = sorted(map(max, energies, other_energies))
    least = _STRONG * max(_FAINT, strongest[len(strongest) * 9 // 10] if strongest else 0)
    return sum(
        two + own - 2 * shared > least and 2 * shared < _CORRELATION * (two + own)
        for own, two, shared in zip(energies, other_energies, common, strict=True)
    )


def _strokes(image: Image.Image) -> Image.Image:
    """Return the image without everything that is wider than a block."""
    smooth = _smoothed(image, _BLOCKS)
    return _calculate(lambda of: of["image"] - of["smooth"], image=image, smooth=smooth)


@cache
def _inner_blocks() -> tuple[int, ...]:
    """Return the places of the blocks that are neither at an edge nor in a corner."""
    places = []
    for at in range(_BLOCKS * _BLOCKS):
        row, column = divmod(at, _BLOCKS)
        down, across = min(row, _BLOCKS - 1 - row), min(column, _BLOCKS - 1 - column)
        if min(down, across) >= _EDGE and down + across >= _CORNER:
            places.append(at)
    return tuple(places)


# -- Pixels --------------------------------------------------------------------------------------------------


def _squared(gray: Image.Image, side: int) -> Image.Image:
    filtered = Resampling.BOX if min(gray.size) >= side else Resampling.BICUBIC
    return gray.resize((side, side), filtered).convert("F")


def _smoothed(image: Image.Image, side: int) -> Image.Image:
    """Return the image without details that a picture of this side cannot show."""
    return image.resize((side, side), Resampling.BILINEAR).resize(image.size, Resampling.BICUBIC)


def _warped(image: Image.Image, to: _Affine) -> Image.Image:
    """Return the image in which each place shows what the given one shows at its transform."""
    half = image.width / 2
    pixels = (to.a, to.b, half * (1 + to.c - to.a - to.b), to.d, to.e, half * (1 + to.f - to.d - to.e))
    return image.transform(image.size, Transform.AFFINE, pixels, Resampling.BILINEAR)


def _blocks(image: Image.Image) -> list[float]:
    """Return the mean of each block, row by row."""
    return list(cast("Any", image.resize((_BLOCKS, _BLOCKS), Resampling.BOX).get_flattened_data()))


def _product(one: Image.Image, other: Image.Image) -> Image.Image:
    return _calculate(lambda of: of["one"] * of["other"], one=one, other=other)


def _dot(one: Image.Image, other: Image.Image) -> float:
    return cast("float", _product(one, other).resize((1, 1), Resampling.BOX).getpixel((0, 0)))


def _calculate(formula: Any, **images: Image.Image) -> Image.Image:
    return cast("Image.Image", ImageMath.lambda_eval(formula, **images))
