"""Data quality: whether what came in a week is whole, as a model knows it, and as much as always.

What is asked of each feature is compared with the reference; what comes with files, with the weeks before.
A bound is reached where a change is *certain*, at the numbers of claims that there are, and *material*.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import betainc, gammaln, stdtr

from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.model.profile import Profile

ENOUGH = 50
"""Claims of a week, or rows, without which nothing is said of shares."""

HISTORY = 4
"""Weeks before without which nothing is said of what comes with files."""

SUSPECTED, CERTAIN = 0.05, 0.01
"""Shares of false discoveries for a watch and for an alarm."""

MISSING, UNSEEN, OUTSIDE = 0.02, 0.005, 0.005
"""What is material, as more of all claims than in the reference: missing, of a category that was never
learnt, outside of the range that was seen."""

REFUSED, REFUSED_AT_ALL = 0.01, 0.2
"""What is material of the rows that are quarantined: more than in the weeks before; in any week."""

REPEATED, LATE = 0.02, 0.05
"""What is material of claims that came again, and of those that came after their week."""

VOLUME = 1.5
"""How many times more, or fewer, claims than in the weeks before are material."""


@dataclass(frozen=True)
class Intake:
    """What came for a week.

    ``by_rule`` are quarantined rows by the rule that they broke; a row can break several. ``repeated`` are
    rows of claims that had come before, ``late`` claims that came in a file of a later week. ``claims`` are
    those of the week, whatever file they came in.
    """

    files: int
    rows_read: int
    rows_quarantined: int
    by_rule: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    late: int = 0
    claims: int = 0


def data_quality(
    reference: Mapping[str, Profile],
    current: Mapping[str, Profile],
    intake: Intake,
    history: Sequence[Intake] = (),
) -> list[Finding]:
    """The findings of check ``data_quality``; ``history`` are the weeks before, in any order."""
    known = [week for week in history if week.rows_read or week.claims]
    return [
        *_features(reference, current),
        *_files(intake, known),
        _volume(intake, known),
        Finding("file_count", float(intake.files), intake.rows_read),
    ]


# -- What the claims of a week are like, against the reference --


def _features(reference: Mapping[str, Profile], current: Mapping[str, Profile]) -> list[Finding]:
    asked = [
        *(
            _more("missing_share", name, reference[name], current[name], "missing", MISSING)
            for name in reference
        ),
        *(
            _more("unseen_share", name, reference[name], current[name], "unseen", UNSEEN)
            for name in reference
            if reference[name].categories
        ),
        *(
            _outside(name, reference[name], current[name])
            for name in reference
            if reference[name].present and not reference[name].categories
        ),
    ]
    return _answered(asked)


@dataclass(frozen=True)
class _Question:
    """Whether a share has grown; ``p_value`` is nan where there is too little to tell."""

    metric: str
    count: int
    of: int
    p_value: float
    usual: float
    material: float
    feature: str = ""
    segment: str = ""
    loudest: Verdict = "alarm"

    def answer(self, q_value: float) -> Finding:
        """The finding, at this share of false discoveries."""
        found = wilson(self.count, self.of)
        share = found.value
        verdict: Verdict = "ok"
        if np.isnan(q_value) or share is None:
            verdict = "not enough data"
        elif share - self.usual >= self.material and q_value <= SUSPECTED:
            verdict = self.loudest if q_value <= CERTAIN else "watch"
        return Finding(
            self.metric,
            share,
            self.of,
            verdict,
            self.feature,
            self.segment,
            found.low,
            found.high,
            None if np.isnan(self.usual) else self.usual + self.material,
        )


def _answered(questions: Sequence[_Question]) -> list[Finding]:
    """The findings, with the false discoveries of all of them together kept down."""
    discovered = q_values([question.p_value for question in questions]).tolist()
    return [question.answer(q_value) for question, q_value in zip(questions, discovered, strict=True)]


def _more(
    metric: str, name: str, reference: Profile, current: Profile, count: str, material: float
) -> _Question:
    """Whether more are missing or unseen than in the reference."""
    before, now = getattr(reference, count), getattr(current, count)
    usual = before / reference.rows if reference.rows else 0.0
    p_value = more_of(now, current.rows, before, reference.rows) if _told(reference, current) else np.nan
    return _Question(metric, now, current.rows, p_value, usual, material, name)


def _outside(name: str, reference: Profile, current: Profile) -> _Question:
    """Whether more are out of the range than that of any sample as large as the reference lets through."""
    enough = _told(reference, current) and current.present >= ENOUGH
    p_value = beyond_range(current.outside, current.present, reference.present) if enough else np.nan
    return _Question("outside_share", current.outside, current.present, p_value, 0.0, OUTSIDE, name)


def _told(reference: Profile, current: Profile) -> bool:
    return min(reference.rows, current.rows) >= ENOUGH


def more_of(count: int, claims: int, before: int, reference: int) -> float:
    """How likely so many or more of them are, if their share is that of the reference.

    Given how many there are in both, those of the one are about binomial. Where they are rare that is
    Fisher's exact test; where they are not it errs to the safe side.
    """
    if not count:
        return 1.0
    return float(betainc(count, before + 1, claims / (claims + reference)))


def beyond_range(count: int, claims: int, reference: int) -> float:
    """How likely so many or more numbers are outside of the range of the reference, without any change.

    Exact for numbers that are all different, and to the safe side for others: each of the gaps between the
    reference's numbers in their order is as likely to take the next number in, and two of the gaps are
    outside. So it is how likely it is that of the lowest count + 1 of all at most one is the reference's.
    """
    if not count:
        return 1.0
    both = claims + reference

    def drawn(some: int) -> float:
        """The logarithm of how likely the first so many of all are current ones."""
        if some > claims:
            return -np.inf
        return float(
            gammaln(claims + 1) - gammaln(claims - some + 1) - gammaln(both + 1) + gammaln(both - some + 1)
        )

    none = np.exp(drawn(count + 1))
    one = np.exp(drawn(count) + np.log(count + 1) + np.log(reference) - np.log(max(both - count, 1)))
    return float(min(none + one, 1.0))


# -- What came with files, against the weeks before --

type _Part = Callable[[Intake], tuple[int, int]]
"""How many, of how many, in a week."""


def _files(intake: Intake, history: Sequence[Intake]) -> list[Finding]:
    rules = sorted(intake.by_rule.keys() | {rule for week in history for rule in week.by_rule})
    found = _answered(
        [
            _since("quarantine_rate", intake, history, _refused, REFUSED),
            *(
                _since("quarantine_rate", intake, history, _broken(rule), REFUSED, segment=rule)
                for rule in rules
            ),
            _since("repeated_share", intake, history, _repeated, REPEATED),
            _since("late_share", intake, history, _late, LATE, loudest="watch"),
        ]
    )
    total = found[0]
    if total.n >= ENOUGH and total.low is not None and total.low > REFUSED_AT_ALL:
        found[0] = replace(total, verdict="alarm", threshold=REFUSED_AT_ALL)
    return found


def _since(
    metric: str,
    intake: Intake,
    history: Sequence[Intake],
    part: _Part,
    material: float,
    segment: str = "",
    loudest: Verdict = "alarm",
) -> _Question:
    count, of = part(intake)
    weeks = [(before, rows) for before, rows in map(part, history) if rows]
    told = len(weeks) >= HISTORY and of >= ENOUGH
    usual = sum(before for before, _ in weeks) / sum(rows for _, rows in weeks) if weeks else np.nan
    p_value = more_than_before(count, of, weeks) if told else np.nan
    return _Question(metric, count, of, p_value, usual, material, segment=segment, loudest=loudest)


def _refused(week: Intake) -> tuple[int, int]:
    return week.rows_quarantined, week.rows_read


def _repeated(week: Intake) -> tuple[int, int]:
    return week.repeated, week.rows_read


def _late(week: Intake) -> tuple[int, int]:
    return week.late, week.claims


def _broken(rule: str) -> _Part:
    return lambda week: (week.by_rule.get(rule, 0), week.rows_read)


def more_than_before(count: int, of: int, before: Sequence[tuple[int, int]]) -> float:
    """How likely a share as high is, as weeks differ: by chance, and by more than chance if those before did.

    The distance from the mean of the weeks in its standard errors, by Student's distribution.
    """
    counts, totals = np.array(before, dtype=np.float64).T
    usual = (counts.sum() + 0.5) / (totals.sum() + 1.0)
    chance = usual * (1.0 - usual)
    between = max(float(np.var(counts / totals, ddof=1)) - chance * float(np.mean(1.0 / totals)), 0.0)
    error = np.sqrt(chance * (1.0 / of + 1.0 / totals.sum()) + between * (1.0 + 1.0 / len(totals)))
    return float(stdtr(len(totals) - 1, (usual - count / of) / error))


def _volume(intake: Intake, history: Sequence[Intake]) -> Finding:
    """Claims against their geometric mean of the weeks before; too many are as telling as too few."""
    if len(history) < HISTORY:
        return Finding("volume_ratio", None, intake.claims, "not enough data")
    weeks = np.log([week.claims + 0.5 for week in history])
    apart = float(np.log(intake.claims + 0.5) - weeks.mean())
    # Claims that come by chance differ by the square root of their number, however alike the weeks were.
    spread = max(float(weeks.var(ddof=1)), float(np.exp(-weeks.mean())))
    error = np.sqrt(spread * (1.0 + 1.0 / len(weeks)))
    p_value = 2.0 * float(stdtr(len(weeks) - 1, -abs(apart) / error))
    verdict: Verdict = "ok"
    if abs(apart) >= np.log(VOLUME) and p_value <= SUSPECTED:
        verdict = "alarm" if p_value <= CERTAIN else "watch"
    bound = VOLUME if apart >= 0.0 else 1.0 / VOLUME
    return Finding("volume_ratio", float(np.exp(apart)), intake.claims, verdict, threshold=bound)
