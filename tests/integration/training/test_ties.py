"""A model that tells only few kinds of claims apart refers its capacity, or is refused with that reason."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from training.candidates import CANDIDATES
from training.publish import publish
from training.run import Request, train
from training.settings import Settings
from training.snapshot import RefusedTraining, read_snapshot

CLAIMS = 4_000
BOATS = """\
apiVersion: v3.1.0
kind: DataContract
id: boats
version: 1.0.0
status: active
customProperties: [{property: line, value: boats}]
schema:
  - name: claim_boats
    properties:
      - {name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{property: role, value: identifier}]}
      - {name: at, logicalType: timestamp, required: true,
         customProperties: [{property: role, value: event_time}]}
      - {name: stolen, logicalType: boolean, customProperties: [{property: role, value: feature}]}
"""
CONTRACT = parse_contract(BOATS, "boats")


def snapshot(path: Path, stolen_share: float) -> Path:
    """Write claims of two kinds over 80 weeks; their hour and weekday, which are features too, never vary."""
    draw = np.random.default_rng(4)
    stolen = draw.random(CLAIMS) < stolen_share
    fraud = draw.random(CLAIMS) < np.where(stolen, 0.4, 0.05)
    weeks = np.sort(draw.integers(0, 80, CLAIMS)).astype("timedelta64[W]")
    table = {
        "claim_id": [f"B{number:05}" for number in range(CLAIMS)],
        "at": np.datetime64("2025-01-01T12", "us") + weeks,
        "stolen": stolen,
        "is_fraud": fraud,
        "decided_at": np.datetime64("2025-01-10T12", "us") + weeks,
        "source": ["random_audit"] * CLAIMS,
    }
    pq.write_table(pa.table(table), path)
    return path


def request(path: Path) -> Request:
    today = np.datetime64("2026-11-01", "us")
    return Request("boats", "1", CONTRACT, path, "test", "2026-11-01T00:00:00+00:00", today)


@pytest.mark.parametrize("candidate", [CANDIDATES[0], CANDIDATES[-1]], ids=lambda candidate: candidate.name)
def test_a_model_whose_best_score_is_a_tie_refers_its_capacity(tmp_path: Path, candidate: object) -> None:
    path = snapshot(tmp_path / "claims.parquet", 0.3)
    settings = Settings.of_contract(CONTRACT, budget_minutes=0.01)

    found = train(request(path), settings, candidates=[candidate])  # type: ignore[list-item]

    assert found.refused_because is None
    assert 0.0 < found.referral.tie_share < 1.0
    sha256 = publish(found, tmp_path / "bundle")
    scorer = Scorer(Bundle.read(lambda name: (tmp_path / "bundle" / name).read_bytes(), sha256))
    claims = read_snapshot(path, CONTRACT)
    ids = np.asarray(claims.columns["claim_id"])
    referred = scorer.referred(scorer.probabilities(claims.columns), ids, b"a key")
    assert referred.mean() == pytest.approx(settings.capacity, abs=0.015)
    assert np.asarray(claims.columns["stolen"], dtype=float)[referred].all()
    card = (tmp_path / "bundle" / "card.md").read_text("utf-8")
    assert "of the claims that have exactly this probability" in card


def test_a_model_that_cannot_tell_claims_apart_is_refused_with_that_reason(tmp_path: Path) -> None:
    """Its only column has one value in all claims, and is kept because it is trusted."""
    path = snapshot(tmp_path / "claims.parquet", 0.0)
    settings = Settings.of_contract(CONTRACT, budget_minutes=0.01, trusted=("stolen",))

    try:
        reason = train(request(path), settings, candidates=CANDIDATES[:1]).refused_because
    except RefusedTraining as refusal:
        reason = str(refusal)

    assert reason is not None
    assert "no more likely with a higher score" in reason or "lift" in reason
