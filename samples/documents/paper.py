"""How a document becomes a picture: it is scanned, or photographed with a phone."""

from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageFilter


def scanned(page: Image.Image, draw: Random) -> Image.Image:
    """Return a scan: grey more often than not, slightly turned and shifted, soft, with noise."""
    image = page.convert("L") if draw.random() < 0.6 else page
    paper = draw.randint(236, 253)
    image = image.point(lambda value: 20 + value * (paper - 20) // 255)
    image = image.rotate(
        draw.uniform(-0.7, 0.7),
        Image.Resampling.BICUBIC,
        translate=(draw.randint(-6, 6), draw.randint(-6, 6)),
        fillcolor=paper if image.mode == "L" else (paper,) * 3,
    )
    return _noisy(image.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 0.9))), draw, 3)


def photographed(page: Image.Image, draw: Random) -> Image.Image:
    """Return a photo of the sheet on a table: in perspective, with a shadow across."""
    width, height = page.size
    edge = 0.03
    corners = [
        (
            width * (x + draw.uniform(0, edge) * (1 if x == 0 else -1)),
            height * (y + draw.uniform(0, edge) * (1 if y == 0 else -1)),
        )
        for x, y in ((0, 0), (0, 1), (1, 1), (1, 0))
    ]
    table = Image.new("RGB", page.size, tuple(draw.randint(60, 150) for _ in range(3)))
    mask = Image.new("L", page.size, 255)
    coefficients = _perspective(corners, [(0, 0), (0, height), (width, height), (width, 0)])
    how = (page.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    table.paste(page.transform(*how), mask=mask.transform(*how))
    shade = Image.linear_gradient("L").rotate(draw.choice((0, 90, 180, 270))).resize(page.size)
    depth = draw.uniform(0.2, 0.45)
    shade = shade.point(lambda value: round(255 * (1 - depth) + value * depth))
    image = ImageChops.multiply(table, Image.merge("RGB", [shade] * 3))
    return _noisy(image.filter(ImageFilter.GaussianBlur(draw.uniform(0.5, 1.2))), draw, 5)


def _perspective(to: list[tuple[float, float]], source: list[tuple[float, float]]) -> list[float]:
    """Return Pillow's eight coefficients of the transform that takes the source's corners to others."""
    rows = []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solved = np.linalg.solve(np.array(rows, float), np.array(source, float).ravel())
    return [float(value) for value in solved]


def _noisy(image: Image.Image, draw: Random, sigma: float) -> Image.Image:
    rng = np.random.default_rng(draw.getrandbits(32))
    values = np.asarray(image, np.float32)
    noise = rng.normal(0, sigma, values.shape[:2]).astype(np.float32)
    values = values + (noise if values.ndim == 2 else noise[:, :, None])
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
