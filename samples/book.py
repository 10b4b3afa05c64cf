"""The motor book: any claim of any week, computed from its number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from samples import vocabulary as words
from samples.columns import MISSING, Column, Days, Dress, Joined, Mask, Moments, Numbers, Serials, Words
from samples.draws import Floats, Integers, Lane, Words64
from samples.incidents import Incidents, Report, age_on, draw_incidents, draw_report
from samples.mechanism import Facts, fraud_probability
from samples.population import (
    Policies,
    Policyholders,
    draw_mileage,
    draw_policies,
    draw_policyholders,
    draw_premium,
)

DRIFTING_FEATURES = ("annual_mileage", "annual_premium", "claim_amount")
CORRECTED_COLUMNS = ("annual_mileage", "incident_address", "description")

_EPOCH = date(1970, 1, 1)
_NUMBER_BITS, _ID_BITS = 32, 48


@dataclass(frozen=True)
class Drift:
    """What changes from a known week on."""

    from_week: int
    """Weeks of the book count from 0."""
    shift: float = 0.3
    """Upwards, in standard deviations of the logarithm, of each of DRIFTING_FEATURES."""
    new_scheme: bool = False
    """Whether fraudsters change their ways too."""


@dataclass(frozen=True)
class BookConfig:
    """One book. The content of a claim depends on all of this but `weeks` and `claims_per_week`."""

    seed: int = 7
    start: date = date(2026, 1, 5)
    weeks: int = 1
    claims_per_week: int = 5_000
    policyholders: int = 400_000
    drift: Drift | None = None

    def __post_init__(self) -> None:
        if self.start.isoweekday() != 1:
            raise ValueError(f"a book starts on a Monday; {self.start} is not one")
        if not 1 <= self.policyholders <= 10_000_000:
            raise ValueError("policyholders must be from 1 to 10,000,000")
        if not 0 <= self.claims_per_week < 1 << _NUMBER_BITS:
            raise ValueError(f"claims_per_week must be below 2 ** {_NUMBER_BITS}")


@dataclass(frozen=True)
class Claims:
    """A block of claims: the columns are what a file shows, the rest is what only the generator knows."""

    columns: Mapping[str, Column]
    reported_at: Integers
    """Seconds since 1970 UTC."""
    loss_day: Integers
    """Days since 1970."""
    probability: Floats
    """That the claim is a fraud, given all that stands in it."""
    is_fraud: Mask
    lane: Lane
    """For more draws about the same claims."""

    def __len__(self) -> int:
        return len(self.is_fraud)


class Book:
    """All claims of one configuration; holds none of them."""

    def __init__(self, config: BookConfig) -> None:
        self.config = config

    def blocks(self, week: int, rows: int) -> Iterator[Words64]:
        """The numbers of the week's claims, at most so many at a time."""
        if not 0 <= week < 1 << (_ID_BITS - _NUMBER_BITS):
            raise ValueError(f"no week {week} in a book")
        total = self.config.claims_per_week
        for first in range(0, total, rows):
            yield np.arange(first, min(first + rows, total), dtype=np.uint64)

    def week_label(self, week: int) -> str:
        """The ISO week, such as 2026-W02."""
        year, number, _ = (self.config.start + timedelta(weeks=week)).isocalendar()
        return f"{year}-W{number:02d}"

    def first_day(self, week: int) -> int:
        """The week's Monday, in days since 1970."""
        return (self.config.start - _EPOCH).days + 7 * week

    def claim_lane(self, week: int, numbers: Words64) -> Lane:
        """Draws about these claims."""
        return Lane(self.config.seed, "claim", _index(week, numbers))

    def claims(self, week: int, numbers: Words64, corrected: bool = False) -> Claims:
        """The claims of these numbers, or the same `corrected`: with CORRECTED_COLUMNS put right."""
        config = self.config
        drifted = config.drift is not None and week >= config.drift.from_week
        shift = config.drift.shift if config.drift and drifted else 0.0
        new_scheme = bool(config.drift and config.drift.new_scheme and drifted)

        lane = self.claim_lane(week, numbers)
        holders = draw_policyholders(config.seed, self._claimants(lane), self.first_day(0))
        report = draw_report(lane, self.first_day(week))
        policies = draw_policies(config.seed, holders, report.loss_day)
        incidents = draw_incidents(lane, report, holders, policies, shift, corrected)
        facts = _facts(report, holders, policies, incidents)
        probability = fraud_probability(facts, new_scheme)
        mileage = np.where(
            corrected | policies.lane.chance("mileage asked", 0.93),
            draw_mileage(policies, shift, corrected),
            MISSING,
        )
        return Claims(
            columns={
                "claim_id": claim_ids(config.seed, week, numbers),
                **_people(holders, report),
                **_cover(policies, incidents, draw_premium(policies, holders, shift), mileage),
                **_loss(lane, report, incidents, corrected),
            },
            reported_at=report.reported_at,
            loss_day=report.loss_day,
            probability=probability,
            is_fraud=lane.chance("fraud", probability),
            lane=lane,
        )

    def _claimants(self, lane: Lane) -> Integers:
        """Some people claim far more often than others."""
        return (lane.uniform("policyholder") ** 1.4 * self.config.policyholders).astype(np.int64)


def claim_ids(seed: int, week: int, numbers: Words64) -> Serials:
    """Distinct for distinct (week, number), and in no order: a one-to-one scramble of 48 bits."""
    low = np.uint64((1 << _ID_BITS) - 1)
    value = _index(week, numbers) + np.uint64(seed % (1 << _NUMBER_BITS)) * np.uint64(0x9E3779B1)
    for shift, odd in ((23, 0xD6E8FEB86659), (25, 0xC2B2AE3D27D5), (22, 0x165667B19E37)):
        value &= low
        value ^= value >> np.uint64(shift)
        value *= np.uint64(odd)
    value &= low
    value ^= value >> np.uint64(24)
    return Serials("MTR-", value.astype(np.int64), digits=12, base=16)


def _index(week: int, numbers: Words64) -> Words64:
    return numbers + np.uint64(week << _NUMBER_BITS)


def _facts(report: Report, holders: Policyholders, policies: Policies, incidents: Incidents) -> Facts:
    return Facts(
        incident=incidents.incident,
        severity=incidents.severity,
        channel=policies.channel,
        days_insured=policies.days_insured,
        days_silent=report.days_silent,
        earlier_claims=holders.earlier_claims,
        claim_amount=incidents.claim_cents / 100.0,
        police_report=incidents.police_report,
        hour=incidents.hour,
        witnesses=incidents.witnesses,
        injuries=incidents.injuries,
        financed=incidents.financed,
    )


def _people(holders: Policyholders, report: Report) -> dict[str, Column]:
    present = np.zeros(len(holders.number), dtype=np.bool_)
    age = age_on(report.loss_day, holders)
    # One-to-one on 8 digits, as the factor ends in 7.
    person = Serials("C", holders.number * 48_271_397 % 100_000_000, digits=8)
    first, last = Words(words.FIRST_NAMES, holders.first_name), Words(words.LAST_NAMES, holders.last_name)
    mailbox = Words(words.FIRST_MAILBOXES, holders.first_name), Words(words.LAST_MAILBOXES, holders.last_name)
    without_email = holders.number % 11 == 0
    return {
        "policyholder_id": person,
        "policyholder_name": Joined((first, " ", last), present, dress=Dress.TEXT),
        "policyholder_email": Joined(
            (mailbox[0], ".", mailbox[1], Numbers(holders.number), "@example.org"),
            without_email,
            dress=Dress.TEXT,
        ),
        "policyholder_sex": Words(
            words.SEXES, np.where(holders.sex < len(words.SEXES), holders.sex, MISSING)
        ),
        "policyholder_age_band": Words(words.AGE_BANDS, np.digitize(age, [25, 40, 60]).astype(np.int64)),
        "policyholder_region": Words(words.REGIONS, holders.region),
        "claims_last_3_years": Numbers(holders.earlier_claims),
    }


def _cover(policies: Policies, incidents: Incidents, premium: Floats, mileage: Integers) -> dict[str, Column]:
    return {
        # One-to-one on 10 digits, as the factor ends in 1.
        "policy_number": Serials("POL-", policies.number * 123_456_791 % 10_000_000_000, digits=10),
        "policy_start_date": Days(policies.start_day),
        "policy_type": Words(words.POLICY_TYPES, policies.cover),
        "sales_channel": Words(words.CHANNELS, policies.channel),
        "deductible": Numbers(policies.deductible),
        "annual_premium": _euro(premium),
        "vehicle_make": Words(words.MAKES, policies.make),
        "vehicle_body": Words(words.BODIES, policies.body),
        "vehicle_fuel": Words(words.FUELS, policies.fuel),
        "vehicle_year": Numbers(policies.model_year),
        "vehicle_value": _euro(policies.vehicle_value),
        "annual_mileage": Numbers(mileage),
        "vehicle_financed": Words(words.FLAGS, incidents.financed, dress=Dress.BARE),
        "driver_age": Numbers(incidents.driver_age),
    }


def _loss(lane: Lane, report: Report, incidents: Incidents, corrected: bool) -> dict[str, Column]:
    again = " corrected" if corrected else ""
    openings = len(words.OPENINGS_BY_INCIDENT[0])
    opening = incidents.incident * openings + lane.below("opening" + again, openings)
    no_address = lane.chance("address unknown", 0.0 if corrected else 0.03)
    no_story = lane.chance("no story", 0.0 if corrected else 0.04)
    return {
        "reported_at": Moments(report.reported_at),
        "incident_date": Days(report.loss_day),
        "incident_hour": Numbers(incidents.hour),
        "incident_type": Words(words.INCIDENTS, incidents.incident),
        "incident_severity": Words(words.SEVERITIES, incidents.severity),
        "incident_region": Words(words.INCIDENT_REGIONS, incidents.region),
        "incident_address": Joined(
            (
                Numbers(1 + lane.below("house" + again, 240)),
                " ",
                Words(words.STREETS, lane.below("street" + again, len(words.STREETS))),
                ", ",
                Words(words.TOWNS, incidents.town),
            ),
            no_address,
        ),
        "vehicles_involved": Numbers(incidents.vehicles),
        "witnesses": Numbers(incidents.witnesses),
        "injuries": Numbers(incidents.injuries),
        "police_report": Words(words.FLAGS, incidents.police_report, dress=Dress.BARE),
        "injury_amount": Numbers(incidents.injury_cents, decimals=2),
        "claim_amount": Numbers(incidents.claim_cents, decimals=2),
        "description": Joined(
            (
                "Corrected:\v" if corrected else "",
                Words(words.OPENINGS, opening),
                "\v",
                Words(words.CIRCUMSTANCES, lane.below("circumstance", len(words.CIRCUMSTANCES))),
                "\v",
                Words(words.ENDINGS, lane.below("ending", len(words.ENDINGS))),
            ),
            no_story,
        ),
    }


def _euro(amount: Floats) -> Numbers:
    return Numbers(np.rint(amount * 100.0).astype(np.int64), decimals=2)
