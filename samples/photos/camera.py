"""The camera of a scene."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from samples.photos.canvas import Plane

type Point = tuple[float, float, float]
"""Metres: x along the vehicle, y up, z towards the side that is drawn."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a point of the vehicle; coordinates are as in `Point`."""

    yaw: float
    distance: float
    eye: float
    """Height above the ground."""
    roll: float
    focal: float
    """Focal length in pixels."""
    target: Point
    width: int
    height: int

    @classmethod
    def placed(cls, rng: Generator, width: int, height: int) -> "Camera":
        """Place a camera at random: views of whole vehicles, of parts, and close-ups of damage."""
        target = (rng.uniform(-1.9, 1.9), rng.uniform(0.35, 1.0), 0.4)
        visible_width = rng.choice(
            [rng.uniform(4.6, 7.0), rng.uniform(2.2, 4.2), rng.uniform(0.9, 1.8)], p=[0.4, 0.35, 0.25]
        )
        if visible_width > 4.6:
            target = (rng.uniform(-0.7, 0.7), rng.uniform(0.4, 1.0), 0.0)
        distance = rng.uniform(5.0, 9.0)
        return cls(
            yaw=rng.uniform(-1.25, 1.25),
            distance=distance,
            eye=rng.uniform(0.7, 2.1),
            roll=rng.normal(0.0, 0.035),
            focal=max(width, height) * distance / visible_width,
            target=target,
            width=width,
            height=height,
        )

    def position(self) -> Point:
        """Return the position of the pinhole."""
        x, _, z = self.target
        return x + self.distance * np.sin(self.yaw), self.eye, z + self.distance * np.cos(self.yaw)

    def _axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        forward = np.subtract(self.target, self.position())
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        return right * cosine + up * sine, up * cosine - right * sine, forward

    def project(self, points: list[Point]) -> list[tuple[float, float]]:
        """Project points of the world to pixels."""
        right, up, forward = self._axes()
        away = np.subtract(points, self.position())
        depth = np.maximum(away @ forward, 0.3)
        x = self.width / 2 + self.focal * (away @ right) / depth
        y = self.height / 2 - self.focal * (away @ up) / depth
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def rays(self) -> tuple[Plane, Plane, Plane]:
        """Return the viewing direction of each pixel: x, y and z, each of the picture's size."""
        right, up, forward = self._axes()
        x = ((np.arange(self.width) - self.width / 2) / self.focal).astype(np.float32)[None, :]
        y = ((self.height / 2 - np.arange(self.height)) / self.focal).astype(np.float32)[:, None]
        rays = [
            x * np.float32(right[axis]) + (y * np.float32(up[axis]) + np.float32(forward[axis]))
            for axis in range(3)
        ]
        return rays[0], rays[1], rays[2]
