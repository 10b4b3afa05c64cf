"""The expected results of scoring and promotions in plain Python, and simple models.

A model is a sum over two columns, so that a probability is one line of arithmetic. Only the bundles are built
by the code of trainings, because scoring reads their bytes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import exp

import numpy as np

from claimwatch.domain.model.calibration import Calibration
from claimwatch.domain.model.features import Feature, FeatureSpec
from claimwatch.domain.model.model import Linear, to_bytes
from claimwatch.domain.model.profile import reference_of
from claimwatch.scoring.bundle import MANIFEST, Manifest, Part
from training.graph import onnx_of

AUDIT_SHARE = 0.1
CLOSE = 1e-6
"""Tolerance; probabilities are 32-bit numbers."""
CALIBRATION = Calibration(1.25, -0.5)

_SPEC = FeatureSpec(
    (Feature("amount", "number", "amount"), Feature("panes", "number", "panes")), event_time="broken_on"
)


@dataclass(frozen=True)
class Claim:
    """A valid record of a file."""

    claim_id: str
    row_number: int
    broken_on: date
    amount: float
    panes: int | None

    @property
    def week(self) -> date:
        """The Monday of its week."""
        return self.broken_on - timedelta(days=self.broken_on.weekday())

    def is_audited(self, key: bytes) -> bool:
        """Return whether the claim belongs to the random audit."""
        drawn = int.from_bytes(hashlib.blake2b(self.claim_id.encode(), key=key, digest_size=8).digest())
        return drawn < AUDIT_SHARE * 2**64


@dataclass(frozen=True)
class TwoColumns:
    """A model of line glass."""

    version: str
    of_amount: float
    of_panes: float
    without_panes: float
    threshold: float

    def probability(self, claim: Claim) -> float:
        """Return the probability of a claim."""
        margin = self.of_amount * (claim.amount - 2500.0)
        margin += self.without_panes if claim.panes is None else self.of_panes * (claim.panes - 3.0)
        return 1.0 / (1.0 + exp(-(CALIBRATION.slope * margin + CALIBRATION.offset)))


MODELS = (
    TwoColumns("1", 0.002, 0.1, 0.5, 0.9),
    TwoColumns("2", 0.001, -0.4, -1.0, 0.8),
    TwoColumns("3", -0.0015, 0.3, 2.0, 0.85),
)


@cache
def bundle(model: TwoColumns) -> tuple[dict[str, bytes], str]:
    """Return the files of a model's bundle and the hash of its manifest."""
    linear = Linear(
        weight=np.array([model.of_amount, model.of_panes]),
        center=np.array([2500.0, 3.0]),
        missing=np.array([0.0, model.without_panes]),
        first=np.array([-1, -1], dtype=np.int32),
        table=np.empty(0),
        expected=np.zeros(2),
        intercept=0.0,
    )
    amounts = np.linspace(0.0, 5000.0, 200)
    columns = {
        "amount": amounts,
        "panes": np.full(200, 3.0),
        "broken_on": np.full(200, np.datetime64("2026-02-01", "us")),
    }
    typical = [Claim("", 0, date(2026, 2, 1), amount, 3) for amount in amounts.tolist()]
    files = {
        "model.onnx": onnx_of(linear, CALIBRATION),
        "explainer.npz": to_bytes(linear),
        "features.json": _SPEC.to_json().encode(),
        "profiles.json": reference_of(_SPEC, columns, [model.probability(claim) for claim in typical])
        .to_json()
        .encode(),
        "card.html": b"<p>A model</p>",
    }
    files[MANIFEST] = Manifest(
        line="glass",
        version=model.version,
        contract_version="1.0.0",
        code_version="test",
        data_sha256="0" * 64,
        seed=7,
        created_at="2026-01-01T00:00:00Z",
        capacity=0.1,
        threshold=model.threshold,
        audit_share=AUDIT_SHARE,
        calibration={"slope": CALIBRATION.slope, "offset": CALIBRATION.offset},
        metrics={},
        parts={name: Part.of(content) for name, content in files.items()},
    ).to_bytes()
    return files, hashlib.sha256(files[MANIFEST]).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A row of the promotion history."""

    request_id: str
    version: str | None
    role: str
    action: str


@dataclass(frozen=True)
class Request:
    """A request for a promotion, or, without a version, for a rollback."""

    request_id: str
    version: str | None
    role: str = "champion"


def wrong_entries(history: Sequence[Entry], requests: Sequence[Request]) -> list[str]:
    """Return the problems of a history, oldest entry first, given the requests for it."""
    request_of = {request.request_id: request for request in requests}
    live: dict[str, str | None] = {}
    reign: list[str | None] = []
    wrong = []
    vacated: str | None = None
    for index, entry in enumerate(history):
        request = request_of.get(entry.request_id)
        if entry.action == "vacate":
            if (entry.request_id, entry.role) != (vacated, "challenger"):
                wrong.append(f"entry {index} vacates a role without reason: {entry}")
            live.pop(entry.role, None)
            vacated = None
            continue
        if vacated is not None:
            wrong.append(f"before entry {index} the champion is also the challenger")
        if request is None or request.role != entry.role:
            wrong.append(f"entry {index} was never requested: {entry}")
            continue
        back = reign[-2] if len(reign) > 1 else None
        if (entry.action, entry.version) not in (("promote", request.version), ("rollback", back)):
            wrong.append(
                f"entry {index} does not match its request: {entry}, {request}, champion before: {back}"
            )
        if entry.version == live.get(entry.role):
            wrong.append(f"entry {index} changes nothing: {entry}")
        if entry.role == "champion":
            reign = reign[:-1] if entry.action == "rollback" else [*reign, entry.version]
            if entry.version == live.get("challenger"):
                vacated = entry.request_id
        live[entry.role] = entry.version
    if vacated is not None:
        wrong.append("in the end the champion is also the challenger")
    return wrong
