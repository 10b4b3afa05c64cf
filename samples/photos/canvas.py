"""What a scene is painted on, and the noise that its surfaces have."""

from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

type Plane = NDArray[np.floating]
"""Of float32, rows of pixels."""
type Colour = tuple[float, float, float]

_NOISE_ROLL = 1 << 22


def natural_noise(rng: Generator, width: int, height: int, roughness: float = 0.5) -> Plane:
    """Noise of many octaves, mean 0, deviation 1; each octave has ``roughness`` times the one before."""
    sizes = [(width, height)]
    while min(sizes[-1]) > 4:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    field = np.zeros(sizes[-1][::-1], np.float32)
    weight = 1.0
    for size in reversed(sizes):
        larger = Image.fromarray(field).resize(size, Image.Resampling.BILINEAR)
        field = np.asarray(larger) + white_noise(rng, *size) * np.float32(weight)
        weight *= roughness
    field -= field.mean()
    return field / np.float32(field.std() + 1e-6)


def white_noise(rng: Generator, width: int, height: int) -> Plane:
    """White noise of deviation 1, a piece of a long roll of it: to draw each number anew takes far longer."""
    roll = _roll()
    first = int(rng.integers(0, len(roll)))
    count = width * height
    return np.resize(np.concatenate([roll[first:], roll[:first]])[:count], (height, width))


@cache
def _roll() -> Plane:
    return np.random.default_rng(1).standard_normal(_NOISE_ROLL, np.float32)


def dull(rng: Generator, low: float, high: float) -> Colour:
    """A greyish colour of some lightness."""
    tone = rng.uniform(low, high)
    red, green, blue = (float(tone * share) for share in rng.uniform(0.86, 1.14, 3))
    return red, green, blue


def bands(colour: Colour) -> Plane:
    """A colour that multiplies planes."""
    return np.array(colour, np.float32)[:, None, None]


class Canvas:
    """Three planes of light, each from 0 to 1, and what puts paint on them."""

    def __init__(self, rng: Generator, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.planes = np.zeros((3, height, width), np.float32)
        self.texture = natural_noise(rng, width, height, 0.78)
        """For all surfaces; each takes it at another strength."""

    def polygon(self, corners: list[tuple[float, float]]) -> "Stain | None":
        """The pixels within these corners, with soft edges; None where none is in the picture."""
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, top = max(int(min(xs)) - 1, 0), max(int(min(ys)) - 1, 0)
        right, bottom = min(int(max(xs)) + 2, self.width), min(int(max(ys)) + 2, self.height)
        if right <= left or bottom <= top:
            return None
        drawn = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        ImageDraw.Draw(drawn).polygon([((x - left) * 2, (y - top) * 2) for x, y in corners], fill=255)
        return self._stain(drawn, left, top)

    def line(self, points: list[tuple[float, float]], thickness: float) -> "Stain | None":
        """The pixels along these points."""
        margin = int(thickness) + 2
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, top = max(int(min(xs)) - margin, 0), max(int(min(ys)) - margin, 0)
        right, bottom = min(int(max(xs)) + margin, self.width), min(int(max(ys)) + margin, self.height)
        if right <= left or bottom <= top:
            return None
        drawn = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        ends = [((x - left) * 2, (y - top) * 2) for x, y in points]
        ImageDraw.Draw(drawn).line(ends, fill=255, width=max(round(thickness * 2), 1), joint="curve")
        return self._stain(drawn, left, top)

    def around(self, x: float, y: float, radius: float) -> "Stain | None":
        """All pixels of a square, wholly."""
        left, top = max(int(x - radius), 0), max(int(y - radius), 0)
        right, bottom = min(int(x + radius) + 1, self.width), min(int(y + radius) + 1, self.height)
        if right <= left or bottom <= top:
            return None
        return Stain(self, np.ones((bottom - top, right - left), np.float32), left, top)

    def _stain(self, drawn: Image.Image, left: int, top: int) -> "Stain":
        return Stain(self, np.asarray(drawn.reduce(2), np.float32) * np.float32(1 / 255), left, top)


class Stain:
    """Some pixels of a canvas and how much each is covered."""

    def __init__(self, canvas: Canvas, cover: Plane, left: int, top: int) -> None:
        self.cover = cover
        height, width = cover.shape
        self.place = (slice(top, top + height), slice(left, left + width))
        self._planes = canvas.planes[:, *self.place]
        self._texture = canvas.texture[self.place]

    def axes(self) -> tuple[Plane, Plane]:
        """The pixels' x, as a row, and y, as a column."""
        rows, columns = self.place
        return (
            np.arange(columns.start, columns.stop, dtype=np.float32)[None, :],
            np.arange(rows.start, rows.stop, dtype=np.float32)[:, None],
        )

    def paint(self, colour: Colour, shade: Plane | float = 1.0, rough: float = 0.02) -> None:
        """Cover with a colour, in this light; ``rough`` is the texture's part in it."""
        light = self._texture * np.float32(rough) + np.float32(1.0)
        light *= shade
        self._planes += self.cover * (light * bands(colour) - self._planes)

    def shade(self, light: Plane | float) -> None:
        """Let more (over 1) or less light fall on what is there."""
        self._planes *= np.float32(1.0) + self.cover * (light - np.float32(1.0))
