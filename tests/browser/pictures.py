"""`make desk-images`: copies three screenshots, as much as a window shows of each, for README.md."""

from pathlib import Path

from PIL import Image

from tests.cluster import PROJECT

SCREENSHOTS = PROJECT / "reports" / "screenshots"
IMAGES = PROJECT / "docs" / "images"
PICTURES = {
    "desk-case": "investigator-case-held-1280-light",
    "desk-queue": "investigator-queue-1280-light",
    "desk-weeks": "data-scientist-weeks-1280-light",
}
"""The screenshot of each picture."""
HEIGHT = 900
"""Pixels of a window; screenshots are of whole pages."""
MOST = 150_000
"""Bytes of a picture."""


def main() -> None:
    """Write the pictures; raise `RuntimeError` if one is too large for a README."""
    IMAGES.mkdir(exist_ok=True)
    for name, screenshot in PICTURES.items():
        path = IMAGES / f"{name}.webp"
        with Image.open(SCREENSHOTS / f"{screenshot}.png") as page:
            page.crop((0, 0, page.width, min(page.height, HEIGHT))).save(path, quality=85, method=6)
        size = path.stat().st_size
        if size > MOST:
            raise RuntimeError(f"{path} has {size:,} bytes; at most {MOST:,} are wanted")
        print(f"{path.relative_to(Path.cwd())}  {size:,} bytes")


if __name__ == "__main__":
    main()
