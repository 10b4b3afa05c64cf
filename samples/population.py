"""Policyholders, their policies and their cars.

Attributes are drawn by the number of the policyholder or of the policy. Two claims of one person therefore
agree on name, sex and region, and two claims under one policy on car, channel and first day of cover, without
any lookup.
"""

from dataclasses import dataclass

import numpy as np

from samples.draws import Draws, Floats, Integers, Odds
from samples.vocabulary import FEMALE_NAMES, FUELS, LAST_NAMES, MAKES, MALE_NAMES

_SEX = Odds([0.462, 0.52, 0.006, 0.012])  # the last category did not state it
_REGION = Odds([0.16, 0.15, 0.21, 0.17, 0.25, 0.06])
_EARLIER_CLAIMS = Odds([0.61, 0.23, 0.09, 0.04, 0.017, 0.008, 0.003, 0.002])
_POLICY_TYPE = Odds([0.66, 0.20, 0.14])
_CHANNEL = Odds([0.37, 0.31, 0.18, 0.14])
_DEDUCTIBLES = np.array([0, 150, 300, 500, 1_000, 2_000])
_DEDUCTIBLE = Odds([0.08, 0.22, 0.36, 0.21, 0.10, 0.03])
_MAKE = Odds([6, 7, 4, 4, 5, 8, 5, 5, 6, 4, 6, 7, 7, 4, 6, 2, 8, 13, 3, 5])
_MAKE_PRICES = np.array([
    41, 46, 21, 17, 19, 25, 24, 25, 48, 24, 22, 24, 23, 23, 27, 47, 27, 31, 42, 29,
]) * 1_000.0  # fmt: skip
_BODY = Odds([0.31, 0.14, 0.16, 0.27, 0.06, 0.02, 0.04])
_BODY_FACTORS = np.array([0.85, 1.05, 1.05, 1.25, 1.15, 1.3, 1.2])
_FUEL = Odds([0.49, 0.31, 0.13, 0.07])
_AGE_WHEN_INSURED = Odds([16, 12, 10, 9, 8, 8, 7, 6, 5, 5, 4, 3, 2, 2, 1, 1, 1])
_COVER_FACTORS = np.array([1.0, 0.62, 0.45])
_YEAR = 365.25


@dataclass(frozen=True)
class Policyholders:
    """The policyholder of each claim of a block."""

    number: Integers
    sex: Integers
    """Index into vocabulary.SEXES; 3 if not stated."""
    region: Integers
    first_name: Integers
    last_name: Integers
    birth_day: Integers
    earlier_claims: Integers
    days_between_policies: Integers
    days_into_first_policy: Integers


@dataclass(frozen=True)
class Policies:
    """The policy in force on the day of the loss, and its vehicle."""

    number: Integers
    draws: Draws
    start_day: Integers
    days_insured: Integers
    cover: Integers
    channel: Integers
    deductible: Integers
    make: Integers
    body: Integers
    fuel: Integers
    model_year: Integers
    vehicle_value: Floats
    """Value on the day of the loss in euros."""


def draw_policyholders(seed: int, number: Integers, book_start_day: int) -> Policyholders:
    """Draw the policyholders with these numbers. Nobody is insured before the age of 18."""
    draws = Draws(seed, "policyholder", number.astype(np.uint64))
    sex = draws.pick("sex", _SEX)
    woman = np.where(sex < 2, sex == 0, draws.chance("name", 0.5))
    age = np.clip(46.0 + 15.5 * draws.normal("age"), 18.6, 92.0)
    longest = np.maximum(180.0, (age - 18.0) * _YEAR)
    between = np.clip(
        np.exp(6.6 + 0.9 * draws.normal("days between policies")), 180.0, np.minimum(longest, 5_000.0)
    )
    return Policyholders(
        number=number,
        sex=sex,
        region=draws.pick("region", _REGION),
        first_name=np.where(
            woman,
            draws.below("first name", len(FEMALE_NAMES)),
            len(FEMALE_NAMES) + draws.below("first name", len(MALE_NAMES)),
        ),
        last_name=draws.below("last name", len(LAST_NAMES)),
        birth_day=book_start_day - (age * _YEAR).astype(np.int64),
        earlier_claims=draws.pick("earlier claims", _EARLIER_CLAIMS),
        days_between_policies=between.astype(np.int64),
        days_into_first_policy=(draws.uniform("days into first policy") * between).astype(np.int64),
    )


def draw_policies(seed: int, holders: Policyholders, loss_day: Integers) -> Policies:
    """Draw the policy of each holder on this day."""
    cycle, days_insured = np.divmod(loss_day + holders.days_into_first_policy, holders.days_between_policies)
    number = holders.number * 1_000 + cycle  # at most 114 policies of 180 days since 1970
    draws = Draws(seed, "policy", number.astype(np.uint64))
    start_day = loss_day - days_insured
    make = draws.pick("make", _MAKE)
    body = draws.pick("body", _BODY)
    age_when_insured = draws.pick("age when insured", _AGE_WHEN_INSURED)
    price = _MAKE_PRICES[make] * _BODY_FACTORS[body] * np.exp(0.22 * draws.normal("price"))
    years_old = age_when_insured + days_insured / _YEAR
    return Policies(
        number=number,
        draws=draws,
        start_day=start_day,
        days_insured=days_insured,
        cover=draws.pick("cover", _POLICY_TYPE),
        channel=draws.pick("channel", _CHANNEL),
        deductible=_DEDUCTIBLES[draws.pick("deductible", _DEDUCTIBLE)],
        make=make,
        body=body,
        fuel=np.where(make == MAKES.index("tesla"), FUELS.index("electric"), draws.pick("fuel", _FUEL)),
        model_year=(start_day / _YEAR).astype(np.int64) + 1970 - age_when_insured,
        vehicle_value=np.clip(price * np.exp(-0.14 * years_old), 450.0, 250_000.0),
    )


def draw_premium(policies: Policies, holders: Policyholders, shift: float) -> Floats:
    """Draw the annual premium in euros, which depends on car, cover, the driver's age and noise."""
    young = policies.start_day - holders.birth_day < 25 * _YEAR
    expected = (
        (210.0 + 0.021 * policies.vehicle_value) * _COVER_FACTORS[policies.cover] * np.where(young, 1.7, 1.0)
    )
    premium: Floats = expected * np.exp(0.28 * (policies.draws.normal("premium") + shift))
    return np.clip(premium, 60.0, 15_000.0)


def draw_mileage(policies: Policies, shift: float, corrected: bool) -> Integers:
    """Draw the declared kilometres per year, rounded down to hundreds."""
    spread = policies.draws.normal("mileage corrected" if corrected else "mileage") + shift
    return (np.clip(np.exp(9.4 + 0.45 * spread), 500.0, 150_000.0) / 100.0).astype(np.int64) * 100
