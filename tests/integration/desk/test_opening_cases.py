"""Cases come from scores and end with outcomes."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import mean

import pytest

from claimwatch.storage.connection import StatementRefused
from claimwatch.storage.migrate import migrations
from tests.integration.desk.environment import Book, Scored

OUTCOMES = "claim_id,is_fraud,decided_at,decided_by,source\n"


def test_referrals_and_the_random_audit_become_cases_and_nothing_else_does(book: Book) -> None:
    book.receive(
        Scored("referred", 0.8, 1000),
        Scored("audited", 0.1, 50, referred=False, audited=True),
        Scored("both", 0.9, 200, audited=True),
        Scored("neither", 0.1, 10, referred=False),
    )
    cases = book.cases()
    assert {name: case["origin"] for name, case in cases.items()} == {
        "referred": "referral",
        "audited": "random_audit",
        "both": "random_audit",
    }
    assert {case["state"] for case in cases.values()} == {"open"}
    assert cases["audited"]["blinded"]
    assert cases["both"]["blinded"]
    assert cases["referred"]["priority"] == pytest.approx(800)
    assert cases["referred"]["amount"] == 1000


def test_a_case_is_due_when_the_contract_says_and_after_two_weeks_by_default(book: Book) -> None:
    book.receive(Scored("a"))
    book.set_terms(review_within_days=3)
    book.receive(Scored("b"))
    days = {name: (case["due_at"] - case["opened_at"]).days for name, case in book.cases().items()}
    assert days == {"a": 14, "b": 3}


def test_opening_cases_again_changes_nothing(book: Book) -> None:
    claims = [Scored(f"c-{n}", 0.5 + n / 100, 10 * n, audited=n % 4 == 0) for n in range(30)]
    file_id = book.receive(*claims)
    before = book.cases()
    with book.database.as_task("scoring").transaction() as cursor:
        book.open(cursor, "glass", file_id, [each.claim_id for each in claims])
        book.open(cursor, "glass", file_id, None)
        book.open(cursor, "glass", None, None)
    assert book.cases() == before


def test_a_newer_score_updates_an_open_case_that_nobody_holds(book: Book) -> None:
    book.receive(Scored("free", 0.5, 100), Scored("held", 0.5, 100))
    book.query(
        "UPDATE claimwatch.review_case SET holder = 'ida', lease_until = clock_timestamp() + interval '1 min'"
        " WHERE claim_id = 'held' RETURNING 1"
    )
    before = book.cases()
    newer = book.receive(Scored("free", 0.9, 300), Scored("held", 0.9, 300), version="2")
    free, held = book.case("free"), book.case("held")
    assert (free["priority"], free["amount"]) == (pytest.approx(270), 300)
    assert (free["model_version"], free["file_id"]) == ("2", newer)
    assert (free["version"], free["due_at"]) == (before["free"]["version"] + 1, before["free"]["due_at"])
    assert held == before["held"]


def test_the_score_of_an_older_file_changes_no_case(book: Book) -> None:
    claims = [Scored("a", 0.9, 100)]
    older = book.load(claims)
    book.receive(Scored("a", 0.6, 200))
    before = book.cases()
    book.score(older, [Scored("a", 0.9, 100, referred=False)])
    assert book.cases() == before


def test_a_case_is_withdrawn_and_reopened_as_the_newest_score_says(book: Book) -> None:
    file_id = book.receive(Scored("a"), Scored("b"), Scored("late", audited=True, referred=False))
    book.show_scores("a", "b")
    opened = book.case("a")
    calm = [Scored("a", 0.1, referred=False), Scored("b", 0.1, referred=False)]
    book.score(file_id, calm, version="2")
    assert {name: case["state"] for name, case in book.cases().items()} == {
        "a": "withdrawn",
        "b": "withdrawn",
        "late": "open",
    }
    assert book.case("a")["generation"] > opened["generation"]
    book.score(file_id, [Scored("a", 0.8)], version="3")
    again = book.case("a")
    assert (again["state"], again["closed_at"], again["case_id"]) == ("open", None, opened["case_id"])
    assert again["due_at"] > opened["due_at"]
    assert book.case_events("a") == [("claimwatch", "withdraw"), ("claimwatch", "reopen")]


def test_a_blinded_case_stays_open_as_one_of_the_audit_does(book: Book) -> None:
    """Otherwise a case that outlived a newer score would be one of the audit."""
    file_id = book.receive(Scored("a"), Scored("drawn", audited=True, referred=False))
    book.query("UPDATE claimwatch.review_case SET blinded = true WHERE claim_id = 'a' RETURNING 1")
    calm = [Scored("a", 0.1, referred=False), Scored("drawn", 0.1, audited=True, referred=False)]
    book.score(file_id, calm, version="2")
    one, other = book.case("a"), book.case("drawn")
    assert (one["origin"], other["origin"]) == ("referral", "random_audit")
    same = ("state", "blinded", "version", "generation", "model_version", "closed_at")
    assert [one[name] for name in same] == [other[name] for name in same]
    assert book.case_events("a") == book.case_events("drawn") == []


def test_a_claim_that_is_decided_already_becomes_no_case(book: Book) -> None:
    file_id = book.load([Scored("decided"), Scored("open")])
    book.settle(f"{OUTCOMES}decided,false,2026-01-05T00:00:00Z,ann,complaint\n")
    book.score(file_id, [Scored("decided"), Scored("open")])
    assert list(book.cases()) == ["open"]


def test_an_outcome_from_outside_settles_the_case_whoever_holds_it(book: Book) -> None:
    book.receive(Scored("a"), Scored("b"))
    book.query(
        "UPDATE claimwatch.review_case SET generation = 4, holder = 'ida',"
        " lease_until = clock_timestamp() + interval '1 min', state = 'second_look'"
        " WHERE claim_id = 'a' RETURNING 1"
    )
    outcomes = book.settle(f"{OUTCOMES}a,true,2026-01-05T00:00:00Z,ann,complaint\n")
    settled = book.case("a")
    assert (settled["state"], settled["holder"], settled["generation"]) == ("settled", None, 5)
    assert settled["closed_at"] is not None
    assert book.case("b")["state"] == "open"
    with book.database.as_task("ingest").transaction() as cursor:
        cursor.execute("SELECT claimwatch.settle_cases(%s::bigint)", (outcomes,))
    assert book.case("a") == settled
    assert book.case_events("a") == [("claimwatch", "settle")]


def test_a_label_that_decides_nothing_yet_settles_no_case(book: Book) -> None:
    """Claims systems write "no fraud" from the first day; it counts once the decision was due."""
    file_id = book.receive(Scored("a"), Scored("b"))
    book.query(
        "INSERT INTO claimwatch.outcome (line, claim_id, is_fraud, decided_at, source, file_id, row_number)"
        " VALUES ('glass', 'a', false, now() + interval '30 days', 'label', %s, 1),"
        " ('glass', 'b', false, now() - interval '400 days', 'label', %s, 2) RETURNING 1",
        file_id,
        file_id,
    )
    with book.database.as_task("ingest").transaction() as cursor:
        cursor.execute("SELECT claimwatch.settle_cases(%s::bigint)", (file_id,))
    assert (book.case("a")["state"], book.case("b")["state"]) == ("open", "settled")


def test_existing_scores_become_cases_when_the_schema_is_migrated(book: Book) -> None:
    book.receive(Scored("a"), Scored("b", audited=True))
    before = book.cases()
    book.query("DELETE FROM claimwatch.review_case RETURNING 1")
    with book.database.transaction() as cursor:
        cursor.execute(_backfill())
    after = book.cases()
    assert after.keys() == before.keys()
    same = ("origin", "blinded", "priority", "amount", "model_version", "file_id", "state")
    assert [[case[name] for name in same] for case in after.values()] == [
        [case[name] for name in same] for case in before.values()
    ]


def _backfill() -> str:
    [script] = [each.sql for each in migrations() if each.number == 33]
    return "DO $$" + script.rpartition("DO $$")[2]


def many(draw: random.Random, part: object, referrals: int, audits: int, rest: int = 0) -> list[Scored]:
    """Return claims of a file, of which so many are referred or drawn for the audit."""
    return [
        *(Scored(f"r-{part}-{n}", draw.uniform(0.5, 1), draw.uniform(10, 5000)) for n in range(referrals)),
        *(
            Scored(f"a-{part}-{n}", draw.random() / 2, draw.uniform(10, 5000), referred=False, audited=True)
            for n in range(audits)
        ),
        *(Scored(f"n-{part}-{n}", draw.random() / 2, referred=False) for n in range(rest)),
    ]


def blinded_by_origin(book: Book, part: str = "") -> tuple[int, int]:
    """Return how many audited claims and how many referrals are blinded."""
    blinded = [case for name, case in book.cases().items() if case["blinded"] and f"-{part}" in name]
    audits = sum(case["origin"] == "random_audit" for case in blinded)
    return audits, len(blinded) - audits


def test_a_small_first_file_whose_model_audits_more_than_the_contract_says_is_blinded_evenly(
    book: Book,
) -> None:
    book.receive(*many(random.Random(4), "first", referrals=160, audits=80, rest=760))
    audits, referrals = blinded_by_origin(book)
    assert audits == 80
    assert 58 <= referrals <= 102  # expected 80; the deviation of a binomial draw is 6.3


def test_another_model_that_audits_more_is_blinded_evenly_from_its_first_file(book: Book) -> None:
    draw = random.Random(6)
    book.receive(*many(draw, "old", referrals=100, audits=5, rest=1900))
    book.receive(*many(draw, "new", referrals=160, audits=80, rest=760), version="2")
    audits, referrals = blinded_by_origin(book, "new")
    assert audits == 80
    assert 58 <= referrals <= 102


def test_all_referrals_are_blinded_if_they_are_fewer_than_the_audited_claims(book: Book) -> None:
    book.receive(*many(random.Random(8), "few", referrals=30, audits=90, rest=380))
    assert blinded_by_origin(book) == (90, 30)


def test_cases_open_as_fast_for_every_chunk_of_a_connection(book: Book) -> None:
    """From the sixth call on, PostgreSQL prefers one plan, which compares all scores with all claims."""
    file_id = book.load([Scored("a")])
    book.query(
        "INSERT INTO claimwatch.score (line, claim_id, file_id, model_version, role, probability, percentile,"
        " referred, audit_sample, contract_version, code_version, threshold)"
        " SELECT 'glass', 'c-' || n, %s, '1', 'champion', 0.5, 99, true, false, '1.0.0', 'test', 0.5"
        " FROM generate_series(1, 5000) AS n RETURNING 1",
        file_id,
    )
    claims = [f"c-{n}" for n in range(1, 5001)]
    seconds = []
    with book.database.as_task("scoring").transaction() as cursor:
        for _ in range(8):
            begun = time.perf_counter()
            book.open(cursor, "glass", file_id, claims)
            seconds.append(time.perf_counter() - begun)
    assert len(book.cases()) == 5000
    assert min(seconds[5:]) < 20 * min(seconds[:5]), seconds


def test_about_as_many_referrals_are_blinded_as_claims_are_audited(book: Book) -> None:
    draw = random.Random(3)
    for part in range(4):
        book.receive(*many(draw, part, referrals=500, audits=50))
    audits, referrals = blinded_by_origin(book)
    assert audits == 200
    assert 140 <= referrals <= 260  # expected about 200; the deviation of a binomial draw is 13


def test_the_place_of_an_audited_claim_in_the_queue_tells_nothing_even_with_its_amount(book: Book) -> None:
    """Referrals are worth more than audited claims; among similar amounts their priorities are alike."""
    draw = random.Random(5)
    referrals = [Scored(f"r-{n}", draw.uniform(0.6, 1), draw.uniform(500, 5000)) for n in range(800)]
    audits = [
        Scored(f"a-{n}", draw.random() / 10, draw.uniform(500, 2000), referred=False, audited=True)
        for n in range(200)
    ]
    book.receive(*referrals, *audits)
    cases = book.cases().values()
    priorities = {case["priority"] for case in cases if case["origin"] == "referral"}
    of_audits = [case for case in cases if case["origin"] == "random_audit"]
    assert all(case["priority"] in priorities for case in of_audits)
    # Its own amount and the priority give the probability that an investigator would guess.
    implied = [case["priority"] / float(case["amount"]) for case in of_audits]
    assert 0.75 < mean(implied) < 0.85
    assert min(implied) > 0.5


def test_the_priority_of_an_audited_claim_is_drawn_from_all_referrals_without_amounts(book: Book) -> None:
    book.add_line()
    book.set_terms(amount_column=None)
    referrals = [Scored(f"r-{n}", 0.5 + n / 1000) for n in range(200)]
    audits = [Scored(f"a-{n}", 0.01, referred=False, audited=True) for n in range(200)]
    book.receive(*referrals, *audits)
    cases = book.cases().values()
    assert {case["amount"] for case in cases} == {None}
    drawn = [case["priority"] for case in cases if case["origin"] == "random_audit"]
    assert len(set(drawn)) > 80
    assert 0.55 < mean(drawn) < 0.65


def test_two_scorings_of_a_claim_at_once_end_with_the_newest(book: Book) -> None:
    older, newer = book.load([Scored("a", 0.9, 100)]), book.load([Scored("a", 0.9, 300)])
    barrier = threading.Barrier(2)

    def score(file_id: int) -> None:
        with (
            closing(book.database.separately("scoring")) as connection,
            connection.transaction() as cursor,
        ):
            barrier.wait()
            cursor.execute(
                "INSERT INTO claimwatch.score (line, claim_id, file_id, model_version, role, probability,"
                " percentile, referred, audit_sample, contract_version, code_version, threshold)"
                " VALUES ('glass', 'a', %s, '1', 'champion', 0.5, 99, true, false, '1', 'test', 0.5)",
                (file_id,),
            )
            book.open(cursor, "glass", file_id, ["a"])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(score, (older, newer)))
    assert (book.case("a")["file_id"], book.case("a")["amount"]) == (newer, 300)


@pytest.mark.parametrize("amount", ["NaN", "1e200"])
def test_an_amount_that_is_of_no_use_counts_as_none(book: Book, amount: str) -> None:
    file_id = book.load([Scored("a", 0.7)])
    book.query("UPDATE claimwatch.claim_glass SET amount = %s::numeric RETURNING 1", amount)
    book.score(file_id, [Scored("a", 0.7)])
    assert (book.case("a")["amount"], book.case("a")["priority"]) == (None, 0.7)


@pytest.mark.parametrize("table", ["case_event", "decision", "decision_undo"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE claimwatch.{} SET {} = {}", "DELETE FROM claimwatch.{}", "TRUNCATE claimwatch.{} CASCADE"],
)
def test_the_history_of_cases_is_append_only_even_for_its_owner(
    book: Book, table: str, statement: str
) -> None:
    book.receive(Scored("a"))
    book.query(
        "WITH d AS (INSERT INTO claimwatch.decision (decision_id, case_id, line, claim_id, generation,"
        " verdict, grounds, note, by, model_version, final)"
        " SELECT gen_random_uuid(), case_id, line, claim_id, 1, 'fraud', '{other}', '', 'ida', '1', true"
        " FROM claimwatch.review_case RETURNING *),"
        " u AS (INSERT INTO claimwatch.decision_undo (decision_id, by) SELECT decision_id, 'ida' FROM d)"
        " INSERT INTO claimwatch.case_event (case_id, actor, action) SELECT case_id, 'ida', 'next' FROM d"
        " RETURNING 1"
    )
    with (
        pytest.raises(StatementRefused, match="InsufficientPrivilege"),
        book.database.transaction() as cursor,
    ):
        cursor.execute(statement.format(table, "at", "now()"))
