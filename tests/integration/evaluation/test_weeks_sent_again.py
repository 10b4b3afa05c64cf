"""A week that is sent again counts each claim once, by its newest row, in every check about claims."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.week import monday_of
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.profile_codec import profiles_by_week
from claimwatch.evaluation import week_profiles
from claimwatch.evaluation.checks import inputs
from claimwatch.evaluation.checks.inputs import read_claims
from tests.integration.evaluation.motor_book import QUIET, Book

ABOUT_DELIVERIES = ("quarantine_rate", "repeated_share", "file_count")
"""Metrics of check data_quality that are about rows and files as they arrived."""

RECEIVED = datetime(2026, 12, 20, tzinfo=UTC)
CHALLENGER = "2"


def week_of(delivered: tuple[Path, list[str]], week: str) -> tuple[list[str], list[dict[str, str]]]:
    text = (delivered[0] / f"claims/motor/{week}.csv").read_text("utf-8")
    reader = csv.DictReader(io.StringIO(text))
    return list(reader.fieldnames or ()), list(reader)


def send(book: Book, name: str, header: list[str], rows: list[dict[str, str]], day: int) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    at = RECEIVED + timedelta(days=day)
    file = book.site.drop(f"claims/motor/{name}.csv", text.getvalue(), at=at)
    assert (file["status"], book.site.quarantine(file["file_id"])) == ("committed", {})
    book.score()


def findings(book: Book, check: Check) -> list[Finding]:
    return [
        finding
        for finding in book.check(check, QUIET, challenger=CHALLENGER)
        if not (check == "data_quality" and finding.metric in ABOUT_DELIVERIES)
    ]


def truth(book: Book, week: str) -> tuple[dict[str, Any], Any]:
    """Return the profiles of the week's current rows, computed from these rows alone."""
    model = book.model(week)
    spec = model.bundle.spec
    event = "reported_at"
    claims = read_claims(
        book.deps,
        model,
        since=model.window.start,
        until=model.window.end,
        kinds=dict(spec.kinds) | {event: "days"},
    )
    found = profiles_by_week(
        spec,
        claims.columns,
        encode(spec, claims.columns),
        model.bundle.reference,
        claims.columns[event],
        claims.probability,
    )
    return found[monday_of(week)]


def assert_profiles_are_true(book: Book, week: str) -> None:
    model = book.model(week)
    features, score = inputs.week_profiles(book.deps, model, model.monday)
    expected, expected_score = truth(book, week)
    for name, own in [*features.items(), ("score", score)]:
        true = expected_score if name == "score" else expected[name]
        assert (own.counts, own.rows, own.missing, own.unseen, own.below, own.above) == (
            (true.counts, true.rows, true.missing, true.unseen, true.below, true.above)
        ), name
        assert own.total == pytest.approx(true.total, rel=1e-9, abs=1e-6)


def test_sending_a_week_again_changes_no_finding_about_claims(
    book: Book, delivered: tuple[Path, list[str]]
) -> None:
    header, sent = week_of(delivered, QUIET)
    corrected = {row["claim_id"] for row in week_of(delivered, "2026-W11")[1]}
    rows = [row for row in sent if row["claim_id"] not in corrected]
    before = {check: findings(book, check) for check in CHECKS if check != "operations"}
    with book.site.database.transaction() as cursor:
        claims = week_profiles.claims_of_week(
            cursor, book.model(QUIET).contract, "motor", "1", monday_of(QUIET)
        )

    send(book, "again", header, rows, 1)
    send(book, "and-again", header, rows, 2)

    for check, expected in before.items():
        assert _rounded(findings(book, check)) == _rounded(expected), check
    with book.site.database.transaction() as cursor:
        contract = book.model(QUIET).contract
        assert week_profiles.claims_of_week(cursor, contract, "motor", "1", monday_of(QUIET)) == claims
    repeated = {each.metric: each for each in book.check("data_quality", QUIET)}["repeated_share"]
    assert repeated.value == pytest.approx(2 / 3, abs=0.05)  # what is about deliveries counts every row
    assert_profiles_are_true(book, QUIET)


def test_the_newest_row_of_each_claim_counts(
    book: Book, delivered: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_profiles, "MOST_AT_ONCE", 100)  # several parts
    header, rows = week_of(delivered, QUIET)
    draw = np.random.default_rng(1)
    changed = []
    for row in rows:
        other = dict(row)
        for column in ("claim_amount", "policyholder_region", "sales_channel", "driver_age"):
            if draw.random() < 0.3:
                other[column] = rows[draw.integers(len(rows))][column]
        changed.append(other)

    send(book, "corrected", header, changed, 3)
    assert_profiles_are_true(book, QUIET)

    # A corrected date moves a claim into another week.
    moved = [row | {"reported_at": "2026-03-12T10:00:00"} for row in changed[:40]]
    send(book, "moved", header, moved, 4)
    assert_profiles_are_true(book, QUIET)
    assert_profiles_are_true(book, "2026-W11")


def test_a_claim_dated_in_the_future_moves_no_file_out_of_its_week(
    book: Book, delivered: tuple[Path, list[str]]
) -> None:
    header, rows = week_of(delivered, "2026-W11")
    future = [
        row | {"claim_id": f"MTR-9999999999{place:02}", "reported_at": f"{year}-06-01T10:00:00"}
        for place, (row, year) in enumerate(zip(rows, [2099, 2099, 2098, 2030, 2027], strict=False))
    ]
    today = RECEIVED + timedelta(days=5)
    with book.site.database.transaction() as cursor:
        asked = (cursor, book.model(QUIET).contract, "motor")
        monday = today.date() - timedelta(days=today.weekday())
        before = week_profiles.intake_of_weeks(*asked, monday_of(QUIET), monday)

    send(book, "future", header, future, 5)

    with book.site.database.transaction() as cursor:
        asked = (cursor, book.model(QUIET).contract, "motor")
        after = week_profiles.intake_of_weeks(*asked, monday_of(QUIET), monday)
        assert sum(week.files for week in after) == sum(week.files for week in before) + 1
        assert after[-1].rows_read == before[-1].rows_read + len(future)
        assert [week.claims for week in after] == [week.claims for week in before]
        assert [week.late for week in after] == [week.late for week in before]


def _rounded(found: list[Finding]) -> list[tuple[Any, ...]]:
    return [
        tuple(round(value, 9) if isinstance(value, float) else value for value in vars(finding).values())
        for finding in found
    ]
