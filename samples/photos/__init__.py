"""Drawn photographs of vehicle damage, each of a different scene and deterministic by seed.

    from samples.photos import scene, encoded, Facts
    data = encoded(scene(seed=7, number=0, width=4000, height=3000), "JPEG", Facts(orientation=6))

See docs/samples.md; `python -m samples photos` writes photos of a book's claims.
"""

from samples.photos.delivery import FORMATS, Facts, SentPhoto, deliver_photos, encoded
from samples.photos.scene import scene

__all__ = ["FORMATS", "Facts", "SentPhoto", "deliver_photos", "encoded", "scene"]
