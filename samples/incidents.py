"""Incidents of insured cars and the amounts claimed for them."""

from dataclasses import dataclass

import numpy as np

from samples.columns import MISSING
from samples.draws import Draws, Integers, Odds
from samples.population import Policies, Policyholders
from samples.vocabulary import INCIDENTS, TOWNS_BY_REGION

_DAY = 86_400
_YEAR = 365.25
_REPORT_WEEKDAY = Odds([20, 17, 16, 16, 15, 9, 7])
_REPORT_HOUR = Odds([1, 1, 1, 1, 1, 2, 4, 8, 16, 20, 20, 18, 14, 15, 17, 17, 16, 14, 12, 9, 7, 5, 3, 2])
# Incidents in their order: collision, single vehicle, theft, fire, vandalism, glass, weather, animal.
# By policy type: third_party covers only damage to others, third_party_fire_theft also fire and theft.
_INCIDENT = Odds([
    [0.41, 0.12, 0.06, 0.02, 0.09, 0.18, 0.07, 0.05],
    [0.64, 0.21, 0.11, 0.04, 0, 0, 0, 0],
    [0.76, 0.24, 0, 0, 0, 0, 0, 0],
])  # fmt: skip
_BY_DAY = [1, 1, 1, 1, 1, 2, 5, 10, 11, 7, 6, 6, 7, 7, 7, 8, 10, 12, 11, 7, 5, 4, 3, 2]
_BY_NIGHT = [11, 12, 12, 11, 9, 6, 3, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10]
_HOUR = Odds([_BY_DAY, _BY_DAY, _BY_NIGHT, _BY_NIGHT, _BY_NIGHT, _BY_DAY, _BY_DAY, _BY_NIGHT])
_HOUR_UNKNOWN = np.array([0.02, 0.02, 0.4, 0.1, 0.45, 0.1, 0.15, 0.02])
_SEVERITY = Odds([
    [0.16, 0.52, 0.25, 0.07],
    [0.10, 0.42, 0.34, 0.14],
    [0.0, 0.05, 0.10, 0.85],
    [0.0, 0.10, 0.30, 0.60],
    [0.40, 0.50, 0.10, 0.0],
    [0.75, 0.25, 0.0, 0.0],
    [0.25, 0.50, 0.20, 0.05],
    [0.20, 0.55, 0.20, 0.05],
])  # fmt: skip
_DAMAGE_SHARE = np.array([0.025, 0.09, 0.36, 0.92])
_OTHER_VEHICLES = Odds([0.0, 0.83, 0.13, 0.03, 0.01])
_WITNESSES = Odds([
    [0.42, 0.33, 0.16, 0.07, 0.02],
    [0.66, 0.21, 0.09, 0.03, 0.01],
    [0.90, 0.08, 0.02, 0, 0],
    [0.70, 0.18, 0.08, 0.03, 0.01],
    [0.86, 0.11, 0.03, 0, 0],
    [0.85, 0.12, 0.03, 0, 0],
    [0.75, 0.15, 0.07, 0.02, 0.01],
    [0.70, 0.22, 0.06, 0.02, 0],
])  # fmt: skip
_INJURIES = Odds([
    [0.93, 0.055, 0.012, 0.003, 0],
    [0.86, 0.10, 0.03, 0.008, 0.002],
    [0.66, 0.22, 0.08, 0.03, 0.01],
    [0.45, 0.33, 0.14, 0.05, 0.03],
])  # fmt: skip
_POLICE = np.array([0.42, 0.45, 0.88, 0.82, 0.55, 0.06, 0.10, 0.35])
_INCIDENT_REGION = Odds(
    [[0.82 if there == home else 0.026 for there in range(6)] + [0.05] for home in range(6)]
)
_FINANCED = Odds([[0.42, 0.58], [0.72, 0.28], [0.95, 0.05]])
_TOWNS_IN_REGION = len(TOWNS_BY_REGION[0])
"""The number of towns, which is the same in each region."""


@dataclass(frozen=True)
class Report:
    """The dates of the loss and of its report."""

    reported_at: Integers
    """Seconds since 1970."""
    loss_day: Integers
    delay_days: Integers
    """Days from the loss to the report."""


@dataclass(frozen=True)
class Incidents:
    """Incidents as the claims state them; MISSING for facts that are not stated."""

    incident: Integers
    severity: Integers
    hour: Integers
    region: Integers
    town: Integers
    vehicles: Integers
    witnesses: Integers
    injuries: Integers
    police_report: Integers
    driver_age: Integers
    financed: Integers
    injury_cents: Integers
    claim_cents: Integers


def draw_report(draws: Draws, week_start_day: int) -> Report:
    """Draw the reports: mostly on weekdays in the daytime and within days of the loss, a few after months."""
    day = week_start_day + draws.pick("report weekday", _REPORT_WEEKDAY)
    second = draws.pick("report hour", _REPORT_HOUR) * 3_600 + draws.below("report second", 3_600)
    delay_days = np.clip(np.exp(0.7 + 1.1 * draws.normal("silence")) - 0.5, 0.0, 180.0).astype(np.int64)
    return Report(reported_at=day * _DAY + second, loss_day=day - delay_days, delay_days=delay_days)


def draw_incidents(
    draws: Draws,
    report: Report,
    holders: Policyholders,
    policies: Policies,
    amount_shift: float,
    corrected: bool,
) -> Incidents:
    """Draw the incidents. The shift is in standard deviations of the log of the damage."""
    incident = draws.pick("incident", _INCIDENT, policies.cover)
    severity = draws.pick("severity", _SEVERITY, incident)
    road = incident <= INCIDENTS.index("single_vehicle")
    collision = incident == INCIDENTS.index("collision")
    region = draws.pick("incident region", _INCIDENT_REGION, holders.region)
    injuries = np.where(road, draws.pick("injuries", _INJURIES, severity), 0)
    holder_age = age_on(report.loss_day, holders)
    other_driver = 17 + np.minimum(draws.below("other driver", 45), draws.below("yet another driver", 60))
    car_age = (report.loss_day / _YEAR).astype(np.int64) + 1970 - policies.model_year
    damage = np.maximum(
        policies.vehicle_value
        * _DAMAGE_SHARE[severity]
        * np.exp(0.5 * (draws.normal("damage") + amount_shift)),
        60.0,
    )
    hurt = injuries * 2_400.0 * np.exp(0.8 * draws.normal("injury amount"))
    injury_cents = np.rint(hurt * 100.0).astype(np.int64)
    return Incidents(
        incident=incident,
        severity=severity,
        hour=_hour(draws, report, incident),
        region=region,
        town=region * _TOWNS_IN_REGION
        + draws.below("town corrected" if corrected else "town", _TOWNS_IN_REGION),
        vehicles=np.where(collision, 1 + draws.pick("other vehicles", _OTHER_VEHICLES), 1),
        witnesses=np.where(
            draws.chance("witnesses asked", 0.94), draws.pick("witnesses", _WITNESSES, incident), MISSING
        ),
        injuries=injuries,
        police_report=np.where(
            draws.chance("police known", 0.92),
            draws.chance("police", _POLICE[incident]).astype(np.int64),
            MISSING,
        ),
        driver_age=np.where(draws.chance("holder drove", 0.82), holder_age, other_driver),
        financed=draws.pick("financed", _FINANCED, np.digitize(car_age, [5, 10]).astype(np.int64)),
        injury_cents=np.where(injuries > 0, injury_cents, MISSING),
        claim_cents=np.rint(damage * 100.0).astype(np.int64) + injury_cents,
    )


def age_on(day: Integers, holders: Policyholders) -> Integers:
    """Return the policyholders' age in full years on this day."""
    return ((day - holders.birth_day) / _YEAR).astype(np.int64)


def _hour(draws: Draws, report: Report, incident: Integers) -> Integers:
    hour = draws.pick("hour", _HOUR, incident)
    reported_hour = report.reported_at % _DAY // 3_600
    possible = np.where(report.delay_days == 0, np.minimum(hour, reported_hour), hour)
    return np.where(draws.chance("hour unknown", _HOUR_UNKNOWN[incident]), MISSING, possible)
