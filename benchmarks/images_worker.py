"""A contestant's process, which stays: each photo's bytes in, its display copy out.

Run as ``python -m benchmarks.images_worker CONTESTANT``: requests come as lines of JSON, and each is answered
with one. Nothing is imported that the contestant does not need, for its memory is measured.

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
"""Of everybody's display copy, as Claimwatch's."""

type Contestant = Callable[[bytes], bytes]


def claimwatch() -> Contestant:
    """Both copies, perceptual hash and EXIF; what is returned is the display copy."""
    from claimwatch.domain.photos.photo import examine  # noqa: PLC0415
    from claimwatch.malloc import disable_heap_trim  # noqa: PLC0415

    disable_heap_trim()  # as the decoding process does
    return lambda data: examine(data).display


def naive() -> Contestant:
    """What one writes first: open, turn upright, resize by the best filter, save."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    def shrink(data: bytes) -> bytes:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        return saved(image.resize(fitted(image.size), Image.Resampling.LANCZOS))

    return shrink


def draft() -> Contestant:
    """Pillow's fastest path to the display copy alone: half of the picture is never decoded."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    def shrink(data: bytes) -> bytes:
        image = Image.open(io.BytesIO(data))
        image.thumbnail((LONGEST, LONGEST), reducing_gap=1.0)
        return saved(ImageOps.exif_transpose(image))

    return shrink


def pyvips() -> Contestant:
    """libvips, one thread (VIPS_CONCURRENCY is the caller's to set)."""
    import pyvips  # type: ignore[import-untyped]  # noqa: PLC0415

    pyvips.cache_set_max(0)  # every photo comes again in every round

    def shrink(data: bytes) -> bytes:
        image = pyvips.Image.thumbnail_buffer(data, LONGEST, height=LONGEST, size="down")
        written: bytes = image.jpegsave_buffer(Q=QUALITY, keep="none")
        return written

    return shrink


def fitted(size: tuple[int, int]) -> tuple[int, int]:
    """A picture's size as a display copy."""
    scale = min(1.0, LONGEST / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def saved(image: Any) -> bytes:
    """A picture of Pillow's as JPEG, without metadata."""
    image.info = {}
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


CONTESTANTS = {"claimwatch": claimwatch, "naive": naive, "draft": draft, "pyvips": pyvips}


def _serve(shrink: Contestant) -> None:
    # Answers have the standard output for themselves; what anything prints goes to the errors.
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
                answer = {}  # they are those of this environment
            case unknown:
                raise ValueError(f"there is no step {unknown}")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(CONTESTANTS[sys.argv[1]]())
