"""Outcomes: later decisions about the claims that were investigated.

Only some claims are investigated. Suspicious claims are referred more often, and a small share is audited at
random: audited claims are a representative sample of the book, and referred claims are not. Some cases are
solved before the policyholder reports them, so their outcome is delivered before their claim.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from samples.book import Book, Claims, claim_ids
from samples.columns import Column, Lookup, Mask, Numbers, Quoting, Serials, Timestamps
from samples.draws import Floats, Integers, Unsigned
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
    """Decisions about claims of one week."""

    week: int
    """Week of the claims."""
    numbers: Unsigned
    is_fraud: Mask
    decided_at: Integers
    """Seconds since 1970 UTC."""
    decided_in: Integers
    """Week of the book whose outcomes file contains the decision."""
    investigator: Integers
    source: Integers
    """Index into vocabulary.SOURCES."""

    def select(self, rows: Mask) -> "Decisions":
        """Return the decisions of these rows."""
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
        """Return the columns of an outcomes file."""
        return {
            "claim_id": claim_ids(seed, self.week, self.numbers),
            "is_fraud": Lookup(FLAGS, self.is_fraud.astype(np.int64), quoting=Quoting.NEVER),
            "decided_at": Timestamps(self.decided_at),
            "decided_by": Serials(self.investigator, "investigator-", digits=2),
            "source": Lookup(SOURCES, self.source),
        }


class Investigations:
    """All decisions about a book's claims; caches the half year that is being written."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.about = lru_cache(maxsize=_LONGEST_WEEKS + 3)(self._about)

    def delivered_in(self, week: int) -> Iterator[Decisions]:
        """Yield the outcomes of a week, by the week of their claims: the past half year and the next week.

        No claims follow the book's last week; the later files contain the remaining outcomes.
        """
        weeks = self._book.config.weeks
        last_week = week + 1 if week < weeks else weeks - 1
        for claims_week in range(max(0, week - _LONGEST_WEEKS), last_week + 1):
            decisions = self.about(claims_week)
            yield decisions.select(decisions.decided_in == week)

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

    def _decide(self, week: int, numbers: Unsigned, claims: Claims) -> Decisions:
        draws = claims.draws
        audited = draws.chance("audited", AUDITED_SHARE)
        referred = draws.chance(
            "referred", _referral_probability(claims.probability, draws.normal("suspicion"))
        )
        report_day = claims.reported_at // _DAY
        days = np.clip(np.exp(3.3 + 0.6 * draws.normal("days to decide")), _SHORTEST_DAYS, _LONGEST_DAYS)
        # A case can only be solved before its report if the loss has happened by then.
        solved_early = (report_day - claims.loss_day > 7) & draws.chance("solved early", 0.1)
        decided_on = report_day + np.where(solved_early, -7, days.astype(np.int64))
        office_hour = 8 * 3_600 + draws.below("office hour", 9 * 3_600)
        week_decided = (decided_on - self._book.first_day(0)) // 7
        return Decisions(
            week,
            numbers,
            claims.is_fraud,
            decided_at=decided_on * _DAY + office_hour,
            # The first file also contains the decisions from before the book's first week.
            decided_in=np.maximum(week_decided, 0),
            investigator=1 + draws.below("investigator", _INVESTIGATORS),
            source=np.where(audited, SOURCES.index("random_audit"), SOURCES.index("referral")),
        ).select(audited | referred)


def truth(book: Book, week: int) -> Iterator[Mapping[str, Column]]:
    """Yield each claim's true probability to six decimals and whether it is a fraud; for evaluation only."""
    for numbers in book.blocks(week, _BLOCK_ROWS):
        claims = book.claims(week, numbers)
        yield {
            "claim_id": claims.columns["claim_id"],
            "probability": Numbers(np.rint(claims.probability * 1e6).astype(np.int64), decimals=6),
            "is_fraud": Lookup(FLAGS, claims.is_fraud.astype(np.int64), quoting=Quoting.NEVER),
        }


def _referral_probability(fraud: Floats, noise: Floats) -> Floats:
    """Return the probability of a referral. It ranks frauds imperfectly; one claim in ten is referred."""
    suspicion = 1.1 * np.log(fraud / (1.0 - fraud)) + 0.9 * noise
    probability: Floats = 1.0 / (1.0 + np.exp(-(suspicion + 0.9)))
    return probability
