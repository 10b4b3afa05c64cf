"""A vehicle and its damage."""

import itertools

import numpy as np
from numpy.random import Generator

from samples.photos.camera import Camera, Point
from samples.photos.canvas import Area, Canvas, Colour, muted_colour

_PAINTS: tuple[Colour, ...] = (
    (0.86, 0.87, 0.87), (0.55, 0.57, 0.60), (0.07, 0.07, 0.08), (0.25, 0.27, 0.30), (0.52, 0.06, 0.07),
    (0.08, 0.16, 0.38), (0.10, 0.25, 0.16), (0.72, 0.62, 0.44), (0.75, 0.40, 0.08), (0.34, 0.20, 0.14),
    (0.70, 0.72, 0.74), (0.12, 0.12, 0.13), (0.40, 0.42, 0.45), (0.90, 0.90, 0.88),
)  # fmt: skip
_GLASS: Colour = (0.09, 0.11, 0.13)
_RUBBER: Colour = (0.05, 0.05, 0.055)
_METAL: Colour = (0.58, 0.59, 0.60)


class Vehicle:
    """A profile extruded to a width, with panels, wheels, windows, lamps and damage."""

    def __init__(self, rng: Generator, canvas: Canvas, camera: Camera) -> None:
        self._rng, self._canvas, self._camera = rng, canvas, camera
        red, green, blue = _PAINTS[rng.integers(len(_PAINTS))]
        faded = rng.uniform(0.85, 1.15, 3)
        self._paint = float(red * faded[0]), float(green * faded[1]), float(blue * faded[2])
        self._long = rng.uniform(3.7, 5.0)
        self._high = rng.uniform(1.35, 1.95)
        self._wide = rng.uniform(1.65, 1.9)
        self._sill = rng.uniform(0.22, 0.38)
        self._belt = rng.uniform(0.52, 0.64) * self._high
        self._glance = rng.uniform(0.3, 1.3)
        half = self._long / 2
        bonnet = rng.uniform(0.16, 0.32) * self._long
        boot = rng.uniform(0.0, 0.2) * self._long
        slant = rng.uniform(0.25, 0.75)
        self._roof = (-half + boot + slant * 0.7, half - bonnet - slant)
        self._profile = [
            (-half, self._sill),
            (-half - 0.05, self._belt * 0.7),
            (-half, self._belt),
            (-half + boot, self._belt + 0.04),
            (self._roof[0], self._high),
            (self._roof[1], self._high),
            (half - bonnet, self._belt + 0.04),
            (half - 0.1, self._belt * 0.88),
            (half + 0.05, self._belt * 0.6),
            (half, self._sill),
        ]

    def draw(self) -> None:
        """Draw the parts from the farthest to the nearest."""
        side = self._wide / 2
        eye_x, eye_y, _ = self._camera.position()
        for (x1, y1), (x2, y2) in itertools.pairwise(self._profile):
            outward = (y1 - y2, x2 - x1)  # the profile runs from the rear over the roof to the front
            if (eye_x - x1) * outward[0] + (eye_y - y1) * outward[1] <= 0:
                continue
            self._draw_end((x1, y1), (x2, y2), side, outward)
        self._draw_side(side)

    def _panel(
        self,
        corners: list[Point],
        colour: Colour,
        light: float = 1.0,
        gloss: float = 0.0,
        rough: float = 0.03,
    ) -> Area | None:
        """Draw a surface; gloss reflects a bright sky above dark ground."""
        seen = self._camera.project(corners)
        area = self._canvas.polygon(seen)
        if area is None:
            return None
        ys = [y for _, y in seen]
        top, bottom = min(ys), max(ys)
        _, rows = area.axes()
        down = (rows - np.float32(top)) / np.float32(max(bottom - top, 1.0))
        sky = np.float32(1.0) - np.tanh((down - np.float32(0.42)) * 7) * np.float32(0.5)
        band = np.exp(-((down - np.float32(0.3)) ** 2) * 160) * np.float32(0.5)
        shade = np.float32(light) * (1 + np.float32(gloss) * (sky - 1 + band))
        area.paint(colour, shade, rough)
        return area

    def _draw_end(
        self, low: tuple[float, float], top: tuple[float, float], side: float, outward: tuple[float, float]
    ) -> None:
        def corners(inset: float, start: float = 0.0, end: float = 1.0) -> list[Point]:
            def at(share: float, z: float) -> Point:
                return low[0] + (top[0] - low[0]) * share, low[1] + (top[1] - low[1]) * share, z

            edge = side - inset
            return [at(start, -edge), at(end, -edge), at(end, edge), at(start, edge)]

        facing = outward[1] / (np.hypot(*outward) + 1e-9)
        glass = min(low[1], top[1]) >= self._belt and max(low[1], top[1]) == self._high and low[1] != top[1]
        light = 0.75 + 0.5 * max(facing, -0.3)
        self._panel(corners(0.0), self._paint, light, gloss=0.25 * self._glance)
        if glass:
            self._panel(corners(0.12, 0.08, 0.92), _GLASS, 1.6, gloss=0.7, rough=0.15)
        elif max(low[1], top[1]) < self._belt:
            self._draw_lamps(low, top, side)

    def _draw_lamps(self, low: tuple[float, float], top: tuple[float, float], side: float) -> None:
        front = low[0] > 0
        x, y = (low[0] + top[0]) / 2, (low[1] + top[1]) / 2
        colour: Colour = (0.9, 0.9, 0.85) if front else (0.55, 0.05, 0.04)
        for edge in (-side + 0.08, side - 0.42):
            lamp = [
                (x, y - 0.07, edge),
                (x, y + 0.07, edge),
                (x, y + 0.07, edge + 0.34),
                (x, y - 0.07, edge + 0.34),
            ]
            self._panel(lamp, colour, 1.0, gloss=0.5, rough=0.1)
        plate = [(x, y - 0.06, -0.26), (x, y + 0.06, -0.26), (x, y + 0.06, 0.26), (x, y - 0.06, 0.26)]
        self._panel(plate, (0.85, 0.85, 0.8), rough=0.2)

    def _draw_side(self, z: float) -> None:
        self._panel([(x, y, z) for x, y in self._profile], self._paint, 1.0, gloss=0.45 * self._glance)
        self._draw_windows(z)
        axles = (-self._long * 0.31, self._long * 0.32)
        doors = np.linspace(self._roof[0] + 0.25, self._roof[1] + 0.35, int(self._rng.integers(2, 4)))
        for x in doors:
            self._groove(
                [(x, self._sill + 0.06, z), (x + 0.04, self._belt, z), (x - 0.04, self._high - 0.1, z)]
            )
        self._groove(
            [(-self._long / 2 + 0.1, self._belt * 0.8, z), (self._long / 2 - 0.25, self._belt * 0.76, z)], 0.8
        )
        for x in doors[1:]:
            handle = [
                (x - 0.3, self._belt * 0.9),
                (x - 0.12, self._belt * 0.9),
                (x - 0.12, self._belt * 0.94),
            ]
            self._panel([(a, b, z) for a, b in handle], _METAL, 1.0, gloss=0.5)
        for _ in range(int(self._rng.integers(2, 7))):
            self._damage(z)
        for axle in axles:
            self._draw_wheel(axle, z)

    def _draw_windows(self, z: float) -> None:
        rear, front = self._roof
        posts = np.linspace(0, 1, int(self._rng.integers(3, 5)))
        low, top = self._belt + 0.05, self._high - 0.09
        for left, right in itertools.pairwise(posts):

            def at(share: float, up: float, inset: float = 0.04) -> Point:
                spread = 0.35 * (1 - up)
                x = rear - spread + (front - rear + 2 * spread) * share
                return float(x + (inset if share < 0.5 else -inset)), low + (top - low) * up, z

            self._panel(
                [at(left, 0), at(left, 1), at(right, 1), at(right, 0)], _GLASS, 1.5, gloss=0.8, rough=0.15
            )

    def _draw_wheel(self, x: float, z: float) -> None:
        radius = 0.3 + 0.05 * (self._high - 1.3)
        spokes = int(self._rng.integers(5, 11))

        def ring(size: float, parts: int = 48) -> list[Point]:
            turns = np.linspace(0, 2 * np.pi, parts, endpoint=False)
            return [(x + size * float(np.cos(t)), radius + size * float(np.sin(t)), z) for t in turns]

        self._panel(ring(radius * 1.16), (0.03, 0.03, 0.03))
        self._panel(ring(radius), _RUBBER, 1.2, rough=0.2)
        self._panel(ring(radius * 0.66), _METAL, 0.9, gloss=0.5, rough=0.06)
        first = self._rng.uniform(0, 1)
        for spoke in range(spokes):
            turn = 2 * np.pi * (spoke + first) / spokes
            wedge = [
                (
                    x + radius * share * float(np.cos(turn + off)),
                    radius + radius * share * float(np.sin(turn + off)),
                    z,
                )
                for share, off in ((0.2, -0.3), (0.58, -0.14), (0.58, 0.14), (0.2, 0.3))
            ]
            self._panel(wedge, (0.06, 0.06, 0.06))

    def _groove(self, points: list[Point], light: float = 0.45) -> None:
        thickness = 0.012 * self._camera.focal / self._camera.distance
        if area := self._canvas.line(self._camera.project(points), max(thickness, 0.7)):
            area.shade(light)

    # -- Damage --

    def _damage(self, z: float) -> None:
        rng = self._rng
        x = float(np.clip(self._camera.target[0] + rng.normal(0, 0.6), -self._long / 2, self._long / 2))
        place = (x, float(rng.uniform(self._sill, self._belt)), z)
        (middle,) = self._camera.project([place])
        metre = self._camera.focal / self._camera.distance
        kind = rng.choice(["dent", "scratches", "bare", "hole"], p=[0.4, 0.35, 0.15, 0.1])
        if kind == "dent":
            self._dent(middle, float(rng.uniform(0.08, 0.45)) * metre)
        elif kind == "scratches":
            self._scratches(middle, metre)
        elif kind == "bare":
            self._bare(middle, float(rng.uniform(0.05, 0.25)) * metre)
        else:
            self._hole(middle, float(rng.uniform(0.03, 0.14)) * metre)

    def _dent(self, middle: tuple[float, float], radius: float) -> None:
        """Draw a dent: one side faces the light, the other is in shade."""
        if (area := self._canvas.around(*middle, radius * 2.5)) is None:
            return
        rng = self._rng
        xs, ys = area.axes()
        angle = rng.uniform(0, 2 * np.pi)
        squeeze = np.float32(rng.uniform(0.5, 2.0))
        dx = (xs - np.float32(middle[0])) / np.float32(radius)
        dy = (ys - np.float32(middle[1])) / np.float32(radius) * squeeze
        bell = np.exp(-(dx * dx + dy * dy))
        tilt = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
        crumple = 1 + np.float32(0.3) * self._canvas.texture[area.slices]
        area.shade(np.clip(1 + np.float32(rng.uniform(0.5, 1.3)) * bell * tilt * crumple, 0.15, 2.2))

    def _scratches(self, middle: tuple[float, float], metre: float) -> None:
        rng = self._rng
        angle = rng.normal(0, 0.4)
        tone = muted_colour(rng, 0.55, 0.9) if rng.random() < 0.7 else muted_colour(rng, 0.05, 0.2)
        for _ in range(int(rng.integers(2, 9))):
            turn = angle + rng.normal(0, 0.08)
            length, steps = rng.uniform(0.1, 0.9) * metre, 14
            wobble = np.cumsum(rng.normal(0, 0.006 * metre, steps))
            along = np.linspace(-0.5, 0.5, steps) * length
            x0, y0 = middle[0] + rng.normal(0, 0.08) * metre, middle[1] + rng.normal(0, 0.07) * metre
            points = [
                (
                    float(x0 + a * np.cos(turn) - w * np.sin(turn)),
                    float(y0 + a * np.sin(turn) + w * np.cos(turn)),
                )
                for a, w in zip(along, wobble, strict=True)
            ]
            if area := self._canvas.line(points, max(rng.uniform(0.002, 0.012) * metre, 0.6)):
                area.cover *= np.clip(0.75 + 0.35 * self._canvas.texture[area.slices], 0, 1)
                area.paint(tone, rough=0.15)

    def _bare(self, middle: tuple[float, float], radius: float) -> None:
        """Draw missing paint: a patch of primer with a ragged edge."""
        if area := self._canvas.around(*middle, radius * 1.6):
            xs, ys = area.axes()
            away = np.hypot(xs - np.float32(middle[0]), ys - np.float32(middle[1])) / np.float32(radius)
            ragged = 1 - away + np.float32(0.35) * self._canvas.texture[area.slices]
            area.cover = np.clip(ragged * 9, 0, 1)
            area.paint(muted_colour(self._rng, 0.35, 0.7), rough=0.12)

    def _hole(self, middle: tuple[float, float], radius: float) -> None:
        turns = np.sort(self._rng.uniform(0, 2 * np.pi, 11))
        reach = self._rng.uniform(0.4, 1.5, 11) * radius
        edge = [
            (float(middle[0] + r * np.cos(t) * 1.6), float(middle[1] + r * np.sin(t)))
            for t, r in zip(turns, reach, strict=True)
        ]
        if rim := self._canvas.line([*edge, edge[0]], max(radius * 0.12, 1)):
            rim.paint((0.7, 0.7, 0.7), rough=0.3)
        if area := self._canvas.polygon(edge):
            area.paint((0.03, 0.03, 0.035), rough=0.3)
