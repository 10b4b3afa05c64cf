"""Protected numbers and dates become few bands that are large, readable and show no value of a claim."""

import numpy as np
import pytest

from claimwatch.domain.contract.contract import Banding, Column, LogicalType, Role
from claimwatch.domain.model.bands import OLDEST, SMALLEST_SHARE, Bands, bands_of

CLAIMS = 4_000
EVENT = np.full(CLAIMS, np.datetime64("2025-06-15T12:00", "us"))


def column(
    kind: LogicalType = LogicalType.NUMBER, bands: Banding | tuple[float, ...] | None = None
) -> Column:
    return Column("x", kind, Role.PROTECTED, bands=bands)


def counted(bands: Bands, values: np.ndarray) -> dict[str | None, int]:
    named, counts = np.unique(bands.named(values, EVENT).astype(str), return_counts=True)
    return dict(zip(named.tolist(), counts.tolist(), strict=True))


def test_ages_are_divided_into_decades_and_small_ones_are_joined() -> None:
    draw = np.random.default_rng(1)
    ages = np.clip(draw.normal(45.0, 14.0, CLAIMS), 17, 99).astype(int).astype(float)
    ages[:20], ages[20:30] = 999.0, np.nan
    bands = bands_of(column(LogicalType.INTEGER), ages, EVENT)
    assert bands.names == ("under 30", "30 to 39", "40 to 49", "50 to 59", "60 and over")
    found = counted(bands, ages)
    assert found["None"] == 10
    assert min(count for name, count in found.items() if name != "None") >= SMALLEST_SHARE * CLAIMS
    assert bands.named([29.0, 30.0, 59.0, 60.0], None).tolist() == [
        "under 30",
        "30 to 39",
        "50 to 59",
        "60 and over",
    ]


def test_a_birth_date_and_a_birth_year_count_as_the_age_at_the_event() -> None:
    ages = np.random.default_rng(2).integers(18, 91, CLAIMS)
    born = np.datetime64("2025-01-01") - (365.25 * ages).astype("m8[D]")
    of_dates = bands_of(column(LogicalType.DATE), born, EVENT)
    of_years = bands_of(column(LogicalType.INTEGER), 2025.0 - ages, EVENT)
    assert (of_dates.measure, of_years.measure) == ("date", "year")
    assert of_dates.names == of_years.names
    assert of_dates.names[0] == "under 30 years"
    assert of_dates.names[-1] == "80 years and over"
    birthdays = np.array(["1995-06-15", "1995-06-16", "NaT"], dtype="datetime64[us]")
    assert of_dates.named(birthdays, EVENT[:3]).tolist() == ["30 to 39 years", "under 30 years", None]
    assert of_years.named([1995.0, 1996.0, np.nan], EVENT[:3]).tolist() == [
        "30 to 39 years",
        "under 30 years",
        None,
    ]


@pytest.mark.parametrize("factor", [1.0, 100.0, 1e6])
def test_an_income_is_divided_at_rounded_quantiles_that_are_no_person_s_value(factor: float) -> None:
    income = np.exp(np.random.default_rng(3).normal(10.3, 0.5, CLAIMS)) * factor
    bands = bands_of(column(), income, EVENT)
    assert len(bands.names) == 5
    assert not set(bands.edges) & set(income.tolist())
    assert all(len(f"{edge:e}".rstrip("0")) and float(f"{edge:.2e}") == edge for edge in bands.edges)
    assert all(0.12 <= count / CLAIMS <= 0.28 for count in counted(bands, income).values())


def test_a_number_with_few_values_is_compared_by_its_values() -> None:
    children = np.random.default_rng(4).integers(0, 4, CLAIMS).astype(float)
    bands = bands_of(column(LogicalType.INTEGER), children, EVENT)
    assert bands.names == ()
    assert set(counted(bands, children)) == {"0", "1", "2", "3"}


def test_a_number_that_is_mostly_zero_still_has_bands() -> None:
    debts = np.random.default_rng(5).exponential(1_000.0, CLAIMS)
    debts[: CLAIMS // 2] = 0.0
    found = counted(bands_of(column(), debts, EVENT), debts)
    assert len(found) == 3
    assert max(found.values()) <= 0.6 * CLAIMS


@pytest.mark.parametrize(
    ("stated", "names"),
    [
        ((25.0, 60.0), ("under 25", "25 to 59", "60 and over")),
        ((25.0, 26.0), ("under 25", "25", "26 and over")),
        ((25.5,), ("under 25.5", "25.5 and over")),
        (Banding.VALUES, ()),
    ],
)
def test_bands_of_the_contract_are_taken_as_they_are(
    stated: Banding | tuple[float, ...], names: tuple[str, ...]
) -> None:
    ages = np.random.default_rng(6).integers(18, 90, CLAIMS).astype(float)
    assert bands_of(column(bands=stated), ages, EVENT).names == names


def test_edges_of_a_birth_year_may_be_years_or_ages() -> None:
    years = np.random.default_rng(7).integers(1935, 2007, CLAIMS).astype(float)
    assert bands_of(column(bands=(30.0,)), years, EVENT).names == ("under 30 years", "30 years and over")
    assert bands_of(column(bands=(1960.0,)), years, EVENT).names == ("under 1960", "1960 and over")
    assert OLDEST < 1960


def test_bands_survive_the_bundle() -> None:
    bands = Bands("date", (25.0, 60.0))
    assert Bands.from_json(bands.to_json()) == bands


def test_no_value_at_all_is_no_fault() -> None:
    bands = bands_of(column(), np.full(3, np.nan), EVENT[:3])
    assert bands.named([np.nan], None).tolist() == [None]
