"""Golden claims are the same in every process, meet every feature and rule, and are of no person."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.releases.draws import Draws
from claimwatch.domain.releases.golden_claims import GOLDEN_CLAIMS, golden_claims
from claimwatch.domain.releases.pattern_texts import text_matching
from claimwatch.domain.validation.claim_json import read_claims
from claimwatch.domain.validation.claim_validator import AcceptedClaim, ClaimValidator, RejectedClaim
from claimwatch.domain.validation.row_rules import rules_of
from claimwatch.releases.check_scores import bodies
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.score_request import LARGEST_BODY, MOST_CLAIMS
from samples import BookConfig
from samples.delivery import deliver
from tests.cluster import MOTOR
from tests.motor_model import grow
from tests.unit.models.bundles import make_bundle
from tests.unit.releases.environment import PETS

UNTIL = date(2026, 1, 1)


@dataclass(frozen=True)
class Drawn:
    """Golden claims, and what the rules of their contract say of them."""

    contract: Contract
    bundle: Bundle
    texts: Sequence[str]
    found: Sequence[AcceptedClaim | RejectedClaim]

    @classmethod
    def of(cls, contract: Contract, bundle: Bundle) -> "Drawn":
        texts = golden_claims(contract, bundle.spec, bundle.reference, seed=bundle.sha256, until=UNTIL)
        found: list[AcceptedClaim | RejectedClaim] = []
        for body in bodies(texts):
            found += ClaimValidator(contract).validate_all(read_claims(body, "claims"))
        return cls(contract, bundle, texts, found)

    @property
    def accepted(self) -> list[AcceptedClaim]:
        return [each for each in self.found if isinstance(each, AcceptedClaim)]

    def values(self, column: str) -> list[object]:
        return [claim.values.get(column) for claim in self.accepted]


def pets_bundle() -> Bundle:
    files, sha256 = make_bundle()
    return Bundle.read(files.__getitem__, sha256)


@pytest.fixture(scope="module")
def pets() -> Drawn:
    return Drawn.of(PETS, pets_bundle())


@pytest.fixture(scope="module")
def motor(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("book")
    sent = deliver(BookConfig(seed=5, weeks=3, claims_per_week=1000), folder)
    weeks = [Path(each.key).stem for each in sent if each.part == "claims"]
    model = grow(folder, weeks)
    bundle = Bundle.read(model.files.__getitem__, model.sha256)
    return Drawn.of(parse_contract(MOTOR.read_text("utf-8"), "motor"), bundle)


@pytest.fixture(params=["pets", pytest.param("motor", marks=pytest.mark.slow)])
def drawn(request: pytest.FixtureRequest) -> Drawn:
    found: Drawn = request.getfixturevalue(request.param)
    return found


def test_four_of_five_claims_keep_all_rules_and_the_fifth_breaks_some(drawn: Drawn) -> None:
    assert len(drawn.found) == GOLDEN_CLAIMS
    rejected = {place for place, each in enumerate(drawn.found) if isinstance(each, RejectedClaim)}
    assert rejected == set(range(4, GOLDEN_CLAIMS, 5))


def test_every_feature_has_all_kinds_of_values(drawn: Drawn) -> None:
    for feature in drawn.bundle.spec.features:
        column = drawn.contract.column(feature.column)
        assert column is not None
        profile = drawn.bundle.reference.features[feature.name]
        values = drawn.values(feature.column)
        present = {value for value in values if value is not None}
        assert (None in values) is not column.required, feature.name
        match feature.kind:
            case "category":
                assert present >= set(feature.categories), feature.name
                assert (present > set(feature.categories)) is (column.valid_values is None), feature.name
            case "flag":
                assert present == {True, False}
            case "number":
                numbers = sorted(float(str(value)) for value in present)
                for share in (0.05, 0.5, 0.95):
                    quantile = profile.quantile(share)
                    assert quantile is not None
                    assert any(abs(number - quantile) <= 0.5 for number in numbers), (feature.name, share)
                if column.minimum is None and column.exclusive_minimum is None:
                    assert numbers[0] < (profile.minimum or 0.0), feature.name
                if column.maximum is None and column.exclusive_maximum is None:
                    assert numbers[-1] > (profile.maximum or 0.0), feature.name
            case "hour":
                assert {value.hour for value in present} == set(range(24))  # type: ignore[attr-defined]
            case "weekday":
                assert {value.weekday() for value in present} == set(range(7))  # type: ignore[attr-defined]
            case "days":
                assert len(present) > 20, feature.name


@pytest.mark.slow
def test_every_rule_of_the_contract_is_broken_by_some_claim(motor: Drawn) -> None:
    broken = {
        (problem.column, problem.rule)
        for each in motor.found
        if isinstance(each, RejectedClaim)
        for problem in each.problems
    }
    for column in motor.contract.columns:
        for rule in rules_of(column):
            if column.role is not Role.IDENTIFIER and rule.limit != 1:  # an empty text is missing
                assert (column.name, rule.name) in broken, (column.name, rule.name)
        if column.required:
            assert (column.name, "required") in broken
    assert {(None, "json"), (None, "blank")} <= broken
    assert {rule for _, rule in broken} >= {"nul", "unique", "type", "pattern", "validValues"}


@pytest.mark.slow
def test_the_same_bundle_has_the_same_claims_in_another_process(pets: Drawn) -> None:
    script = (
        "import sys; from tests.unit.releases.test_golden_claims import *;"
        "print(hash('seed'), *Drawn.of(PETS, pets_bundle()).texts, sep='\\n')"
    )
    seen = set()
    for seed in ("1", "2"):
        told, *texts = subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert texts == list(pets.texts)
        seen.add(told)
    assert len(seen) == 2


def test_another_bundle_has_other_claims(pets: Drawn) -> None:
    other = Drawn.of(PETS, replace(pets.bundle, sha256="0" * 64))
    assert other.texts != pets.texts


@pytest.mark.slow
def test_columns_without_a_feature_have_made_up_values(motor: Drawn) -> None:
    for name in ("policyholder_name", "incident_address", "description"):
        values = [json.loads(text).get(name) for text in motor.texts if text.startswith('{"claim_id": "MTR')]
        shown = {value for value in values if value is not None and not re.fullmatch("x+|§", str(value))}
        assert shown
        assert all(str(value).startswith("golden value") for value in shown), name


def test_a_personal_feature_shows_no_extreme_of_one_claim() -> None:
    bundle = pets_bundle()
    profile = replace(bundle.reference.features["amount"], minimum=-12345.0, maximum=54321.0)
    reference = replace(bundle.reference, features={**bundle.reference.features, "amount": profile})
    columns = tuple(
        replace(column, personal=column.name == "amount" or column.personal) for column in PETS.columns
    )
    changed = Drawn.of(replace(PETS, columns=columns), replace(bundle, reference=reference))
    plain = Drawn.of(PETS, replace(bundle, reference=reference))
    assert {-12345.0, 54321.0} <= set(plain.values("amount"))
    assert not {-12345.0, 54321.0} & set(changed.values("amount"))


@pytest.mark.parametrize(
    "identifier",
    [
        Column("claim_id", LogicalType.INTEGER, Role.IDENTIFIER, required=True),
        Column("claim_id", LogicalType.INTEGER, Role.IDENTIFIER, required=True, maximum=Decimal(99_999)),
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, max_length=8),
        Column(
            "claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, pattern="^(A|B)-[0-9]{4,6}[a-f]?$"
        ),
    ],
    ids=["a whole number", "a bounded number", "a short text", "a pattern"],
)
def test_ids_keep_their_rules_and_differ(identifier: Column) -> None:
    contract = replace(PETS, columns=(identifier, *PETS.columns[1:]))
    drawn = Drawn.of(contract, pets_bundle())
    assert len({claim.claim_id for claim in drawn.accepted}) == len(drawn.accepted) == 160


@pytest.mark.parametrize(
    "pattern",
    [
        "^MTR-[0-9A-F]{12}$",
        "[^@ ]+@[^@ ]+[.][a-z]+",
        r"\d{2}/\d{2}/\d{4}",
        "(?:AB|CD)?[[:alpha:]]{3}",
        "(?i)[a-z]{3}-x*",
        r"\w+\.(?P<end>pdf|jpg)",
        "a{2,}b{0,3}.",
    ],
)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    texts = {text_matching(pattern, Draws("seed"), number) for number in range(20)}
    assert None not in texts
    assert len(texts) > 1


def test_a_pattern_that_no_text_matches_has_none() -> None:
    assert text_matching("a^b", Draws("seed")) is None


def test_requests_are_as_large_as_the_api_allows() -> None:
    claims = [json.dumps({"claim_id": f"{number}", "text": "é" * 20_000}) for number in range(250)]
    sent = list(bodies(claims))
    assert all(len(body.encode()) <= LARGEST_BODY for body in sent)
    assert [claim.text for body in sent for claim in read_claims(body, "claims")] == claims
    assert [len(read_claims(body, "claims")) for body in bodies(['{"a": 1}'] * 250)] == [
        MOST_CLAIMS,
        MOST_CLAIMS,
        50,
    ]
