"""What was decided on claims with the same main reasons, counted as plain Python counts it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.scoring.claim_table import Column
from tests.cluster import ClonedDatabase, Cluster
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS, csv
from tests.integration.models.environment import AmountModel, ModelEnvironment

FEATURES = ("amount", "panes", "broken_on.month", "älter")
DRAWN = 20261129


@dataclass(frozen=True)
class ReasonedModel(AmountModel):
    """A model whose reasons depend on the amount alone."""

    def reasons(self, columns: Mapping[str, Column], rows: Column) -> Sequence[Sequence[Mapping[str, Any]]]:
        return [[{"feature": name} for name in order_of(columns["amount"][row])] for row in rows]


def order_of(amount: float) -> tuple[str, ...]:
    """Return the features of a referred claim's reasons, the strongest first."""
    draw = random.Random(int(amount))
    return tuple(draw.sample(FEATURES, draw.choice((1, 2, 3, 4))))


@dataclass
class Book:
    """Claims of line glass with their amounts, and what was decided on them."""

    environment: ModelEnvironment
    amounts: dict[str, int] = field(default_factory=dict)
    decided: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    draw: random.Random = field(default_factory=lambda: random.Random(DRAWN))

    @property
    def site(self) -> Site:
        return self.environment.site

    def claims(self, name: str, ids: Sequence[str]) -> int:
        """Load claims; about every third is referred by the model. Return the number of their file."""
        amounts = {claim: self.draw.choice((1000, 2000, 4000)) + self.draw.randrange(900) for claim in ids}
        self.amounts |= amounts
        records = [f"{claim},2026-02-01,{amount},1,," for claim, amount in amounts.items()]
        return int(self.site.drop(f"claims/glass/{name}.csv", csv(*records))["file_id"])

    def outcomes(self, name: str, ids: Sequence[str]) -> None:
        """Load a file of outcomes, each later than those of the files before."""
        lines = ["claim_id,is_fraud,decided_at,decided_by,source"]
        for place, claim in enumerate(ids):
            fraud = self.draw.random() < 0.4
            at = datetime(2026, 2, 1, self.site.hours % 24, place // 60 % 60, place % 60, tzinfo=UTC)
            self.decided[claim] = (fraud, at)
            lines.append(f"{claim},{str(fraud).lower()},{at.isoformat()},umlauf,referral")
        self.site.drop(f"outcomes/glass/{name}.csv", "\n".join([*lines, ""]))

    def similar(self, features: Sequence[str]) -> dict[str, Any] | None:
        """Ask the database as the owner of the functions of the API does."""
        return similar(self.site.database, "glass", features)

    def expected(self, features: Sequence[str]) -> dict[str, Any]:
        """Count what the database should find."""
        alike = [
            (at, claim, fraud)
            for claim, (fraud, at) in self.decided.items()
            if self.amounts.get(claim, 0) >= 4000
            and set(order_of(self.amounts[claim])[:2]) == set(features[:2])
        ]
        newest = sorted(alike, key=lambda each: (-each[0].timestamp(), each[1]))[:5]
        share = wilson(sum(fraud for _, _, fraud in alike), len(alike))
        return {
            "reasons": list(features[:2]),
            "decided": len(alike),
            "fraud": sum(fraud for _, _, fraud in alike),
            "low": pytest.approx(share.low, abs=1e-12),
            "high": pytest.approx(share.high, abs=1e-12),
            "newest": [
                {
                    "line": "glass",
                    "claim_id": claim,
                    "verdict": "fraud" if fraud else "not_fraud",
                    "decided_at": at.isoformat(),
                }
                for at, claim, fraud in newest
            ],
        }

    def agrees(self) -> int:
        """Compare what the database finds for every pair of features; return how many claims it found."""
        pairs = [*combinations(FEATURES, 2), *((one,) for one in FEATURES)]
        for pair in pairs:
            assert self.similar(pair) == self.expected(pair)
        return sum(self.expected(pair)["decided"] for pair in pairs)


def similar(database: ClonedDatabase, line: str, features: Sequence[str] | None) -> dict[str, Any] | None:
    with database.transaction() as cursor:
        cursor.execute(
            "SET LOCAL ROLE claimwatch_api_definer; SELECT claimwatch.similar_decided(%s, %s::text[])",
            [line, None if features is None else list(features)],
        )
        row = cursor.fetchone()
    assert row is not None
    found: dict[str, Any] | None = row[0]
    return found


@pytest.fixture
def book(database: ClonedDatabase, tmp_path: Path) -> Book:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    environment = ModelEnvironment(site)
    environment.register("1", ReasonedModel())
    environment.promote("1")
    return Book(environment)


def test_similar_claims_are_counted_as_plain_python_counts_them(book: Book) -> None:
    first = [f"g-{number}" for number in range(600)]
    book.environment.score(book.claims("a", first))
    book.outcomes("a", first[:400])
    assert book.agrees() > 100
    book.outcomes("b", first[300:500])  # of a hundred claims, a later decision than before
    assert book.agrees() > 130


def test_outcomes_that_arrive_before_the_scores_are_counted_too(book: Book) -> None:
    ids = [f"g-{number}" for number in range(300)]
    file = book.claims("a", ids[:200])
    book.outcomes("a", ids)
    assert book.similar(["amount", "panes"]) == book.expected(["amount", "panes"]) | {
        "decided": 0, "fraud": 0, "low": None, "high": None, "newest": [],
    }  # fmt: skip
    book.environment.score(file)
    book.environment.score(book.claims("b", ids[200:]))
    assert book.agrees() > 60


def test_a_later_referral_of_a_claim_counts_with_its_reasons(book: Book) -> None:
    ids = [f"g-{number}" for number in range(300)]
    book.environment.score(book.claims("a", ids))
    book.outcomes("a", ids)
    before = dict(book.amounts)
    book.environment.score(book.claims("b", ids))
    # What the newer score does not refer keeps the reasons for which it was referred.
    book.amounts |= {
        claim: amount for claim, amount in before.items() if amount >= 4000 and book.amounts[claim] < 4000
    }
    assert book.agrees() > 100


def test_a_label_without_fraud_that_came_too_early_decides_nothing(book: Book) -> None:
    labelled = (
        GLASS.replace("id: glass", "id: glass")
        .replace("1.0.0", "1.1.0")
        .replace(
            "      - name: driver\n",
            "      - name: fraud\n        logicalType: boolean\n        required: false\n"
            "        customProperties: [{property: role, value: label}]\n      - name: driver\n",
        )
    )
    assert book.site.put_contract("glass", labelled).status == "applied"
    header = "claim_id,broken_on,amount,panes,fraud,driver,story"
    records = [f"g-{n},2026-02-27,4001,1,{'true' if n < 3 else 'false'},," for n in range(10)]
    for name in ("a", "b"):  # the labels of the second file find scores
        file = book.site.drop(f"claims/glass/{name}.csv", csv(*records, header=header))
        book.environment.score(file["file_id"])
    found = book.similar(order_of(4001))
    assert found is not None
    assert (found["decided"], found["fraud"]) == (3, 3)


def test_without_reasons_nothing_is_similar(book: Book) -> None:
    assert book.similar([]) is None
    assert similar(book.site.database, "glass", None) is None


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Iterator[ClonedDatabase]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield database


def test_the_interval_of_the_database_is_that_of_the_weekly_checks(empty: ClonedDatabase) -> None:
    drawn = random.Random(DRAWN)
    cases = [(hits, of) for of in range(1, 41) for hits in range(of + 1)]
    cases += [(drawn.randrange(of + 1), of) for of in (997, 10_000, 123_457, 1_000_000) for _ in range(50)]
    with empty.transaction() as cursor:
        cursor.execute(
            "SELECT w.low, w.high"
            " FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS c (hits, of_all, place),"
            " claimwatch.wilson(c.hits, c.of_all) AS w ORDER BY c.place",
            [[hits for hits, _ in cases], [of for _, of in cases]],
        )
        found = cursor.fetchall()
        cursor.execute("SELECT * FROM claimwatch.wilson(0, 0)")
        assert cursor.fetchall() == [(None, None)]
    assert len(found) == len(cases)
    for (hits, of), bounds in zip(cases, found, strict=True):
        known = wilson(hits, of)
        assert bounds == (pytest.approx(known.low, abs=1e-14), pytest.approx(known.high, abs=1e-14))


DECIDE = """
    WITH made AS (
        INSERT INTO claimwatch.decision (decision_id, case_id, line, claim_id, generation, verdict, grounds,
                                         note, by, model_version, final)
        SELECT gen_random_uuid(), c.case_id, c.line, c.claim_id, 1, %s, '{other}', '', 'ann', '1', true
        FROM claimwatch.review_case AS c WHERE c.claim_id = %s
        RETURNING decision_id, case_id
    )
    UPDATE claimwatch.review_case AS c
    SET state = 'decided', closed_at = now(), decision_id = made.decision_id,
        holder = NULL, lease_until = NULL
    FROM made WHERE c.case_id = made.case_id RETURNING 1
"""
UNDO = """
    UPDATE claimwatch.review_case SET state = 'open', closed_at = NULL, decision_id = NULL
    WHERE claim_id = %s RETURNING 1
"""


def test_a_decision_counts_at_once_until_it_is_undone_or_an_outcome_says_otherwise(book: Book) -> None:
    book.environment.score(book.claims("a", [f"g-{number}" for number in range(60)]))
    referred = [claim for claim, amount in book.amounts.items() if amount >= 4000]
    features = order_of(book.amounts[referred[0]])

    def counts() -> tuple[int, int]:
        found = book.similar(features)
        assert found is not None
        return found["decided"], found["fraud"]

    assert counts() == (0, 0)
    book.site.query(DECIDE, "fraud", referred[0])
    assert counts() == (1, 1)
    book.site.query(UNDO, referred[0])
    assert counts() == (0, 0)
    book.site.query(DECIDE.replace(" 1, %s", " 2, %s"), "inconclusive", referred[0])
    assert counts() == (0, 0)
    book.outcomes("a", [referred[0]])
    assert counts() == (1, int(book.decided[referred[0]][0]))


LOOKED_UP = {
    "claimwatch.current_decision": "SELECT claimwatch.current_decision(o.line, o.claim_id)"
    " FROM claimwatch.outcome AS o WHERE o.line = 'line 200' AND o.claim_id = 'c7'",
    "claimwatch.store_decided": "SELECT claimwatch.store_decided(o.line, ARRAY[o.claim_id])"
    " FROM claimwatch.outcome AS o WHERE o.line = 'line 200' AND o.claim_id = 'c7'",
}


@pytest.mark.parametrize("function", LOOKED_UP)
def test_what_was_decided_is_looked_up_by_line_and_claim(empty: ClonedDatabase, function: str) -> None:
    """The ids of claims have another collation than lines, with which an index of lines is of no use."""
    with empty.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.file (file_id, dataset, line, bucket, key, version_id, sequencer, status,"
            " received_at, committed_at, chunks, rows_read, rows_loaded, rows_quarantined)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES (1, 'outcomes', 'line 200', 'b', 'k', 'v', '1', 'committed', now(), now(), 1, 50, 50, 0)"
            " ON CONFLICT DO NOTHING;"
            "INSERT INTO claimwatch.outcome (line, claim_id, is_fraud, decided_at, file_id, row_number)"
            " SELECT 'line ' || l, 'c' || c, true, now(), 1, c"
            " FROM generate_series(1, 400) AS l, generate_series(1, 50) AS c ON CONFLICT DO NOTHING"
        )
    with empty.transaction() as cursor:
        cursor.execute("ANALYZE claimwatch.outcome")
        for _ in range(7):  # the first calls also read the catalogue
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {LOOKED_UP[function]}")
            row = cursor.fetchone()
            assert row is not None
            read = row[0][0]["Plan"]["Shared Hit Blocks"] + row[0][0]["Plan"]["Shared Read Blocks"]
    assert read < 60, f"{function} reads {read} blocks"
