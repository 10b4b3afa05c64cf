"""The book is plausible, and its frauds follow the documented mechanism."""

from collections import defaultdict
from datetime import date
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from samples import DRIFTING_FEATURES, Book, BookConfig, Claims, Drift
from samples import mechanism as m
from samples.columns import Cells, Escapes, Lookup, Numbers
from samples.draws import Draws, Odds

ROWS = 60_000
NUMBERS = np.arange(ROWS, dtype=np.uint64)


@pytest.fixture(scope="module")
def claims() -> Claims:
    return Book(BookConfig()).claims(0, NUMBERS)


def numbers(claims: Claims, name: str) -> NDArray[np.float64]:
    column = claims.columns[name]
    assert isinstance(column, Numbers)
    return np.where(column.missing, np.nan, column.values / 10**column.decimals)


def labels(claims: Claims, name: str) -> NDArray[np.str_]:
    column = claims.columns[name]
    assert isinstance(column, Lookup)
    return np.array([*column.table, ""])[column.codes]


def cells(claims: Claims, name: str) -> Cells:
    return claims.columns[name].cells(Escapes('"', " "))


def text(claims: Claims, name: str) -> list[str]:
    return [bytes(row).replace(b"\0", b"").decode() for row in cells(claims, name)]


def same_text(one: Claims, other: Claims, name: str) -> bool:
    return np.array_equal(cells(one, name), cells(other, name))


def roc_auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    ranks = np.empty(len(score))
    ranks[np.argsort(score)] = np.arange(1, len(score) + 1)
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum()))


# --- The draws ---------------------------------------------------------------------------------------------


def test_a_draw_depends_only_on_its_index() -> None:
    together = Draws(7, "claim", NUMBERS).uniform("hour")
    alone = Draws(7, "claim", np.array([41_234], dtype=np.uint64)).uniform("hour")
    assert together[41_234] == alone[0]


def test_draws_are_uniform_normal_and_independent_between_streams() -> None:
    draws = Draws(7, "claim", NUMBERS)
    uniform, normal = draws.uniform("a"), draws.normal("b")
    tolerance = 4 / np.sqrt(ROWS)
    for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
        assert np.mean(uniform < quantile) == pytest.approx(quantile, abs=tolerance)
        assert np.mean(normal < NormalDist().inv_cdf(quantile)) == pytest.approx(quantile, abs=tolerance)
    assert abs(np.corrcoef(uniform, normal)[0, 1]) < tolerance
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < tolerance
    assert abs(np.corrcoef(uniform, Draws(8, "claim", NUMBERS).uniform("a"))[0, 1]) < tolerance


def test_categories_are_drawn_by_their_odds_and_never_at_weight_zero() -> None:
    draws = Draws(7, "claim", NUMBERS)
    picked = draws.pick("a", Odds([1, 0, 3]))
    assert np.bincount(picked, minlength=3) / ROWS == pytest.approx([0.25, 0, 0.75], abs=0.01)
    given = (NUMBERS % np.uint64(2)).astype(np.int64)
    assert np.array_equal(draws.pick("a", Odds([[1, 0], [0, 1]]), given), given)


# --- Policyholders and claims ------------------------------------------------------------------------------


def test_claim_ids_are_distinct_and_unrelated_to_order_and_fraud(claims: Claims) -> None:
    ids = text(claims, "claim_id")
    later = text(Book(BookConfig()).claims(1, NUMBERS), "claim_id")
    assert len({*ids, *later}) == 2 * ROWS
    digits = np.array([int(claim_id.removeprefix("MTR-"), 16) for claim_id in ids], dtype=np.float64)
    assert abs(np.corrcoef(digits, NUMBERS.astype(np.float64))[0, 1]) < 4 / np.sqrt(ROWS)
    assert abs(np.corrcoef(digits, claims.is_fraud)[0, 1]) < 4 / np.sqrt(ROWS)


@pytest.mark.slow
def test_persons_and_policies_are_consistent_across_their_claims(claims: Claims) -> None:
    for key, constant in (
        (
            "policyholder_id",
            ("policyholder_name", "policyholder_email", "policyholder_sex", "policyholder_region"),
        ),
        (
            "policy_number",
            ("policyholder_id", "policy_start_date", "vehicle_make", "vehicle_year", "sales_channel"),
        ),
    ):
        seen: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for owner, *values in zip(text(claims, key), *(text(claims, name) for name in constant), strict=True):
            seen[owner].add(tuple(values))
        assert len(seen) < ROWS - 1_000, "too few have several claims"
        assert all(len(values) == 1 for values in seen.values())


def test_dates_are_in_order(claims: Claims) -> None:
    start, loss, report = (
        text(claims, name) for name in ("policy_start_date", "incident_date", "reported_at")
    )
    assert all(
        began <= lost <= reported[:10] for began, lost, reported in zip(start, loss, report, strict=True)
    )
    assert min(report)[:10] == "2026-01-05"
    assert max(report)[:10] == "2026-01-11"
    hours = numbers(claims, "incident_hour")
    same_day = np.array([lost == reported[:10] for lost, reported in zip(loss, report, strict=True)])
    assert np.nanmax(hours[same_day] - np.array([int(reported[11:13]) for reported in report])[same_day]) <= 0


def test_incidents_are_within_the_cover_of_the_policy(claims: Claims) -> None:
    cover, incident = labels(claims, "policy_type"), labels(claims, "incident_type")
    assert set(incident[cover == "third_party"]) == {"collision", "single_vehicle"}
    assert set(incident[cover == "third_party_fire_theft"]) == {
        "collision",
        "single_vehicle",
        "theft",
        "fire",
    }


def test_optional_columns_are_sometimes_missing(claims: Claims) -> None:
    for name in (
        "policyholder_sex",
        "annual_mileage",
        "incident_hour",
        "witnesses",
        "police_report",
        "description",
    ):
        assert 0.005 < claims.columns[name].missing.mean() < 0.25, name


def test_addresses_and_mailboxes_are_invented(claims: Claims) -> None:
    assert all(email.endswith("@example.org") for email in text(claims, "policyholder_email") if email)


# --- The mechanism -----------------------------------------------------------------------------------------


def test_frauds_are_rare_and_the_true_probability_ranks_them_well(claims: Claims) -> None:
    assert 0.06 < claims.probability.mean() < 0.08
    assert claims.is_fraud.mean() == pytest.approx(claims.probability.mean(), abs=0.004)
    assert 0.84 < roc_auc(claims.probability, claims.is_fraud) < 0.90
    top = np.argsort(-claims.probability)[: ROWS // 10]
    assert 4.5 < claims.is_fraud[top].mean() / claims.is_fraud.mean() < 6.5


def test_the_true_probability_is_calibrated(claims: Claims) -> None:
    order = np.argsort(claims.probability)
    for decile in np.array_split(order, 10):
        spread = np.sqrt(claims.probability[decile].mean() / len(decile))
        assert claims.is_fraud[decile].mean() == pytest.approx(
            claims.probability[decile].mean(), abs=4 * spread
        )


def test_the_probability_can_be_computed_from_the_columns(claims: Claims) -> None:
    """Compute it independently from the text of the columns."""
    start, loss = text(claims, "policy_start_date"), text(claims, "incident_date")
    report = text(claims, "reported_at")
    incident, severity = labels(claims, "incident_type"), labels(claims, "incident_severity")
    channel, police = labels(claims, "sales_channel"), labels(claims, "police_report")
    financed = labels(claims, "vehicle_financed")
    amount, earlier = numbers(claims, "claim_amount"), numbers(claims, "claims_last_3_years")
    hour, witnesses, injuries = (numbers(claims, name) for name in ("incident_hour", "witnesses", "injuries"))
    for i in range(2_000):
        lost = date.fromisoformat(loss[i])
        log_odds = m.INTERCEPT + m.INCIDENT_EFFECT[incident[i]] + m.ONLINE * (channel[i] == "online")
        log_odds += m.EARLY_CLAIM * np.exp(-(lost - date.fromisoformat(start[i])).days / m.EARLY_DAYS)
        log_odds += m.EARLIER_CLAIMS * min(earlier[i], 4)
        log_odds += m.DOUBLED_AMOUNT * float(np.clip(np.log2(amount[i] / m.AMOUNT_BASE), -3, 4))
        log_odds += m.NO_POLICE_REPORT * (police[i] == "false")
        log_odds += m.DELAY_DAY * min((date.fromisoformat(report[i][:10]) - lost).days, m.MAX_DELAY_DAYS)
        log_odds += m.NIGHT_WITHOUT_WITNESS * ((hour[i] >= 22 or hour[i] < 5) and witnesses[i] == 0)
        log_odds += m.FINANCED_THEFT_OR_FIRE * (incident[i] in ("theft", "fire") and financed[i] == "true")
        log_odds += m.INJURIES_IN_MINOR_ACCIDENT * (severity[i] in ("trivial", "minor") and injuries[i] >= 2)
        assert claims.probability[i] == pytest.approx(1 / (1 + np.exp(-log_odds)), rel=1e-9)


# --- Drift -------------------------------------------------------------------------------------------------


def shift_of(before: Claims, after: Claims, name: str) -> float:
    """Return the shift of the mean logarithm in its standard deviations."""
    old, new = np.log(numbers(before, name)), np.log(numbers(after, name))
    return float((np.nanmean(new) - np.nanmean(old)) / np.nanstd(old))


def test_drift_shifts_the_drifting_features_and_no_other_column() -> None:
    stable, drifting = Book(BookConfig()), Book(BookConfig(drift=Drift(from_week=3, shift=0.5)))
    before, after = stable.claims(3, NUMBERS), drifting.claims(3, NUMBERS)
    changed = {name for name in before.columns if not same_text(before, after, name)}
    assert changed == set(DRIFTING_FEATURES)
    assert shift_of(before, after, "annual_mileage") == pytest.approx(0.5, abs=0.02)
    for name in DRIFTING_FEATURES:
        assert 0.1 < shift_of(before, after, name) < 0.55, name


def test_weeks_before_the_drift_do_not_change() -> None:
    stable, drifting = Book(BookConfig()), Book(BookConfig(drift=Drift(from_week=3, new_scheme=True)))
    some = NUMBERS[:2_000]
    for name in stable.claims(2, some).columns:
        assert same_text(stable.claims(2, some), drifting.claims(2, some), name)
    assert np.array_equal(stable.claims(2, some).probability, drifting.claims(2, some).probability)


def test_a_new_scheme_changes_only_which_claims_are_frauds() -> None:
    old = Book(BookConfig()).claims(3, NUMBERS)
    new = Book(BookConfig(drift=Drift(from_week=3, shift=0.0, new_scheme=True))).claims(3, NUMBERS)
    assert all(same_text(old, new, name) for name in DRIFTING_FEATURES)
    brokered = (labels(old, "sales_channel") == "broker") & (labels(old, "incident_type") == "glass")
    assert new.probability[brokered].mean() > 5 * old.probability[brokered].mean()
    assert roc_auc(old.probability, new.is_fraud) < roc_auc(new.probability, new.is_fraud) - 0.05


def test_an_invalid_configuration_is_rejected() -> None:
    with pytest.raises(ValueError, match="Monday"):
        BookConfig(start=date(2026, 1, 6))
    with pytest.raises(ValueError, match="policyholders"):
        BookConfig(policyholders=0)
    with pytest.raises(ValueError, match="week"):
        next(Book(BookConfig()).blocks(-1, 10))
