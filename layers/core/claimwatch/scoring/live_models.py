"""Models that are ready to score, cached by the hash of their bundles."""

from collections import OrderedDict

from claimwatch.aws.objects import ModelStore
from claimwatch.scoring.bundle_store import read_bundle
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage.models import LiveModel

CACHED = 4
"""Models kept in memory: champion and challenger of two lines."""


class ModelCache:
    """LRU cache of models."""

    def __init__(self) -> None:
        self._scorers: OrderedDict[str, Scorer] = OrderedDict()

    def get(self, objects: ModelStore, live: LiveModel) -> Scorer:
        """Return the model, read and verified on first use; raises ``BundleMismatch``."""
        scorer = self._scorers.get(live.bundle_sha256)
        if scorer is None:
            scorer = Scorer(read_bundle(objects, live.bundle_uri, live.bundle_sha256))
            self._scorers[live.bundle_sha256] = scorer
        self._scorers.move_to_end(live.bundle_sha256)
        while len(self._scorers) > CACHED:
            self._scorers.popitem(last=False)
        return scorer
