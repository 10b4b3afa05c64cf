"""An invented motor book with a known fraud mechanism: clean or dirty claims, outcomes and ground truth.

    from samples import write_claims
    manifest = write_claims("claims.csv", rows=1_000_000, seed=7, bad_share=0.01)

See docs/samples.md; `python -m samples` does the same from a shell.
"""

from samples.book import DRIFTING_FEATURES, Book, BookConfig, Claims, Drift
from samples.dirt import BREAKS_THE_CONTRACT, BREAKS_THE_TEXT, Dirt
from samples.layout import SHAPES, Shape
from samples.manifest import Damage, Duplicate, Kind, Manifest
from samples.writing import Corrections, write_claims, write_week

__all__ = [
    "BREAKS_THE_CONTRACT",
    "BREAKS_THE_TEXT",
    "DRIFTING_FEATURES",
    "SHAPES",
    "Book",
    "BookConfig",
    "Claims",
    "Corrections",
    "Damage",
    "Dirt",
    "Drift",
    "Duplicate",
    "Kind",
    "Manifest",
    "Shape",
    "write_claims",
    "write_week",
]
