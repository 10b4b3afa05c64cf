"""A labelled file becomes a model in one sitting: draft, contract, drop, training, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.ingest.local_draft import draft
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site
from tests.testdata import NO_TESTDATA, TESTDATA
from training.candidates import CANDIDATES
from training.publish import publish
from training.run import Request, train
from training.settings import Settings
from training.take_snapshot import take_snapshot

FILE = (TESTDATA or Path()) / "auto-claims" / "insurance_claims.csv"
TODAY = np.datetime64("2026-11-24", "us")
FAST = [family for family in CANDIDATES if family.name == "logistic_regression"]


@pytest.mark.skipif(not FILE.is_file(), reason=NO_TESTDATA)
def test_a_public_file_of_labelled_claims_becomes_a_model(database: ClonedDatabase, tmp_path: Path) -> None:
    _, text = draft(FILE, "auto")
    text = text.replace("status: draft", "status: active")
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("auto", text).status == "applied"
    file = site.drop("claims/auto/a.csv", FILE.read_bytes())
    assert (file["status"], file["rows_loaded"]) == ("committed", 1_000)

    contract = parse_contract(text, "auto")
    snapshot = tmp_path / "snapshot.parquet"
    with site.database.as_task("training").transaction() as cursor:
        take_snapshot(cursor, contract, None, snapshot)
    settings = Settings.of_contract(contract, budget_minutes=0.05)
    evidence = train(
        Request("auto", "1", contract, snapshot, "abc123", "2026-11-24T00:00:00Z", TODAY),
        settings,
        candidates=FAST,
    )

    assert [fold.known for fold in evidence.folds] == [fold.claims for fold in evidence.folds]
    assert sum(fold.frauds for fold in evidence.folds) == 247
    assert evidence.immature == 0
    publish(evidence, tmp_path / "bundle")
    assert "Every claim has an outcome" in (tmp_path / "bundle/card.md").read_text("utf-8")
    assert evidence.refused_because is None
    assert "fraud_reported" not in evidence.spec.names
