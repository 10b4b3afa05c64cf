"""The motor book: every claim of every week, computed from its number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from samples import vocabulary as words
from samples.columns import (
    MISSING,
    Column,
    Dates,
    Joined,
    Lookup,
    Mask,
    Numbers,
    Quoting,
    Serials,
    Timestamps,
)
from samples.draws import Draws, Floats, Integers, Unsigned
from samples.incidents import Incidents, Report, age_on, draw_incidents, draw_report
from samples.mechanism import FraudFactors, fraud_probability
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
    """The changes from a known week on."""

    from_week: int
    """First week with the changes; weeks of the book count from 0."""
    shift: float = 0.3
    """Upward shift of each of DRIFTING_FEATURES, in standard deviations of its logarithm."""
    new_scheme: bool = False
    """Whether the fraud mechanism changes too."""


@dataclass(frozen=True)
class BookConfig:
    """Configuration of a book. The content of a claim depends on all but `weeks` and `claims_per_week`."""

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
    """A block of claims: the columns of a claims file, and values that only the generator knows."""

    columns: Mapping[str, Column]
    reported_at: Integers
    """Seconds since 1970 UTC."""
    loss_day: Integers
    """Dates since 1970."""
    probability: Floats
    """True probability that the claim is a fraud, given its columns."""
    is_fraud: Mask
    draws: Draws
    """Source of further draws about the same claims."""

    def __len__(self) -> int:
        return len(self.is_fraud)


class Book:
    """All claims of one configuration, computed on demand."""

    def __init__(self, config: BookConfig) -> None:
        self.config = config

    def blocks(self, week: int, rows: int) -> Iterator[Unsigned]:
        """Yield the numbers of the week's claims in blocks of at most `rows`."""
        if not 0 <= week < 1 << (_ID_BITS - _NUMBER_BITS):
            raise ValueError(f"week {week} is outside the range of a book")
        total = self.config.claims_per_week
        for first in range(0, total, rows):
            yield np.arange(first, min(first + rows, total), dtype=np.uint64)

    def week_label(self, week: int) -> str:
        """Return the ISO week, such as 2026-W02."""
        year, number, _ = (self.config.start + timedelta(weeks=week)).isocalendar()
        return f"{year}-W{number:02d}"

    def first_day(self, week: int) -> int:
        """Return the week's Monday in days since 1970."""
        return (self.config.start - _EPOCH).days + 7 * week

    def claim_draws(self, week: int, numbers: Unsigned) -> Draws:
        """Return the source of draws about these claims."""
        return Draws(self.config.seed, "claim", _index(week, numbers))

    def claims(self, week: int, numbers: Unsigned, corrected: bool = False) -> Claims:
        """Return the claims with these numbers; if `corrected`, with new values of CORRECTED_COLUMNS."""
        config = self.config
        drifted = config.drift is not None and week >= config.drift.from_week
        shift = config.drift.shift if config.drift and drifted else 0.0
        new_scheme = bool(config.drift and config.drift.new_scheme and drifted)

        draws = self.claim_draws(week, numbers)
        holders = draw_policyholders(config.seed, self._claimants(draws), self.first_day(0))
        report = draw_report(draws, self.first_day(week))
        policies = draw_policies(config.seed, holders, report.loss_day)
        incidents = draw_incidents(draws, report, holders, policies, shift, corrected)
        facts = _facts(report, holders, policies, incidents)
        probability = fraud_probability(facts, new_scheme)
        mileage = np.where(
            corrected | policies.draws.chance("mileage asked", 0.93),
            draw_mileage(policies, shift, corrected),
            MISSING,
        )
        return Claims(
            columns={
                "claim_id": claim_ids(config.seed, week, numbers),
                **_people(holders, report),
                **_cover(policies, incidents, draw_premium(policies, holders, shift), mileage),
                **_loss(draws, report, incidents, corrected),
            },
            reported_at=report.reported_at,
            loss_day=report.loss_day,
            probability=probability,
            is_fraud=draws.chance("fraud", probability),
            draws=draws,
        )

    def _claimants(self, draws: Draws) -> Integers:
        """Draw the policyholder of each claim; some claim far more often than others."""
        return (draws.uniform("policyholder") ** 1.4 * self.config.policyholders).astype(np.int64)


def claim_ids(seed: int, week: int, numbers: Unsigned) -> Serials:
    """Return unordered claim ids, distinct for each (week, number): a bijective scramble of 48 bits."""
    low = np.uint64((1 << _ID_BITS) - 1)
    value = _index(week, numbers) + np.uint64(seed % (1 << _NUMBER_BITS)) * np.uint64(0x9E3779B1)
    for shift, odd in ((23, 0xD6E8FEB86659), (25, 0xC2B2AE3D27D5), (22, 0x165667B19E37)):
        value &= low
        value ^= value >> np.uint64(shift)
        value *= np.uint64(odd)
    value &= low
    value ^= value >> np.uint64(24)
    return Serials(value.astype(np.int64), "MTR-", digits=12, base=16)


def _index(week: int, numbers: Unsigned) -> Unsigned:
    return numbers + np.uint64(week << _NUMBER_BITS)


def _facts(report: Report, holders: Policyholders, policies: Policies, incidents: Incidents) -> FraudFactors:
    return FraudFactors(
        incident=incidents.incident,
        severity=incidents.severity,
        channel=policies.channel,
        days_insured=policies.days_insured,
        delay_days=report.delay_days,
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
    # Bijective on 8 digits, because the factor ends in 7.
    person = Serials(holders.number * 48_271_397 % 100_000_000, "C", digits=8)
    first, last = Lookup(words.FIRST_NAMES, holders.first_name), Lookup(words.LAST_NAMES, holders.last_name)
    mailbox = (
        Lookup(words.FIRST_MAILBOXES, holders.first_name),
        Lookup(words.LAST_MAILBOXES, holders.last_name),
    )
    without_email = holders.number % 11 == 0
    return {
        "policyholder_id": person,
        "policyholder_name": Joined((first, " ", last), present, quoting=Quoting.JSON),
        "policyholder_email": Joined(
            (mailbox[0], ".", mailbox[1], Numbers(holders.number), "@example.org"),
            without_email,
            quoting=Quoting.JSON,
        ),
        "policyholder_sex": Lookup(
            words.SEXES, np.where(holders.sex < len(words.SEXES), holders.sex, MISSING)
        ),
        "policyholder_age_band": Lookup(words.AGE_BANDS, np.digitize(age, [25, 40, 60]).astype(np.int64)),
        "policyholder_region": Lookup(words.REGIONS, holders.region),
        "claims_last_3_years": Numbers(holders.earlier_claims),
    }


def _cover(policies: Policies, incidents: Incidents, premium: Floats, mileage: Integers) -> dict[str, Column]:
    return {
        # Bijective on 10 digits, because the factor ends in 1.
        "policy_number": Serials(policies.number * 123_456_791 % 10_000_000_000, "POL-", digits=10),
        "policy_start_date": Dates(policies.start_day),
        "policy_type": Lookup(words.POLICY_TYPES, policies.cover),
        "sales_channel": Lookup(words.CHANNELS, policies.channel),
        "deductible": Numbers(policies.deductible),
        "annual_premium": _euro(premium),
        "vehicle_make": Lookup(words.MAKES, policies.make),
        "vehicle_body": Lookup(words.BODIES, policies.body),
        "vehicle_fuel": Lookup(words.FUELS, policies.fuel),
        "vehicle_year": Numbers(policies.model_year),
        "vehicle_value": _euro(policies.vehicle_value),
        "annual_mileage": Numbers(mileage),
        "vehicle_financed": Lookup(words.FLAGS, incidents.financed, quoting=Quoting.NEVER),
        "driver_age": Numbers(incidents.driver_age),
    }


def _loss(draws: Draws, report: Report, incidents: Incidents, corrected: bool) -> dict[str, Column]:
    suffix = " corrected" if corrected else ""
    openings = len(words.OPENINGS_BY_INCIDENT[0])
    opening = incidents.incident * openings + draws.below("opening" + suffix, openings)
    no_address = draws.chance("address unknown", 0.0 if corrected else 0.03)
    no_story = draws.chance("no story", 0.0 if corrected else 0.04)
    return {
        "reported_at": Timestamps(report.reported_at),
        "incident_date": Dates(report.loss_day),
        "incident_hour": Numbers(incidents.hour),
        "incident_type": Lookup(words.INCIDENTS, incidents.incident),
        "incident_severity": Lookup(words.SEVERITIES, incidents.severity),
        "incident_region": Lookup(words.INCIDENT_REGIONS, incidents.region),
        "incident_address": Joined(
            (
                Numbers(1 + draws.below("house" + suffix, 240)),
                " ",
                Lookup(words.STREETS, draws.below("street" + suffix, len(words.STREETS))),
                ", ",
                Lookup(words.TOWNS, incidents.town),
            ),
            no_address,
        ),
        "vehicles_involved": Numbers(incidents.vehicles),
        "witnesses": Numbers(incidents.witnesses),
        "injuries": Numbers(incidents.injuries),
        "police_report": Lookup(words.FLAGS, incidents.police_report, quoting=Quoting.NEVER),
        "injury_amount": Numbers(incidents.injury_cents, decimals=2),
        "claim_amount": Numbers(incidents.claim_cents, decimals=2),
        "description": Joined(
            (
                "Corrected:\v" if corrected else "",
                Lookup(words.OPENINGS, opening),
                "\v",
                Lookup(words.CIRCUMSTANCES, draws.below("circumstance", len(words.CIRCUMSTANCES))),
                "\v",
                Lookup(words.ENDINGS, draws.below("ending", len(words.ENDINGS))),
            ),
            no_story,
        ),
    }


def _euro(amount: Floats) -> Numbers:
    return Numbers(np.rint(amount * 100.0).astype(np.int64), decimals=2)
