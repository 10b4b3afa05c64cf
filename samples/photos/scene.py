"""Draws pictures of damaged vehicles that codecs and perceptual hashes treat like photographs.

They have textures with the 1/f spectrum of natural images, a vehicle seen by a pinhole camera from any side,
distance and zoom, uneven light, and sensor noise that grows with the light.
"""

import numpy as np
from numpy.random import Generator
from PIL import Image

from samples.photos.camera import Camera
from samples.photos.canvas import Canvas, as_planes, white_noise
from samples.photos.surroundings import draw_surroundings
from samples.photos.vehicle import Vehicle


def scene(seed: int, number: int, width: int = 4000, height: int = 3000) -> Image.Image:
    """Draw scene ``number`` of a seed in RGB; each is different. 12 megapixels take half a second."""
    rng = np.random.default_rng([seed, number])
    # Drawn at half size: a sensor, too, samples each colour with fewer pixels than the picture has.
    canvas = Canvas(rng, max(width // 2, 8), max(height // 2, 8))
    camera = Camera.placed(rng, canvas.width, canvas.height)
    draw_surroundings(rng, canvas, camera)
    Vehicle(rng, canvas, camera).draw()
    if rng.random() < 0.5:
        canvas.planes = canvas.planes[:, :, ::-1].copy()  # the other side of the vehicle
    _light(rng, canvas)
    return _developed(rng, canvas, width, height)


def _light(rng: Generator, canvas: Canvas) -> None:
    """Apply uneven light with darker corners, sometimes a shadow, and the colour of the time of day."""
    x = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None]
    lean_x, lean_y = (np.float32(lean) for lean in rng.normal(0, 0.22, 2))
    light = np.clip(1 + lean_x * x + lean_y * y, 0.3, 1.7) * (
        1 - np.float32(rng.uniform(0.05, 0.3)) * (x * x + y * y) / 2
    )
    if rng.random() < 0.45:  # a shadow of a wall, a tree or the photographer
        angle, offset, soft = rng.uniform(0, np.pi), rng.normal(0, 0.5), rng.uniform(4, 40)
        edge = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(offset)
        light *= 1 - np.float32(rng.uniform(0.2, 0.5)) / (
            1 + np.exp(np.clip(-edge * np.float32(soft), -30, 30))
        )
    warmth = rng.normal(0, 0.05)
    exposure = rng.uniform(0.8, 1.2)
    canvas.planes *= light * as_planes((exposure * (1 + warmth), exposure, exposure * (1 - warmth)))


def _developed(rng: Generator, canvas: Canvas, width: int, height: int) -> Image.Image:
    """Return the picture at full size with shot noise, which is nearly the same in the three colours."""
    np.clip(canvas.planes, 0.0, 1.0, out=canvas.planes)
    gain = rng.uniform(3.0, 9.0)  # darker scenes need a higher gain
    grain = (white_noise(rng, width, height) * np.float32(gain * 8)).astype(np.int16)
    channels = []
    for plane in canvas.planes:
        levels = (np.sqrt(plane) * np.float32(255)).astype(np.uint8)
        band = np.asarray(Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC))
        noisy = band.astype(np.int16)
        noisy += (grain * (np.int16(1) + (band >> 6))) >> 5
        channels.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
        grain = np.roll(grain, 1)
    return Image.merge("RGB", channels)
