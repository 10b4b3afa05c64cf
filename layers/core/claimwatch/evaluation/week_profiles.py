"""Profiles of a week's claims, each claim once and with its newest row.

Scoring writes the profiles of a chunk once and never changes them. If a claim arrives again, in a correction
or because its week is sent again, both rows are in the profiles of their chunks. So the profiles of the rows
that newer rows replace are subtracted: they are few, unless a week was sent again.
"""

from datetime import date

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.evaluation.week import WEEK, start_of
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.profile import Profile
from claimwatch.domain.model.profile_codec import profiles_by_week, unpack
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.claim_table import read_claims
from claimwatch.storage import cohorts, profiles
from claimwatch.storage.cohorts import ReplacedQuery
from claimwatch.storage.profiles import WeekIntake

MOST_AT_ONCE = 200_000
"""Replaced rows that are read with all their features at a time."""

_EVENT, _PROBABILITY = "\0event", "\0probability"


def claims_of_week(cursor: Cursor, contract: Contract, line: str, version: str, monday: date) -> int:
    """Return the number of claims of a week that the model has scored."""
    rows, files = profiles.rows_of_week(cursor, line, version, monday)
    query = _of_week(line, version, monday, files)
    return rows - sum(replaced for *_, replaced in cohorts.count_replaced(cursor, contract, query))


def week_profiles(
    cursor: Cursor, contract: Contract, bundle: Bundle, line: str, version: str, monday: date
) -> tuple[dict[str, Profile], Profile]:
    """Return the profiles of a week: of each feature, and of the score."""
    reference = bundle.reference
    features, score = unpack(reference, profiles.packed_of_week(cursor, line, version, monday))
    _, files = profiles.rows_of_week(cursor, line, version, monday)
    query = _of_week(line, version, monday, files)
    replaced = sum(rows for *_, rows in cohorts.count_replaced(cursor, contract, query))
    parts = -(-replaced // MOST_AT_ONCE)
    for part in range(parts):
        own, own_score = _replaced_profiles(cursor, contract, bundle, query, (part, parts))
        features = {
            name: profile.without(own[name], reference.features[name]) for name, profile in features.items()
        }
        score = score.without(own_score, reference.score)
    return features, score


def intake_of_weeks(
    cursor: Cursor, contract: Contract, line: str, first: date, last: date
) -> list[WeekIntake]:
    """Return the intake of each week from the first to the last."""
    files = profiles.profiled_files(cursor, line, first, last)
    query = ReplacedQuery(line, files, start_of(first), start_of(last) + WEEK)
    replaced = cohorts.count_replaced(cursor, contract, query)
    return profiles.intake_of_weeks(cursor, line, first, last, replaced)


def _of_week(line: str, version: str, monday: date, files: list[int]) -> ReplacedQuery:
    return ReplacedQuery(line, files, start_of(monday), start_of(monday) + WEEK, version)


def _replaced_profiles(
    cursor: Cursor, contract: Contract, bundle: Bundle, query: ReplacedQuery, part: tuple[int, int]
) -> tuple[dict[str, Profile], Profile]:
    spec, reference = bundle.spec, bundle.reference
    _, columns = read_claims(
        lambda text: cohorts.copy_replaced(cursor, contract, query, list(spec.kinds), part, text),
        {_EVENT: "days", _PROBABILITY: "number"} | dict(spec.kinds),
    )
    matrix = encode(spec, columns)
    found = profiles_by_week(spec, columns, matrix, reference, columns[_EVENT], columns[_PROBABILITY])
    return next(iter(found.values())) if found else unpack(reference, [])
