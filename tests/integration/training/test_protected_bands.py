"""Training on a book whose protected attribute is an age: the recipe of a stranger's book.

A feature follows the age, and claims of people of 55 and more were labelled as fraud far more often.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.model.bands import Bands
from claimwatch.scoring.bundle import MANIFEST, Manifest
from training.candidates import CANDIDATES
from training.evidence import Evidence
from training.publish import publish
from training.run import Request, train
from training.settings import Settings

CLAIMS = 6_000
LOGISTIC = [family for family in CANDIDATES if family.name == "logistic_regression"]
TODAY = np.datetime64("2026-01-01", "us")
COLUMNS = {
    "id": Column("id", LogicalType.STRING, Role.IDENTIFIER),
    "at": Column("at", LogicalType.DATE, Role.EVENT_TIME),
    "age": Column("age", LogicalType.INTEGER, Role.PROTECTED),
    "sex": Column("sex", LogicalType.STRING, Role.PROTECTED),
    "licence": Column("licence", LogicalType.INTEGER, Role.FEATURE),
    "amount": Column("amount", LogicalType.NUMBER, Role.FEATURE),
    "delay": Column("delay", LogicalType.NUMBER, Role.FEATURE),
}


def trained(folder: Path, older: float, *, birth_date: bool = False, seed: int = 1) -> Evidence:
    """Train on a book in which people of 55 and more have ``exp(older)`` times the odds of fraud.

    A feature, ``licence``, follows the age.
    """
    draw = np.random.default_rng(seed)
    at = np.datetime64("2023-01-01") + np.sort(draw.integers(0, 730, CLAIMS)).astype("m8[D]")
    age = draw.integers(18, 91, CLAIMS)
    amount, delay = draw.normal(size=(2, CLAIMS))
    odds = np.exp(-3.0 + 0.7 * amount + 0.4 * delay + older * (age >= 55))
    born = at - (age * 365.25 + draw.integers(5, 360, CLAIMS)).astype("m8[D]")
    table = {
        "id": [f"c{place:06d}" for place in range(CLAIMS)],
        "at": at,
        "age": born if birth_date else age,
        "sex": np.array(["female", "male"])[draw.integers(0, 2, CLAIMS)],
        "licence": np.maximum(age - 18 - draw.integers(0, 3, CLAIMS), 0),
        "amount": amount,
        "delay": delay,
        "is_fraud": draw.random(CLAIMS) < odds / (1.0 + odds),
        "decided_at": at + np.timedelta64(30, "D"),
    }
    path = folder / "snapshot.parquet"
    pq.write_table(pa.table(table), path)
    of_age = replace(COLUMNS["age"], logical_type=LogicalType.DATE, personal=True)
    columns = COLUMNS | ({"age": of_age} if birth_date else {})
    contract = Contract("x", "1.0.0", "claim_x", tuple(columns.values()))
    request = Request("x", "3", contract, path, "abc", "2026-01-01T00:00:00+00:00", TODAY)
    return train(request, Settings.of_contract(contract, budget_minutes=0.02), candidates=LOGISTIC)


@pytest.mark.parametrize("birth_date", [False, True])
def test_the_band_and_the_proxy_are_named_with_what_can_be_done(tmp_path: Path, birth_date: bool) -> None:
    evidence = trained(tmp_path, 1.3, birth_date=birth_date)
    refusal = evidence.refused_because or ""
    assert [gate.name for gate in evidence.gates if not gate.passed] == ["bias"]
    assert ("age = 80 years and over" if birth_date else "age = 80 and over") in refusal
    assert "It comes with feature licence (rank correlation 1.00 with age)" in refusal
    assert "leave out licence (role: ignored)" in refusal
    assert "claimwatch approve x 3 --exception bias --why" in refusal
    assert [(each.kind, each.column) for each in evidence.warnings] == [("proxy", "licence")]
    publish(evidence, tmp_path)
    card = (tmp_path / "card.md").read_text("utf-8")
    assert "licence: rank correlation 1.00 with age" in card
    manifest = Manifest.from_bytes((tmp_path / MANIFEST).read_bytes())
    assert manifest.bands["age"].edges == (30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
    strongest = manifest.details["proxies"][0]
    assert (strongest["feature"], strongest["attribute"]) == ("licence", "age")


def test_a_model_that_treats_ages_alike_passes_and_its_card_still_names_the_proxy(tmp_path: Path) -> None:
    evidence = trained(tmp_path, 0.0, seed=3)
    assert evidence.refused_because is None
    [warning] = evidence.warnings
    assert (warning.kind, warning.column) == ("proxy", "licence")
    assert "rank correlation 1.00 with age" in warning.found
    publish(evidence, tmp_path)
    card = (tmp_path / "card.md").read_text("utf-8")
    assert "features stand for one, or for one of its groups (0.9 or more): licence: rank" in card
    assert "| licence | 1.00 (rank correlation) |" in card
    bands = json.loads((tmp_path / MANIFEST).read_text("utf-8"))["details"]["bands"]
    assert Bands.from_json(bands["age"]).names[0] == "under 30"
