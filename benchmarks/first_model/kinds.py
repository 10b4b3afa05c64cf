"""The kinds of strangers' books: ten with something special about them, and honest ones without a trap."""

import numpy as np

from benchmarks.first_model.book import FIRST, Book, Extra, Recipe, Tell, Trap, draw
from benchmarks.first_model.columns import Cells, Days, Floats, scaled
from benchmarks.first_model.companies import COMPANIES, Company

MOTOR, HAUSRAT, VOYAGE, HEALTH, MOBILE = COMPANIES
_FLIP = 1.2


def _months(days: Days) -> np.ndarray:
    return days.astype("datetime64[M]").astype(np.int64)


def _month(_rng: np.random.Generator, days: Days, _odds: Floats) -> tuple[Cells, Floats]:
    return [str(month % 12 + 1) for month in _months(days).tolist()], np.zeros(len(days))


def _year(_rng: np.random.Generator, days: Days, _odds: Floats) -> tuple[Cells, Floats]:
    return [str(month // 12 + 1970) for month in _months(days).tolist()], np.zeros(len(days))


def _week_of_month(_rng: np.random.Generator, days: Days, _odds: Floats) -> tuple[Cells, Floats]:
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    return [str(day // 7 + 1) for day in of_month.tolist()], np.zeros(len(days))


def _flipping(days: Days) -> Floats:
    """Return the effect of a season that turns around after a year: even months first quiet, then loud."""
    even = (_months(days) % 12 + 1) % 2 == 0
    second_year = _months(days) >= int(FIRST.astype("datetime64[M]").astype(int)) + 12
    return np.where(even == second_year, _FLIP, -_FLIP)


def _assessor(rng: np.random.Generator, fraud: np.ndarray) -> Cells:
    return ["1" if flagged else "0" for flagged in np.where(rng.random(len(fraud)) < 0.92, fraud, ~fraud)]


def _days_to_settle(rng: np.random.Generator, fraud: np.ndarray) -> Cells:
    days = np.where(fraud, rng.integers(30, 201, len(fraud)), rng.integers(1, 61, len(fraud)))
    return [str(value) for value in days.tolist()]


def _age_and_proxy() -> tuple[Extra, Extra]:
    """Return an age, and a feature that grows with it; claims of older people were accused more often."""
    ages: list[Floats] = []

    def age(rng: np.random.Generator, days: Days, _odds: Floats) -> tuple[Cells, Floats]:
        drawn = rng.integers(18, 91, len(days)).astype(np.float64)
        ages.append(drawn)
        return [f"{value:.0f}" for value in drawn.tolist()], np.zeros(len(days))

    def licensed(rng: np.random.Generator, days: Days, _odds: Floats) -> tuple[Cells, Floats]:
        years = np.maximum(ages[-1] - 18.0 - rng.integers(0, 3, len(days)), 0.0)
        return [f"{value:.0f}" for value in years.tolist()], np.where(years >= 36.0, 2.0, 0.0)

    return Extra("age_of_driver", age), Extra("years_licensed", licensed)


def _investigated(rng: np.random.Generator, odds: Floats) -> np.ndarray:
    """Return the claims that were looked at: the suspicious ones mostly, and some at random."""
    suspicion = scaled(odds) + rng.normal(size=len(odds))
    return (suspicion > np.quantile(suspicion, 0.8)) | (rng.random(len(odds)) < 0.05)


RECIPES: dict[str, tuple[Company, Recipe]] = {
    "small": (MOTOR, Recipe(1_500, 0.15)),
    "large": (HEALTH, Recipe(30_000, 0.06)),
    "imbalanced": (VOYAGE, Recipe(24_000, 0.015)),
    "all outcomes known": (HAUSRAT, Recipe(6_000, 0.2)),
    "few outcomes": (MOBILE, Recipe(16_000, 0.08, known=_investigated)),
    "calendar columns": (
        MOTOR,
        Recipe(
            6_000,
            0.12,
            traps=(Trap("calendar", frozenset({"month", "year"})),),
            extras=(Extra("month", _month), Extra("year", _year), Extra("week_of_month", _week_of_month)),
            harmless=frozenset({"week_of_month"}),
            hidden=_flipping,
        ),
    ),
    "leaks": (
        HEALTH,
        Recipe(
            6_000,
            0.1,
            traps=(Trap("leak", frozenset({"assessor_note", "days_to_settle"})),),
            tells=(Tell("assessor_note", _assessor), Tell("days_to_settle", _days_to_settle)),
        ),
    ),
    "proxies": (
        VOYAGE,
        Recipe(
            8_000,
            0.1,
            traps=(Trap("proxy", frozenset({"years_licensed"})), Trap("group", frozenset({"age_of_driver"}))),
            extras=_age_and_proxy(),
        ),
    ),
    "rate shift": (HAUSRAT, Recipe(10_000, 0.08, traps=(Trap("rate"),), odds_later=2.0)),
    "drift": (
        MOBILE,
        Recipe(
            26_000,
            0.08,
            traps=(Trap("drift", frozenset({"device_value"})),),
            moved={"device_value": 1.8},
        ),
    ),
}
"""A company and a recipe for each of the ten strangers."""


def stranger(name: str, seed: int) -> Book:
    """Draw one of the ten strangers' books."""
    company, recipe = RECIPES[name]
    return draw(name, company, recipe, seed)


def honest(seed: int, number: int) -> Book:
    """Draw a book without a trap; their companies, sizes and rates of fraud differ."""
    rng = np.random.default_rng([seed, number])
    claims = round(float(np.exp(rng.uniform(np.log(2_500), np.log(12_000)))))
    recipe = Recipe(claims, float(rng.choice([0.04, 0.08, 0.15, 0.25])))
    return draw(f"honest {number + 1}", COMPANIES[number % len(COMPANIES)], recipe, seed)
