"""The later truth: what was decided about the claims that somebody investigated.

Nobody investigates everything. A suspicious claim is referred more often, and a small slice is audited at
random: the audited claims are a fair sample of the book, the referred ones are not. Some cases are solved
before the policyholder reports them, so their outcome comes before their claim.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from samples.book import Book, Claims, claim_ids
from samples.columns import Column, Dress, Mask, Moments, Numbers, Serials, Words
from samples.draws import Floats, Integers, Words64
from samples.vocabulary import FLAGS, SOURCES

OUTCOME_NAMES = ["claim_id", "is_fraud", "decided_at", "decided_by", "source"]
TRUTH_NAMES = ["claim_id", "probability", "is_fraud"]
AUDITED_SHARE = 0.02

_DAY = 86_400
_BLOCK_ROWS = 8_192
_INVESTIGATORS = 24
_SHORTEST_DAYS, _LONGEST_DAYS = 4, 170
_LONGEST_WEEKS = _LONGEST_DAYS // 7 + 1


@dataclass(frozen=True)
class Decisions:
    """What was decided about claims of one week."""

    week: int
    """Of the claims."""
    numbers: Words64
    is_fraud: Mask
    decided_at: Integers
    """Seconds since 1970 UTC."""
    decided_in: Integers
    """Week of the book; the outcomes file of this week has it."""
    investigator: Integers
    source: Integers
    """Of vocabulary.SOURCES."""

    def of(self, rows: Mask) -> "Decisions":
        """Some of them."""
        return Decisions(
            self.week,
            self.numbers[rows],
            self.is_fraud[rows],
            self.decided_at[rows],
            self.decided_in[rows],
            self.investigator[rows],
            self.source[rows],
        )

    def columns(self, seed: int) -> dict[str, Column]:
        """As an outcomes file shows them."""
        return {
            "claim_id": claim_ids(seed, self.week, self.numbers),
            "is_fraud": Words(FLAGS, self.is_fraud.astype(np.int64), dress=Dress.BARE),
            "decided_at": Moments(self.decided_at),
            "decided_by": Serials("investigator-", self.investigator, digits=2),
            "source": Words(SOURCES, self.source),
        }


class Investigations:
    """All decisions about a book's claims; remembers those of the half year that is being written."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.about = lru_cache(maxsize=_LONGEST_WEEKS + 3)(self._about)

    def delivered_in(self, week: int) -> Iterator[Decisions]:
        """The outcomes file of a week: about claims of half a year, and some about claims still to come.

        After the book's last week no more claims happen, and those of the past are settled.
        """
        weeks = self._book.config.weeks
        last_week = week + 1 if week < weeks else weeks - 1
        for claims_week in range(max(0, week - _LONGEST_WEEKS), last_week + 1):
            decisions = self.about(claims_week)
            yield decisions.of(decisions.decided_in == week)

    def _about(self, week: int) -> Decisions:
        blocks = [
            self._decide(week, numbers, self._book.claims(week, numbers))
            for numbers in self._book.blocks(week, _BLOCK_ROWS)
        ]
        return Decisions(
            week,
            np.concatenate([block.numbers for block in blocks]),
            np.concatenate([block.is_fraud for block in blocks]),
            np.concatenate([block.decided_at for block in blocks]),
            np.concatenate([block.decided_in for block in blocks]),
            np.concatenate([block.investigator for block in blocks]),
            np.concatenate([block.source for block in blocks]),
        )

    def _decide(self, week: int, numbers: Words64, claims: Claims) -> Decisions:
        lane = claims.lane
        audited = lane.chance("audited", AUDITED_SHARE)
        referred = lane.chance(
            "referred", _referral_probability(claims.probability, lane.normal("suspicion"))
        )
        report_day = claims.reported_at // _DAY
        days = np.clip(np.exp(3.3 + 0.6 * lane.normal("days to decide")), _SHORTEST_DAYS, _LONGEST_DAYS)
        # Solved before it was reported: only where it had happened by then.
        solved_early = (report_day - claims.loss_day > 7) & lane.chance("solved early", 0.1)
        decided_on = report_day + np.where(solved_early, -7, days.astype(np.int64))
        office_hour = 8 * 3_600 + lane.below("office hour", 9 * 3_600)
        week_decided = (decided_on - self._book.first_day(0)) // 7
        return Decisions(
            week,
            numbers,
            claims.is_fraud,
            decided_at=decided_on * _DAY + office_hour,
            decided_in=np.maximum(
                week_decided, 0
            ),  # the first file has what was decided before the book began
            investigator=1 + lane.below("investigator", _INVESTIGATORS),
            source=np.where(audited, SOURCES.index("random_audit"), SOURCES.index("referral")),
        ).of(audited | referred)


def truth(book: Book, week: int) -> Iterator[Mapping[str, Column]]:
    """Every claim's true probability, in millionths, and whether it is a fraud. For evaluation only."""
    for numbers in book.blocks(week, _BLOCK_ROWS):
        claims = book.claims(week, numbers)
        yield {
            "claim_id": claims.columns["claim_id"],
            "probability": Numbers(np.rint(claims.probability * 1e6).astype(np.int64), decimals=6),
            "is_fraud": Words(FLAGS, claims.is_fraud.astype(np.int64), dress=Dress.BARE),
        }


def _referral_probability(fraud: Floats, noise: Floats) -> Floats:
    """People see much of what makes a fraud, not all of it; about a claim in ten is referred."""
    suspicion = 1.1 * np.log(fraud / (1.0 - fraud)) + 0.9 * noise
    probability: Floats = 1.0 / (1.0 + np.exp(-(suspicion + 0.9)))
    return probability
