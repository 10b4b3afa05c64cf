"""Claims of a request have the scores, reasons and referrals of the same claims in a file."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.model import Forest, Linear, Model, contributions
from claimwatch.domain.validation.claim_json import read_claims
from claimwatch.domain.validation.claim_validator import RejectedClaim
from claimwatch.scoring.bundle import MANIFEST, Bundle, Manifest
from claimwatch.scoring.online import ClaimScore, ModelOfAnotherContract, OnlineModel
from claimwatch.scoring.scorer import Scorer
from tests.unit.models.bundles import SPEC, draw_columns, make_bundle
from tests.unit.models.forests import draw_forest

KEY = bytes(range(32))
CONTRACT = Contract(
    "pets",
    "1.0.0",
    "claim_pets",
    (
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("amount", LogicalType.NUMBER, Role.FEATURE),
        Column("known", LogicalType.BOOLEAN, Role.FEATURE),
        Column("animal", LogicalType.STRING, Role.FEATURE),
        Column("bought_on", LogicalType.TIMESTAMP, Role.FEATURE),
        Column("reported_at", LogicalType.TIMESTAMP, Role.EVENT_TIME),
    ),
)


def bodies(columns: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Return the claims as a client would send them; missing values as null or not at all."""
    found = []
    for row in range(len(columns["amount"])):
        amount = float(columns["amount"][row])
        claim = {
            "claim_id": f"C{row}",
            "known": columns["known"][row],
            "animal": columns["animal"][row],
            "bought_on": f"{columns['bought_on'][row]}Z",
            "reported_at": f"{columns['reported_at'][row]}Z",
        }
        found.append(claim if np.isnan(amount) else claim | {"amount": amount})
    return found


def scored(model: OnlineModel, claims: list[dict[str, Any]]) -> list[ClaimScore]:
    results = model.score(read_claims(json.dumps({"claims": claims}), "claims"))
    assert all(isinstance(result, ClaimScore) for result in results), results
    return [result for result in results if isinstance(result, ClaimScore)]


def linear() -> Linear:
    drawn = np.random.default_rng(3)
    model = Linear(
        weight=drawn.normal(size=5) * [1, 1, 0, 1, 0.1],
        center=drawn.normal(size=5),
        missing=drawn.normal(size=5),
        first=np.array([-1, -1, 0, -1, -1], dtype=np.int32),
        table=drawn.normal(size=3),
        expected=np.zeros(5),
        intercept=-1.0,
    )
    return replace(model, expected=contributions(model, encode(SPEC, draw_columns(1, 500))).mean(axis=0))


def averaged() -> Forest:
    model = draw_forest(8, trees=60, depth=9, link="identity")
    return replace(model, base=0.0, value=np.abs(model.value) / 500)


MODELS = {
    "boosted": draw_forest(6, trees=200, depth=3),
    "deep": draw_forest(9, trees=90, depth=9),
    "averaged": averaged(),
    "linear": linear(),
}


def of_tie(files: dict[str, bytes], threshold: float) -> tuple[dict[str, bytes], str]:
    """Return the bundle with a threshold that some claims tie at, of which half are referred."""
    content = replace(Manifest.from_bytes(files[MANIFEST]), threshold=threshold, tie_share=0.5).to_bytes()
    return files | {MANIFEST: content}, hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_a_claim_has_the_bits_of_a_file_alone_and_in_any_request(model: Model) -> None:
    columns = draw_columns(11, 8200)
    ids = np.array([f"C{row}" for row in range(8200)], dtype=object)
    files, sha256 = make_bundle(model)
    found = Scorer(Bundle.read(files.__getitem__, sha256)).score(columns)
    # The probability of claim 5, so that the draw among equal scores decides.
    files, sha256 = of_tie(files, float(found.probability[5]))
    scorer = Scorer(Bundle.read(files.__getitem__, sha256))
    expected = scorer.score(columns)
    referred = scorer.referred(expected.probability, ids, KEY)
    reasons = scorer.reasons(columns, np.arange(600))
    online, claims = OnlineModel(CONTRACT, scorer, KEY), bodies({k: v[:600] for k, v in columns.items()})
    for start, count in ((0, 1), (5, 1), (6, 7), (13, 8), (100, 100), (599, 1)):
        rows = slice(start, start + count)
        results = scored(online, claims[rows])
        assert [result.claim_id for result in results] == ids[rows].tolist()
        assert (
            np.array([result.probability for result in results]).tobytes()
            == expected.probability[rows].tobytes()
        )
        assert (
            np.array([result.percentile for result in results]).tobytes()
            == expected.percentile[rows].tobytes()
        )
        assert [result.referred for result in results] == referred[rows].tolist()
        assert [list(result.reasons) for result in results] == reasons[rows]


def test_a_rejected_claim_keeps_its_place_and_others_keep_their_scores() -> None:
    files, sha256 = make_bundle()
    model = OnlineModel(CONTRACT, Scorer(Bundle.read(files.__getitem__, sha256)), KEY)
    claims = bodies(draw_columns(5, 4))
    alone = scored(model, claims)
    wrong = {"claim_id": "X", "amount": "many"}
    text = json.dumps({"claims": [claims[0], wrong, *claims[1:], claims[0]]})
    results = model.score(read_claims(text, "claims"))
    assert [type(result) for result in results] == [
        ClaimScore,
        RejectedClaim,
        *[ClaimScore] * 3,
        RejectedClaim,
    ]
    assert [result for result in results if isinstance(result, ClaimScore)] == alone
    rules = [
        (problem.column, problem.rule)
        for result in results
        if isinstance(result, RejectedClaim)
        for problem in result.problems
    ]
    assert rules == [("amount", "type"), ("claim_id", "unique")]


@pytest.mark.parametrize("change", ["without it", "another type"])
def test_a_model_of_another_contract_scores_nothing(change: str) -> None:
    files, sha256 = make_bundle()
    scorer = Scorer(Bundle.read(files.__getitem__, sha256))
    columns = [
        replace(column, logical_type=LogicalType.STRING)
        if change == "another type" and column.name == "amount"
        else column
        for column in CONTRACT.columns
        if change == "another type" or column.name != "amount"
    ]
    with pytest.raises(ModelOfAnotherContract, match="'amount'"):
        OnlineModel(replace(CONTRACT, columns=tuple(columns)), scorer, KEY)
