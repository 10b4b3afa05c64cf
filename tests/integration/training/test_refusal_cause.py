"""A training that is refused because of its columns names them and what to do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from training.candidates import CANDIDATES
from training.run import Request, train
from training.settings import Settings
from training.snapshot import RefusedTraining

CLAIMS = 3_000
PETS = """\
apiVersion: v3.1.0
kind: DataContract
id: pets
version: 1.0.0
status: active
customProperties: [{property: line, value: pets}]
schema:
  - name: claim_pets
    properties:
      - {name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{property: role, value: identifier}]}
      - {name: on_day, logicalType: date, required: true,
         customProperties: [{property: role, value: event_time}]}
      - {name: amount, logicalType: number, customProperties: [{property: role, value: feature}]}
      - {name: vet, logicalType: string, customProperties: [{property: role, value: feature}]}
      - {name: channel, logicalType: string, customProperties: [{property: role, value: feature}]}
"""
CONTRACT = parse_contract(PETS, "pets")


def outcome(folder: Path, turns_at: float, contract: Contract = CONTRACT) -> str | None:
    """Train on a book whose channels swap their codes at a share of its time; return why it is refused."""
    draw = np.random.default_rng(6)
    amount, direct = draw.normal(6.0, 1.0, CLAIMS), draw.random(CLAIMS) < 0.5
    odds = -2.2 + 0.4 * (amount - 6.0) + 1.8 * np.where(direct, 1.0, -1.0)
    swapped = np.arange(CLAIMS) >= turns_at * CLAIMS
    day = np.datetime64("2024-01-01") + np.sort(draw.integers(0, 800, CLAIMS)).astype("timedelta64[D]")
    pq.write_table(
        pa.table(
            {
                "claim_id": [f"P{number:05}" for number in range(CLAIMS)],
                "on_day": day,
                "amount": np.exp(amount),
                "vet": draw.choice(["north", "east", "south"], CLAIMS),
                "channel": np.where(direct ^ swapped, "A", "B"),
                "row_no": np.arange(CLAIMS),
                "is_fraud": draw.random(CLAIMS) < 1.0 / (1.0 + np.exp(-odds)),
                "decided_at": day + np.timedelta64(20, "D"),
                "source": ["investigation"] * CLAIMS,
            }
        ),
        folder / "pets.parquet",
    )
    request = Request(
        "pets", "1", contract, folder / "pets.parquet", "test", "", np.datetime64("2027-01-01", "us")
    )
    settings = Settings.of_contract(contract, budget_minutes=0.01)
    try:
        return train(request, settings, candidates=CANDIDATES[:1]).refused_because
    except RefusedTraining as refusal:
        return str(refusal)


@pytest.mark.parametrize(("turns_at", "split"), [(0.82, "test"), (0.62, "validation")])
def test_a_column_that_ruined_a_book_is_named(tmp_path: Path, turns_at: float, split: str) -> None:
    reason = outcome(tmp_path, turns_at)
    assert reason is not None
    assert f"what channel says about fraud changed between training and the {split} split" in reason
    assert "Trained without channel, the ROC-AUC is 0." in reason
    assert reason.endswith("Next step: give channel the role ignored in the contract, and train again")


def test_the_same_book_without_the_change_is_not_refused(tmp_path: Path) -> None:
    assert outcome(tmp_path, 1.0) is None


def test_a_training_whose_features_are_all_refused_names_them_with_the_reasons(tmp_path: Path) -> None:
    no_features = replace(CONTRACT, columns=CONTRACT.columns[:2])
    refused = (
        Column("row_no", LogicalType.INTEGER, Role.FEATURE),
        Column("vet", LogicalType.STRING, Role.FEATURE, hashed=True),
    )
    reason = outcome(tmp_path, 1.0, replace(no_features, columns=(*no_features.columns, *refused)))
    assert reason is not None
    assert reason.startswith("no column with role feature is left to learn from. row_no: it is an identifier")
    assert "; vet: it is stored as a hash" in reason
    assert reason.endswith('`claimwatch train pets --trust COLUMN --why "..."`')
    assert outcome(tmp_path, 1.0, no_features) == (
        "no column has role feature: give it to those that are known when a claim is made"
    )
