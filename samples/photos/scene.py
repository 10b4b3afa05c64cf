"""Pictures of damaged vehicles, drawn and not taken, that behave like photographs.

So that codecs and perceptual hashes have the work they have with those: textures with the 1/f spectrum of
natural pictures, a vehicle seen by a pinhole camera from any side, distance and zoom, light that falls off,
and the noise of a sensor, which grows with the light.
"""

import numpy as np
from numpy.random import Generator
from PIL import Image

from samples.photos.camera import Camera
from samples.photos.canvas import Canvas, bands, white_noise
from samples.photos.surroundings import draw_surroundings
from samples.photos.vehicle import Vehicle


def scene(seed: int, number: int, width: int = 4000, height: int = 3000) -> Image.Image:
    """Picture ``number`` of a seed, in RGB; no two show the same. 12 megapixels take half a second."""
    rng = np.random.default_rng([seed, number])
    # Drawn in half the size: the colours of a sensor come from half as many samples as it has pixels, too.
    canvas = Canvas(rng, max(width // 2, 8), max(height // 2, 8))
    camera = Camera.placed(rng, canvas.width, canvas.height)
    draw_surroundings(rng, canvas, camera)
    Vehicle(rng, canvas, camera).draw()
    if rng.random() < 0.5:
        canvas.planes = canvas.planes[:, :, ::-1].copy()  # the vehicle's other side
    _light(rng, canvas)
    return _developed(rng, canvas, width, height)


def _light(rng: Generator, canvas: Canvas) -> None:
    """Light that falls off to one side and to the corners, a shadow across, and the colour of the hour."""
    x = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None]
    lean_x, lean_y = (np.float32(lean) for lean in rng.normal(0, 0.22, 2))
    light = np.clip(1 + lean_x * x + lean_y * y, 0.3, 1.7) * (
        1 - np.float32(rng.uniform(0.05, 0.3)) * (x * x + y * y) / 2
    )
    if rng.random() < 0.45:  # of a wall, a tree, or whoever takes the picture
        angle, offset, soft = rng.uniform(0, np.pi), rng.normal(0, 0.5), rng.uniform(4, 40)
        edge = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(offset)
        light *= 1 - np.float32(rng.uniform(0.2, 0.5)) / (
            1 + np.exp(np.clip(-edge * np.float32(soft), -30, 30))
        )
    warmth = rng.normal(0, 0.05)
    exposure = rng.uniform(0.8, 1.2)
    canvas.planes *= light * bands((exposure * (1 + warmth), exposure, exposure * (1 - warmth)))


def _developed(rng: Generator, canvas: Canvas, width: int, height: int) -> Image.Image:
    """Full size, with what a sensor adds: shot noise, the same for the three colours but for a little."""
    np.clip(canvas.planes, 0.0, 1.0, out=canvas.planes)
    gain = rng.uniform(3.0, 9.0)  # a darker scene is taken at a higher one
    grain = (white_noise(rng, width, height) * np.float32(gain * 8)).astype(np.int16)
    bands = []
    for plane in canvas.planes:
        levels = (np.sqrt(plane) * np.float32(255)).astype(np.uint8)
        band = np.asarray(Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC))
        noisy = band.astype(np.int16)
        noisy += (grain * (np.int16(1) + (band >> 6))) >> 5
        bands.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
        grain = np.roll(grain, 1)
    return Image.merge("RGB", bands)
