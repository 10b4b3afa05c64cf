"""Before a decision, no answer, nor its order nor its time, tells a claim of the audit from a referral."""

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy import stats

from claimwatch.storage import desk
from tests.cluster import ClonedDatabase
from tests.integration.blinding.answers import Answers, differences
from tests.integration.desk.environment import Book, Scored, investigator

SEEDS = (1, 2)
CLAIMS = 700
IMPROBABLE = 1e-4
"""A probability below which a difference is not taken for chance."""

OF_OTHERS: set[desk.Function] = {
    "assign", "team", "desk_models", "card", "request_promotion", "weeks", "week_report", "seals",
    "verification",
    "note_verification",
}  # fmt: skip
"""Functions that investigators may not call."""

WITHOUT_CASE: set[desk.Function] = {"statistics", "people", "photo", "case_action"}
"""Functions whose answers are about no undecided case, except for what other functions show too."""


def book_of(database: ClonedDatabase, folder: Path, seed: int, claims: int = CLAIMS) -> Book:
    """Return a book: claims are referred, drawn, or both; some are scored anew, some referred only then."""
    draw = random.Random(seed)
    book = empty_book(database, folder)
    first = [scored(draw, f"c-{seed}-{number:04}") for number in range(claims)]
    for part in range(0, claims, claims // 3):
        book.receive(*first[part : part + claims // 3])
    # The draw of the audit depends on the claim alone, its score on the new row.
    again = [
        Scored(each.claim_id, probability, amount, probability > 0.85, each.audited)
        for each in draw.sample(first, claims // 4)
        for probability, amount in [(draw.random(), money(draw))]
    ]
    book.receive(*again, version="2")
    return book


def empty_book(database: ClonedDatabase, folder: Path) -> Book:
    """Return a book whose contract expects as many referrals and audits as there will be."""
    book = Book.below(database, folder)
    book.add_line()
    book.set_terms(capacity=0.15, audit_share=0.12)
    return book


def scored(draw: random.Random, claim: str) -> Scored:
    probability = draw.random()
    return Scored(claim, probability, money(draw), probability > 0.85, draw.random() < 0.12)


def money(draw: random.Random) -> float:
    return round(min(5000.0, draw.lognormvariate(6, 1)), 2)


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


@pytest.fixture
def book(database: ClonedDatabase, tmp_path: Path, seed: int) -> Book:
    return book_of(database, tmp_path, seed)


def kinds(book: Book) -> tuple[set[str], set[str]]:
    """Return the blinded claims of the audit, and the blinded referrals."""
    blinded = [case for case in book.cases().values() if case["blinded"] and case["closed_at"] is None]
    audits = {case["claim_id"] for case in blinded if case["origin"] == "random_audit"}
    return audits, {case["claim_id"] for case in blinded} - audits


def compared(book: Book) -> tuple[Answers, set[str], set[str]]:
    audits, referrals = kinds(book)
    answers = Answers(book)
    answers.collect()
    assert len(audits) > 40
    assert len(referrals) > 20
    assert audits | referrals <= answers.of_case.keys()
    return answers, audits, referrals


def leaks(answers: Answers, audits: set[str], referrals: set[str]) -> list[str]:
    blinded = {claim: answers.of_case[claim] for claim in sorted(audits | referrals)}
    found = list(differences(blinded, audits.__contains__))
    for title, order in (("handed out", answers.order), ("listed", answers.listed)):
        places = {claim: place for place, claim in enumerate(order)}
        probability = ranks_differ(
            [places[claim] for claim in audits], [places[claim] for claim in referrals]
        )
        if probability < IMPROBABLE:
            found.append(f"the places at which they are {title}: p = {probability:.2g}")
    # The amount is shown: what counts is the place that a claim has in spite of its amount.
    worth = {claim: case["amount"] for claim, case in answers.book.cases().items()}
    by_worth = sorted(answers.order, key=lambda claim: -worth[claim])
    moved = {claim: answers.order.index(claim) - place for place, claim in enumerate(by_worth)}
    probability = ranks_differ([moved[claim] for claim in audits], [moved[claim] for claim in referrals])
    if probability < IMPROBABLE:
        found.append(f"the places for their amounts: p = {probability:.2g}")
    versions = [[answers.versions[claim][0] for claim in kind] for kind in (audits, referrals)]
    if ranks_differ(*versions) < IMPROBABLE:
        found.append("the versions of the cases")
    return found


def ranks_differ(one: list[int], other: list[int]) -> float:
    return float(stats.mannwhitneyu(one, other).pvalue) if set(one) | set(other) != {one[0]} else 1.0


def test_no_answer_and_no_order_tells_audit_from_referral(book: Book) -> None:
    answers, audits, referrals = compared(book)
    assert leaks(answers, audits, referrals) == []
    assert answers.secrets == set()
    covered = answers.asked | OF_OTHERS | WITHOUT_CASE
    assert answers.known - covered == set(), "a function of the desk whose answers nobody compares"


def test_about_as_many_referrals_are_blinded_as_claims_are_drawn(book: Book) -> None:
    audits, referrals = kinds(book)
    # Each referral is drawn by itself with the share that makes both numbers equal on average.
    drawn = len([case for case in book.cases().values() if case["origin"] == "referral"])
    assert drawn > len(referrals)
    assert abs(len(audits) - len(referrals)) < 6 * (len(audits) + len(referrals)) ** 0.5


def test_the_amount_does_not_tell_where_in_the_queue_a_case_of_the_audit_should_be(
    database: ClonedDatabase, tmp_path: Path
) -> None:
    """Referrals are expensive in this book: compared are only claims with similar amounts."""
    draw = random.Random(7)
    claims = []
    for number in range(900):
        probability = draw.random()
        amount = round(min(5000.0, money(draw) * (4 if probability > 0.85 else 1)), 2)
        claims.append(Scored(f"c-{number}", probability, amount, probability > 0.85, draw.random() < 0.12))
    book = empty_book(database, tmp_path)
    book.receive(*claims)
    audits, referrals = kinds(book)
    cases = book.cases()
    priority = {claim: cases[claim]["priority"] for claim in audits | referrals}
    worth = {claim: float(cases[claim]["amount"]) for claim in audits | referrals}
    ratio = {claim: priority[claim] / worth[claim] for claim in priority}
    # Where both kinds have amounts: the priority, for the amount, is that of a referral.
    low, high = max(min(worth[c] for c in k) for k in (audits, referrals)), 5000.0
    one = [ratio[claim] for claim in audits if low <= worth[claim] < high]
    other = [ratio[claim] for claim in referrals if low <= worth[claim] < high]
    assert len(one) > 20
    assert len(other) > 20
    assert float(stats.mannwhitneyu(one, other).pvalue) > IMPROBABLE


def test_an_answer_about_the_audit_takes_as_long_as_one_about_a_referral(book: Book) -> None:
    audits, referrals = kinds(book)
    cases = book.cases()
    seconds: dict[str, list[float]] = {"audit": [], "referral": []}
    draw = random.Random(5)
    order = [
        (kind, claim) for kind, claims in (("audit", audits), ("referral", referrals)) for claim in claims
    ]
    for _ in range(6):
        draw.shuffle(order)
        for kind, claim in order:
            began = time.perf_counter()
            book.ask("case", investigator(), case_id=str(cases[claim]["case_id"]))
            seconds[kind].append(time.perf_counter() - began)
    one, other = (statistics.median(taken) for taken in seconds.values())
    spread = statistics.median(abs(each - one) for each in seconds["audit"])
    # The medians of several hundred answers differ by less than one answer differs from the next one.
    assert abs(one - other) < max(spread, 0.05 * one), f"{one * 1000:.3f} ms and {other * 1000:.3f} ms"


def _replace(book: Book, function: str, old: str, new: str) -> None:
    """Plant a leak: change the text of a function of the database."""
    [row] = book.query(
        "SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc AS p"
        " WHERE p.pronamespace = 'claimwatch'::regnamespace AND p.proname = %s",
        function,
    )
    assert old in row["text"]
    with book.database.transaction() as cursor:
        cursor.execute(row["text"].replace(old, new, 1))


def _origin(book: Book) -> None:
    _replace(book, "case_document", "CASE WHEN NOT undecided THEN of_case.origin END", "of_case.origin")


def _score_of_referrals(book: Book) -> None:
    shown = "IF of_case.blinded AND"
    _replace(book, "shown_score", shown, f"{shown} of_case.origin = 'random_audit' AND")


def _photos(book: Book) -> None:
    count = "claimwatch.count_photos("
    _replace(book, "case_document", count, f"(of_case.origin = 'referral')::integer + {count}")


def _due_dates(book: Book) -> None:
    book.query(
        "UPDATE claimwatch.review_case SET due_at = due_at + interval '1 day'"
        " WHERE origin = 'random_audit' RETURNING 1"
    )


def _own_priorities(book: Book) -> None:
    book.query(
        "UPDATE claimwatch.review_case AS c SET priority = s.probability * c.amount::double precision"
        " FROM claimwatch.score AS s WHERE (s.line, s.claim_id, s.file_id) = (c.line, c.claim_id, c.file_id)"
        " AND c.origin = 'random_audit' RETURNING 1"
    )


def _events_of_scores(book: Book) -> None:
    book.query(
        "INSERT INTO claimwatch.case_event (case_id, actor, action)"
        " SELECT case_id, 'claimwatch', 'reopen' FROM claimwatch.review_case"
        " WHERE blinded AND origin = 'referral' RETURNING 1"
    )
    _replace(book, "case_document", "NOT (undecided AND e.actor = 'claimwatch')", "true")


def _versions(book: Book) -> None:
    book.query("UPDATE claimwatch.review_case SET version = 1 WHERE origin = 'referral' RETURNING 1")


PLANTED: dict[str, Callable[[Book], None]] = {
    "the origin": _origin,
    "a score of referrals": _score_of_referrals,
    "another number of photos": _photos,
    "a later due date in the list": _due_dates,
    "the own priority of the audit": _own_priorities,
    "events of scores": _events_of_scores,
    "versions that count new scores of the audit only": _versions,
}


IN_ANSWERS = {"the origin", "a score of referrals", "another number of photos", "events of scores"}
"""Leaks that each answer shows, so that a small book has them too. The others are in orders and numbers."""
FEW_CLAIMS = 180


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_leak_is_found(database: ClonedDatabase, tmp_path: Path, what: str) -> None:
    book = book_of(database, tmp_path, 1, FEW_CLAIMS if what in IN_ANSWERS else CLAIMS)
    PLANTED[what](book)
    audits, referrals = kinds(book)
    answers = Answers(book)
    answers.collect()
    assert leaks(answers, audits, referrals)
