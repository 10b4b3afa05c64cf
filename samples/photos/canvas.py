"""The canvas of a scene, and noise for the texture of its surfaces."""

from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

type Plane = NDArray[np.floating]
"""Rows of pixels, of float32."""
type Colour = tuple[float, float, float]

_NOISE_LENGTH = 1 << 22


def natural_noise(rng: Generator, width: int, height: int, roughness: float = 0.5) -> Plane:
    """Return noise of many octaves with mean 0 and deviation 1.

    Each octave is ``roughness`` times as strong as the previous, coarser one.
    """
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
    """Return white noise of deviation 1, cut from one long cached sequence because drawing is much slower."""
    sequence = _noise_sequence()
    first = int(rng.integers(0, len(sequence)))
    count = width * height
    if first + count > len(sequence):
        sequence = np.resize(np.concatenate([sequence[first:], sequence[:first]])[:count], count)
        first = 0
    return sequence[first : first + count].reshape(height, width)


@cache
def _noise_sequence() -> Plane:
    sequence = np.random.default_rng(1).standard_normal(_NOISE_LENGTH, np.float32)
    sequence.setflags(write=False)
    return sequence


def muted_colour(rng: Generator, low: float, high: float) -> Colour:
    """Return a random grayish colour with a lightness between the limits."""
    tone = rng.uniform(low, high)
    red, green, blue = (float(tone * share) for share in rng.uniform(0.86, 1.14, 3))
    return red, green, blue


def as_planes(colour: Colour) -> Plane:
    """Return a colour in a shape that broadcasts over planes."""
    return np.array(colour, np.float32)[:, None, None]


class Canvas:
    """Three planes of light, each from 0 to 1, and the areas that can be painted."""

    def __init__(self, rng: Generator, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.planes = np.zeros((3, height, width), np.float32)
        self.texture = natural_noise(rng, width, height, 0.78)
        """The texture of all surfaces, which each applies with its own strength."""

    def polygon(self, corners: list[tuple[float, float]]) -> "Area | None":
        """Return the area within these corners, with soft edges; None if it is outside the picture."""
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, top = max(int(min(xs)) - 1, 0), max(int(min(ys)) - 1, 0)
        right, bottom = min(int(max(xs)) + 2, self.width), min(int(max(ys)) + 2, self.height)
        if right <= left or bottom <= top:
            return None
        drawn = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        ImageDraw.Draw(drawn).polygon([((x - left) * 2, (y - top) * 2) for x, y in corners], fill=255)
        return self._area(drawn, left, top)

    def line(self, points: list[tuple[float, float]], thickness: float) -> "Area | None":
        """Return the area along these points; None if it is outside the picture."""
        margin = int(thickness) + 2
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, top = max(int(min(xs)) - margin, 0), max(int(min(ys)) - margin, 0)
        right, bottom = min(int(max(xs)) + margin, self.width), min(int(max(ys)) + margin, self.height)
        if right <= left or bottom <= top:
            return None
        drawn = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        ends = [((x - left) * 2, (y - top) * 2) for x, y in points]
        ImageDraw.Draw(drawn).line(ends, fill=255, width=max(round(thickness * 2), 1), joint="curve")
        return self._area(drawn, left, top)

    def around(self, x: float, y: float, radius: float) -> "Area | None":
        """Return a fully covered square; None if it is outside the picture."""
        left, top = max(int(x - radius), 0), max(int(y - radius), 0)
        right, bottom = min(int(x + radius) + 1, self.width), min(int(y + radius) + 1, self.height)
        if right <= left or bottom <= top:
            return None
        return Area(self, np.ones((bottom - top, right - left), np.float32), left, top)

    def _area(self, drawn: Image.Image, left: int, top: int) -> "Area":
        return Area(self, np.asarray(drawn.reduce(2), np.float32) * np.float32(1 / 255), left, top)


class Area:
    """A part of a canvas, with the coverage of each pixel."""

    def __init__(self, canvas: Canvas, cover: Plane, left: int, top: int) -> None:
        self.cover = cover
        height, width = cover.shape
        self.slices = (slice(top, top + height), slice(left, left + width))
        self._planes = canvas.planes[:, *self.slices]
        self._texture = canvas.texture[self.slices]

    def axes(self) -> tuple[Plane, Plane]:
        """Return the pixels' x as a row and y as a column."""
        rows, columns = self.slices
        return (
            np.arange(columns.start, columns.stop, dtype=np.float32)[None, :],
            np.arange(rows.start, rows.stop, dtype=np.float32)[:, None],
        )

    def paint(self, colour: Colour, shade: Plane | float = 1.0, rough: float = 0.02) -> None:
        """Paint with a colour in this light; ``rough`` is the strength of the texture."""
        light = self._texture * np.float32(rough) + np.float32(1.0)
        light *= shade
        self._planes += self.cover * (light * as_planes(colour) - self._planes)

    def shade(self, light: Plane | float) -> None:
        """Brighten (above 1) or darken what is already painted."""
        self._planes *= np.float32(1.0) + self.cover * (light - np.float32(1.0))
