"""A contestant's long-running process, which makes display copies of photos.

Run as ``python -m benchmarks.images_worker CONTESTANT``. Requests and answers are lines of JSON. The process
imports only what the contestant needs, because its memory is measured.

["shrink", [path, ...]] -> {"seconds": s}      ["display", path, to] -> null      ["versions"] -> {}
"""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST, QUALITY = 1024, 85
"""Size and quality of every contestant's display copy, as in Claimwatch."""

type Contestant = Callable[[bytes], bytes]


def claimwatch() -> Contestant:
    """Return Claimwatch's decoder: both copies, perceptual hash and EXIF; it returns the display copy."""
    from claimwatch.domain.photos.photo import examine  # noqa: PLC0415
    from claimwatch.malloc import disable_heap_trim  # noqa: PLC0415

    disable_heap_trim()  # as the decoding process does
    return lambda data: examine(data).display


def naive() -> Contestant:
    """Return the naive solution: open, turn upright, resize with the best filter, save."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    def shrink(data: bytes) -> bytes:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        return saved(image.resize(fitted(image.size), Image.Resampling.LANCZOS))

    return shrink


def draft() -> Contestant:
    """Return Pillow's fastest way to a display copy, which decodes JPEGs at a reduced scale."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    def shrink(data: bytes) -> bytes:
        image = Image.open(io.BytesIO(data))
        image.thumbnail((LONGEST, LONGEST), reducing_gap=1.0)
        return saved(ImageOps.exif_transpose(image))

    return shrink


def pyvips() -> Contestant:
    """Return libvips with one thread; the caller sets VIPS_CONCURRENCY."""
    import pyvips  # type: ignore[import-untyped]  # noqa: PLC0415

    pyvips.cache_set_max(0)  # every photo is repeated in every round

    def shrink(data: bytes) -> bytes:
        image = pyvips.Image.thumbnail_buffer(data, LONGEST, height=LONGEST, size="down")
        written: bytes = image.jpegsave_buffer(Q=QUALITY, keep="none")
        return written

    return shrink


def fitted(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a picture's display copy."""
    scale = min(1.0, LONGEST / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def saved(image: Any) -> bytes:
    """Encode a Pillow image as JPEG without metadata."""
    image.info = {}
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


CONTESTANTS = {"claimwatch": claimwatch, "naive": naive, "draft": draft, "pyvips": pyvips}


def _serve(shrink: Contestant) -> None:
    # Only answers go to standard output; anything that libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answer: Any = None
        match json.loads(line):
            case ["shrink", paths]:
                begun = time.perf_counter()
                for path in paths:
                    shrink(Path(path).read_bytes())
                answer = {"seconds": time.perf_counter() - begun}
            case ["display", path, to]:
                Path(to).write_bytes(shrink(Path(path).read_bytes()))
            case ["versions"]:
                answer = {}  # all are packages of this environment
            case unknown:
                raise ValueError(f"unknown request {unknown}")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(CONTESTANTS[sys.argv[1]]())
