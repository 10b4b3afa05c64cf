"""Surroundings of a vehicle: sky or a wall, houses and trees, the ground."""

import numpy as np
from numpy.random import Generator

from samples.photos.camera import Camera, Point
from samples.photos.canvas import Area, Canvas, Colour, Plane, as_planes, muted_colour, natural_noise

_HAZE: Colour = (0.80, 0.84, 0.88)
_ZENITH: Colour = (0.25, 0.45, 0.78)
_CLOUD: Colour = (0.86, 0.86, 0.88)
_GRASS: Colour = (0.17, 0.24, 0.10)


def draw_surroundings(rng: Generator, canvas: Canvas, camera: Camera) -> None:
    """Draw everything except the vehicle."""
    across, upwards, along = camera.rays()
    indoors = rng.random() < 0.25
    if indoors:
        _draw_wall(rng, canvas, upwards)
    else:
        _draw_sky(rng, canvas, upwards)
        _draw_horizon(rng, canvas, camera)
    _draw_ground(rng, canvas, camera, (across, upwards, along))


def _draw_sky(rng: Generator, canvas: Canvas, upwards: Plane) -> None:
    clouds = natural_noise(rng, canvas.width, canvas.height, 0.52)
    cover = np.clip(clouds * np.float32(rng.uniform(0.1, 0.6)) + np.float32(rng.uniform(-0.2, 0.9)), 0, 1)
    height = np.clip(upwards * np.float32(2.2), 0, 1)
    canvas.planes[:] = as_planes(_HAZE) + height * (as_planes(_ZENITH) - as_planes(_HAZE))
    canvas.planes += cover * (as_planes(_CLOUD) - canvas.planes)


def _draw_wall(rng: Generator, canvas: Canvas, upwards: Plane) -> None:
    canvas.planes[:] = as_planes(muted_colour(rng, 0.25, 0.8)) * (
        1 + np.float32(0.5) * upwards + np.float32(0.06) * canvas.texture
    )
    for _ in range(int(rng.integers(2, 7))):  # doors, shelves, stains, lamps
        x, y = rng.uniform(0, canvas.width), rng.uniform(-0.2, 0.6) * canvas.height
        wide, high = rng.uniform(0.03, 0.3) * canvas.width, rng.uniform(0.1, 0.9) * canvas.height
        if area := canvas.polygon([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]):
            area.paint(muted_colour(rng, 0.1, 0.95), rough=0.08)


def _draw_horizon(rng: Generator, canvas: Canvas, camera: Camera) -> None:
    """Draw distant houses and trees on both sides of the line of sight."""
    ahead = np.pi + camera.yaw
    for _ in range(int(rng.integers(5, 14))):
        angle, away = ahead + rng.uniform(-0.9, 0.9), rng.uniform(18, 70)
        x, z = away * np.sin(angle), away * np.cos(angle)
        wide, high = rng.uniform(3, 14), rng.uniform(3, 15)
        side = (np.cos(angle) * wide / 2, -np.sin(angle) * wide / 2)
        if rng.random() < 0.55:
            _draw_house(rng, canvas, camera, (x, z), side, high)
        else:
            _draw_tree(rng, canvas, camera, (x, z), high)


def _draw_house(
    rng: Generator,
    canvas: Canvas,
    camera: Camera,
    at: tuple[float, float],
    side: tuple[float, float],
    high: float,
) -> None:
    def corner(across: float, up: float) -> Point:
        return at[0] + side[0] * across, up * high, at[1] + side[1] * across

    def panel(left: float, right: float, low: float, top: float) -> Area | None:
        corners = [corner(left, low), corner(right, low), corner(right, top), corner(left, top)]
        return canvas.polygon(camera.project(corners))

    wall = panel(-1, 1, 0, 1)
    if wall is None:
        return
    wall.paint(muted_colour(rng, 0.25, 0.85), rough=0.05)
    floors, windows = int(high // 3) or 1, int(rng.integers(2, 7))
    tone = muted_colour(rng, 0.08, 0.3)
    for floor in range(floors):
        for window in range(windows):
            left, low = -1 + (2 * window + 0.5) / windows, (floor + 0.3) / floors
            if pane := panel(left, left + 1 / windows, low, low + 0.45 / floors):
                pane.paint(tone, float(rng.uniform(0.5, 2.2)))


def _draw_tree(rng: Generator, canvas: Canvas, camera: Camera, at: tuple[float, float], high: float) -> None:
    ((x, top), (_, foot)) = camera.project([(at[0], high, at[1]), (at[0], 0.0, at[1])])
    radius = abs(foot - top) * rng.uniform(0.3, 0.5)
    if stem := canvas.line([(x, foot), (x, top)], max(radius / 8, 1)):
        stem.paint((0.16, 0.12, 0.09), rough=0.2)
    if crown := canvas.around(x, top + radius * 0.6, radius * 1.3):
        xs, ys = crown.axes()
        away = np.hypot(xs - np.float32(x), ys - np.float32(top + radius * 0.6)) / np.float32(radius)
        leaves = canvas.texture[crown.slices]
        crown.cover = np.clip((np.float32(1) - away) * 6 + leaves, 0, 1)
        crown.paint((0.13, 0.22, 0.08), np.clip(1.1 - 0.4 * away + 0.35 * leaves, 0.2, 2.2))


def _draw_ground(rng: Generator, canvas: Canvas, camera: Camera, rays: tuple[Plane, Plane, Plane]) -> None:
    below = np.flatnonzero(rays[1].min(axis=1) < 0)
    if not below.size:
        return
    rows = slice(int(below[0]), canvas.height)  # the rows that show any ground
    across, upwards, along = (ray[rows] for ray in rays)
    cover = np.clip(-upwards * np.float32(camera.focal), 0, 1)
    reach = np.float32(camera.eye) / np.maximum(-upwards, np.float32(0.012))
    eye_x, _, eye_z = camera.position()
    x = np.float32(eye_x) + across * reach
    z = np.float32(eye_z) + along * reach
    light = _gravel(rng, x, z, reach)
    light *= 1 - np.float32(rng.uniform(0.5, 0.8)) * _sixth_power_bell(
        x / np.float32(2.1), z / np.float32(0.95)
    )
    tone = muted_colour(rng, 0.16, 0.55)
    beyond = muted_colour(rng, 0.2, 0.6) if rng.random() < 0.5 else _GRASS
    verge = z + np.float32(rng.normal(0, 0.05)) * x < np.float32(rng.uniform(-6.0, -1.6))
    marks = None
    if rng.random() < 0.6:
        place, gap = rng.uniform(1.2, 3.0), rng.uniform(2.0, 6.0)
        marks = (np.abs(z - np.float32(place)) < 0.07) & (x * np.float32(1 / gap) % 1 < 0.6)
    ground = np.where(verge, as_planes(beyond), as_planes(tone))
    if marks is not None:
        ground[:, marks] = 0.78
    ground *= light
    planes = canvas.planes[:, rows]
    planes += cover * (ground - planes)


def _gravel(rng: Generator, x: Plane, z: Plane, reach: Plane) -> Plane:
    """Return the light reflected by rough ground: stones and patches."""
    tile = natural_noise(rng, 512, 512, rng.uniform(0.7, 0.95))
    tile = np.block(
        [[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]]
    )  # mirrored, so that it has no seams
    light = np.ones_like(x)
    for scale, strength in ((rng.uniform(120, 400), rng.uniform(0.1, 0.3)), (13.0, 0.1)):
        spot = (z * np.float32(scale)).astype(np.int32) & 1023
        spot <<= 10
        spot |= (x * np.float32(scale)).astype(np.int32) & 1023
        light += np.float32(strength) * tile.ravel().take(spot)
    # Distant structure is finer than a pixel and averages out.
    light -= 1
    light /= 1 + reach * np.float32(0.06)
    light += 1
    return light


def _sixth_power_bell(x: Plane, z: Plane) -> Plane:
    """Return the shadow under a vehicle: 1 in the middle, 0 beyond 1 in either direction."""
    x *= x
    z *= z
    bell: Plane = np.exp(-np.minimum(x * x * x + z * z * z, np.float32(30)))
    return bell
