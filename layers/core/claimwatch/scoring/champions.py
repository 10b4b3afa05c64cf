"""Champions that are ready to answer requests, by the hashes of their bundle and of the contract."""

from collections import OrderedDict

from claimwatch.access.lines_in_force import InForce
from claimwatch.aws.objects import ModelStore
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.contract import Contract
from claimwatch.scoring.bundle_store import read_bundle
from claimwatch.scoring.online import OnlineModel
from claimwatch.scoring.scorer import Scorer

CACHED = 8
"""Champions kept in memory, each of another line."""


class Champions:
    """Champions of lines, each read and verified on first use."""

    def __init__(self, objects: ModelStore) -> None:
        self._objects = objects
        self._ready: OrderedDict[tuple[str, str], OnlineModel] = OrderedDict()

    def get(self, in_force: InForce, champion: Pointer, contract: Contract) -> OnlineModel:
        """Return the champion, ready to score claims of the contract; raises ``BundleMismatch``."""
        hashes = champion.sha256, in_force.contract.sha256
        model = self._ready.pop(hashes, None)
        if model is None:
            scorer = Scorer(read_bundle(self._objects, champion.uri, champion.sha256))
            model = OnlineModel(contract, scorer, in_force.key)
        self._ready[hashes] = model
        if len(self._ready) > CACHED:
            self._ready.popitem(last=False)
        return model
