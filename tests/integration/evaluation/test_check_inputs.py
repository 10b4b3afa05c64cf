"""Checks read what was loaded, scored and decided: each claim once, in the week of its event."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from claimwatch.domain.contract.contract import Role
from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.domain.evaluation.groups import NOT_KNOWN, segments
from claimwatch.domain.evaluation.week import WEEK, monday_of, start_of
from claimwatch.domain.model.bands import Bands
from claimwatch.domain.model.profile_codec import unpack
from claimwatch.evaluation.checks import bias, inputs
from claimwatch.storage import profiles
from samples import DRIFTING_FEATURES
from tests.integration.evaluation.motor_book import (
    BEGINNING,
    CLAIMS,
    DRIFTING,
    END,
    FIRST_DRIFTING,
    QUIET,
    Book,
    window,
)


def test_every_check_returns_declared_findings(book: Book) -> None:
    found = {check: book.check(check, DRIFTING, challenger="2") for check in CHECKS}

    assert [check for check, findings in found.items() if not findings] == []
    assert "psi" in {finding.metric for finding in found["feature_drift"]}
    assert any(finding.verdict != "not enough data" for finding in found["performance"])


def test_profiles_are_written_once_and_add_up_to_the_claims(book: Book) -> None:
    book.score()  # nothing waits any more

    counted = book.site.query(
        "SELECT p.week, p.model_version, sum(p.claims)::int AS claims,"
        " count(*) = count(DISTINCT (file_id, number)) AS once"
        " FROM claimwatch.profile AS p GROUP BY 1, 2 ORDER BY 1, 2"
    )
    claims = book.site.query(
        "SELECT date_trunc('week', c.reported_at)::date AS week, count(*)::int AS claims"
        " FROM claimwatch.claim_motor AS c GROUP BY 1 ORDER BY 1"
    )
    assert all(row["once"] for row in counted)
    for version in "12":
        profiled = {row["week"]: row["claims"] for row in counted if row["model_version"] == version}
        assert profiled == {row["week"]: row["claims"] for row in claims}


def test_the_profiles_of_a_week_equal_those_of_all_its_claims(book: Book) -> None:
    bundle = book.model(QUIET).bundle
    monday = monday_of(QUIET)
    with book.site.database.transaction() as cursor:
        features, score = unpack(bundle.reference, profiles.packed_of_week(cursor, "motor", "1", monday))
    [expected] = book.site.query(
        "SELECT count(*) AS claims, avg(claim_amount)::float AS amount, avg(s.probability)::float AS score"
        " FROM claimwatch.claim_motor AS c JOIN claimwatch.score AS s USING (claim_id, file_id)"
        " WHERE s.model_version = '1' AND date_trunc('week', c.reported_at)::date = %s",
        monday,
    )

    assert score.rows == features["claim_amount"].rows == expected["claims"]
    assert features["claim_amount"].mean == pytest.approx(expected["amount"], rel=1e-6)
    assert score.mean == pytest.approx(expected["score"], rel=1e-6)


def test_drift_is_a_watch_in_its_first_week_and_alarms_in_its_second(book: Book) -> None:
    def loud(week: str) -> dict[str, set[str]]:
        found = book.check("feature_drift", week)
        return {
            verdict: {finding.feature for finding in found if finding.verdict == verdict}
            for verdict in ("watch", "alarm")
        }

    assert loud(QUIET)["alarm"] == set()
    drifting = set(DRIFTING_FEATURES)
    assert drifting <= loud(FIRST_DRIFTING)["watch"] | loud(FIRST_DRIFTING)["alarm"]
    assert drifting <= loud(DRIFTING)["alarm"]


def test_a_corrected_claim_counts_once_and_immature_claims_are_counted(book: Book) -> None:
    found = {
        finding.metric: finding for finding in book.check("performance", DRIFTING) if not finding.segment
    }

    as_of = start_of(monday_of(DRIFTING)) + WEEK - timedelta(days=60)
    [expected] = book.site.query(
        "SELECT count(*) FILTER (WHERE reported_at < %s)::int AS matured,"
        " count(*) FILTER (WHERE reported_at >= %s)::int AS young"
        " FROM claimwatch.current_claim_motor",
        as_of,
        as_of,
    )
    assert found["matured"].value == expected["matured"]
    assert found["immature"].value == expected["young"]


def test_outcomes_decided_after_the_week_do_not_count(book: Book) -> None:
    def known(week: str) -> int:
        claims = inputs.read_claims(book.deps, book.model(week), since=BEGINNING, until=END)
        return int(claims.cohort.known.sum())

    [expected] = book.site.query(
        "SELECT count(*) AS known FROM claimwatch.current_outcome WHERE decided_at < %s",
        start_of(monday_of(QUIET)) + WEEK,
    )
    assert known(QUIET) == expected["known"] < known("2026-W20")


def test_both_models_scores_of_the_same_claims_are_read_together(book: Book) -> None:
    claims = inputs.read_claims(book.deps, book.model(DRIFTING), since=BEGINNING, until=END, other="2")

    assert len(claims) == book.site.query("SELECT count(*) AS n FROM claimwatch.current_claim_motor")[0]["n"]
    assert not np.isnan(claims.other).any()
    assert 0.9 < np.corrcoef(claims.probability, claims.other)[0, 1] <= 1.0


def test_a_file_belongs_to_the_week_of_most_of_its_claims_and_a_late_claim_to_its_own(book: Book) -> None:
    with book.site.database.transaction() as cursor:
        weeks = profiles.intake_of_weeks(cursor, "motor", date(2026, 1, 5), monday_of(DRIFTING))

    assert [week.week for week in weeks] == [date(2026, 1, 5) + number * WEEK for number in range(12)]
    assert sum(week.files for week in weeks) == 12
    assert sum(week.claims for week in weeks) == sum(week.rows_read for week in weeks)
    # Corrections of a week come in the file of the next one; what came late has a file of its own.
    assert all(week.late for week in weeks[:2])
    assert max(week.late for week in weeks) < CLAIMS / 10


def test_every_known_value_belongs_to_a_slice(book: Book) -> None:
    model = book.model(DRIFTING)
    claims, matrix = inputs.matured_matrix(book.deps, model)

    found = segments(model.bundle.spec, model.bundle.reference.features, matrix, model.contract)

    assert len(claims) > CLAIMS
    assert list(found) == list(model.bundle.spec.names)
    for place, labels in enumerate(found.values()):
        assert [label is None for label in labels] == np.isnan(matrix[:, place]).tolist()


def test_protected_numbers_and_dates_are_compared_in_the_bands_of_the_model(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = book.model(QUIET)
    columns = tuple(
        replace(column, role=Role.PROTECTED) if column.name in ("driver_age", "policy_start_date") else column
        for column in model.contract.columns
    )
    manifest = replace(
        model.bundle.manifest,
        details={"bands": {"driver_age": Bands("number", (33.0,)).to_json()}},
    )
    changed = replace(
        model,
        contract=replace(model.contract, columns=columns),
        bundle=replace(model.bundle, manifest=manifest),
    )
    monkeypatch.setattr(bias, "checked_model", lambda *_: changed)
    found = bias.run(book.deps, window(QUIET))
    shares = {
        feature: {
            finding.segment: finding.n
            for finding in found
            if (finding.feature, finding.metric) == (feature, "selection_rate")
        }
        for feature in ("driver_age", "policy_start_date", "policyholder_sex")
    }
    [expected] = book.site.query(
        "SELECT count(*) FILTER (WHERE driver_age < 33) AS under FROM claimwatch.current_claim_motor"
        " WHERE date_trunc('week', reported_at)::date = %s",
        monday_of(QUIET),
    )
    assert shares["driver_age"]["under 33"] == expected["under"]
    assert (
        {"under 33", "33 and over"} <= shares["driver_age"].keys() <= {"under 33", "33 and over", NOT_KNOWN}
    )
    assert len(shares["policy_start_date"]) > 1
    assert all("year" in name for name in shares["policy_start_date"])
    assert "female" in shares["policyholder_sex"]
