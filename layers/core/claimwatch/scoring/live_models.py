"""Models that are ready to score, kept warm by the hash of their bytes."""

from collections import OrderedDict

from claimwatch.aws.objects import ModelStore
from claimwatch.scoring.bundle_store import read_bundle
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage.models import LiveModel

MOST = 4
"""Models that are kept: champion and challenger of two lines."""


class ModelCache:
    """The models that this process has scored by of late."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Scorer] = OrderedDict()

    def get(self, objects: ModelStore, live: LiveModel) -> Scorer:
        """The model, read and verified when it is first needed; raises ``BundleMismatch``."""
        found = self._kept.get(live.bundle_sha256)
        if found is None:
            found = Scorer(read_bundle(objects, live.bundle_uri, live.bundle_sha256))
            self._kept[live.bundle_sha256] = found
        self._kept.move_to_end(live.bundle_sha256)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return found
