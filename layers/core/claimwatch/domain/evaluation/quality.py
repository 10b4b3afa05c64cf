"""Data quality: completeness, known values and volume of a week's data.

Features are compared with the model's reference, figures about files with earlier weeks. A change alarms if
it is *certain* (statistically significant for these numbers of claims) and *material* (large enough to
matter).
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
"""Claims or rows of a week that a verdict on a share needs."""

HISTORY = 4
"""Earlier weeks that a verdict on files or volume needs."""

SUSPECTED, CERTAIN = 0.05, 0.01
"""q-values up to which a change is a watch and an alarm."""

MISSING, UNSEEN, OUTSIDE = 0.02, 0.005, 0.005
"""Increases over the reference, as shares of all claims, that are material: missing values, categories
unknown to the model, values outside the range of the reference."""

QUARANTINED, QUARANTINED_AT_ALL = 0.01, 0.2
"""Shares of quarantined rows that are material: as an increase over earlier weeks, and in any week."""

REPEATED, LATE = 0.02, 0.05
"""Increases of the shares of repeated and of late claims that are material."""

VOLUME = 1.5
"""Factor by which the number of claims must exceed or fall short of earlier weeks to be material."""


@dataclass(frozen=True)
class Intake:
    """Data that arrived for a week.

    ``by_rule`` counts quarantined rows by the rule that they break; a row can break several. ``repeated``
    counts rows of claims that had arrived before, ``late`` claims that arrived in a file of a later week,
    ``claims`` all claims of the week, in whatever file.
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
    """Return the findings of check ``data_quality``; ``history`` are earlier weeks, in any order."""
    known = [week for week in history if week.rows_read or week.claims]
    return [
        *_features(reference, current),
        *_files(intake, known),
        _volume(intake, known),
        Finding("file_count", float(intake.files), intake.rows_read),
    ]


# -- Claims of the week, compared with the reference --


def _features(reference: Mapping[str, Profile], current: Mapping[str, Profile]) -> list[Finding]:
    questions = [
        *(
            _increase("missing_share", name, reference[name], current[name], "missing", MISSING)
            for name in reference
        ),
        *(
            _increase("unseen_share", name, reference[name], current[name], "unseen", UNSEEN)
            for name in reference
            if reference[name].categories
        ),
        *(
            _outside(name, reference[name], current[name])
            for name in reference
            if reference[name].present and not reference[name].categories
        ),
    ]
    return _answered(questions)


@dataclass(frozen=True)
class _Question:
    """The question whether a share has grown.

    ``usual`` is the share to compare with, ``material`` the increase that matters, ``worst`` the most severe
    verdict. ``p_value`` is nan if there is not enough data. The share of a column's values is answered only
    if there is, because it would be about single claims.
    """

    metric: str
    count: int
    of: int
    p_value: float
    usual: float
    material: float
    feature: str = ""
    segment: str = ""
    worst: Verdict = "alarm"

    def answer(self, q_value: float) -> Finding:
        """Return the finding for a q-value."""
        found = wilson(self.count, self.of)
        share = found.value
        verdict: Verdict = "ok"
        if self.feature and np.isnan(q_value):
            return Finding(self.metric, None, self.of, "not enough data", self.feature, self.segment)
        if np.isnan(q_value) or share is None:
            verdict = "not enough data"
        elif share - self.usual >= self.material and q_value <= SUSPECTED:
            verdict = self.worst if q_value <= CERTAIN else "watch"
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
    """Return the findings, their p-values adjusted for the number of questions."""
    adjusted = q_values([question.p_value for question in questions]).tolist()
    return [question.answer(q_value) for question, q_value in zip(questions, adjusted, strict=True)]


def _increase(
    metric: str, name: str, reference: Profile, current: Profile, count: str, material: float
) -> _Question:
    """Ask whether more values are missing or unseen than in the reference."""
    before, now = getattr(reference, count), getattr(current, count)
    usual = before / reference.rows if reference.rows else 0.0
    p_value = np.nan
    if _enough(reference, current):
        p_value = p_more_than_reference(now, current.rows, before, reference.rows)
    return _Question(metric, now, current.rows, p_value, usual, material, name)


def _outside(name: str, reference: Profile, current: Profile) -> _Question:
    """Ask whether more values are outside the reference's range than for any sample of the same size."""
    enough = _enough(reference, current) and current.present >= ENOUGH
    p_value = p_beyond_range(current.outside, current.present, reference.present) if enough else np.nan
    return _Question("outside_share", current.outside, current.present, p_value, 0.0, OUTSIDE, name)


def _enough(reference: Profile, current: Profile) -> bool:
    return min(reference.rows, current.rows) >= ENOUGH


def p_more_than_reference(count: int, claims: int, before: int, reference: int) -> float:
    """Return the p-value of ``count`` or more of ``claims`` if their share is that of the reference.

    ``before`` of ``reference`` claims had the property. Given the total of both, the count is approximately
    binomial: for rare properties this is Fisher's exact test, for frequent ones it is conservative.
    """
    if not count:
        return 1.0
    return float(betainc(count, before + 1, claims / (claims + reference)))


def p_beyond_range(count: int, claims: int, reference: int) -> float:
    """Return the p-value of ``count`` or more values outside the range of the reference, without a change.

    Exact if all values differ, conservative otherwise: a new value is equally likely to fall into each gap
    between the ordered reference values, and two of these gaps are outside. So this is the probability that
    at most one of the lowest ``count + 1`` values of both samples belongs to the reference.
    """
    if not count:
        return 1.0
    both = claims + reference

    def all_current(n: int) -> float:
        """Return the logarithm of the probability that the lowest ``n`` values are all current."""
        if n > claims:
            return -np.inf
        return float(
            gammaln(claims + 1) - gammaln(claims - n + 1) - gammaln(both + 1) + gammaln(both - n + 1)
        )

    none = np.exp(all_current(count + 1))
    one = np.exp(all_current(count) + np.log(count + 1) + np.log(reference) - np.log(max(both - count, 1)))
    return float(min(none + one, 1.0))


# -- Files and volume, compared with earlier weeks --

type _Part = Callable[[Intake], tuple[int, int]]
"""A count and its total in a week."""


def _files(intake: Intake, history: Sequence[Intake]) -> list[Finding]:
    rules = sorted(intake.by_rule.keys() | {rule for week in history for rule in week.by_rule})
    found = _answered(
        [
            _growth("quarantine_rate", intake, history, _quarantined, QUARANTINED),
            *(
                _growth("quarantine_rate", intake, history, _breaking(rule), QUARANTINED, segment=rule)
                for rule in rules
            ),
            _growth("repeated_share", intake, history, _repeated, REPEATED),
            _growth("late_share", intake, history, _late, LATE, worst="watch"),
        ]
    )
    total = found[0]
    if total.n >= ENOUGH and total.low is not None and total.low > QUARANTINED_AT_ALL:
        found[0] = replace(total, verdict="alarm", threshold=QUARANTINED_AT_ALL)
    return found


def _growth(
    metric: str,
    intake: Intake,
    history: Sequence[Intake],
    part: _Part,
    material: float,
    segment: str = "",
    worst: Verdict = "alarm",
) -> _Question:
    count, of = part(intake)
    weeks = [(before, rows) for before, rows in map(part, history) if rows]
    enough = len(weeks) >= HISTORY and of >= ENOUGH
    usual = sum(before for before, _ in weeks) / sum(rows for _, rows in weeks) if weeks else np.nan
    p_value = p_more_than_before(count, of, weeks) if enough else np.nan
    return _Question(metric, count, of, p_value, usual, material, segment=segment, worst=worst)


def _quarantined(week: Intake) -> tuple[int, int]:
    return week.rows_quarantined, week.rows_read


def _repeated(week: Intake) -> tuple[int, int]:
    return week.repeated, week.rows_read


def _late(week: Intake) -> tuple[int, int]:
    return week.late, week.claims


def _breaking(rule: str) -> _Part:
    return lambda week: (week.by_rule.get(rule, 0), week.rows_read)


def p_more_than_before(count: int, of: int, before: Sequence[tuple[int, int]]) -> float:
    """Return the p-value of a share as high as ``count`` of ``of``, given those of earlier weeks.

    Student's t-test of the distance from their mean. The standard error includes the variation between weeks
    beyond chance, if the earlier weeks show any.
    """
    counts, totals = np.array(before, dtype=np.float64).T
    usual = (counts.sum() + 0.5) / (totals.sum() + 1.0)
    chance = usual * (1.0 - usual)
    between = max(float(np.var(counts / totals, ddof=1)) - chance * float(np.mean(1.0 / totals)), 0.0)
    error = np.sqrt(chance * (1.0 / of + 1.0 / totals.sum()) + between * (1.0 + 1.0 / len(totals)))
    return float(stdtr(len(totals) - 1, (usual - count / of) / error))


def _volume(intake: Intake, history: Sequence[Intake]) -> Finding:
    """Compare the number of claims with the geometric mean of earlier weeks, in both directions.

    A week without claims needs no earlier weeks for its alarm: the longer a line is silent, the fewer of them
    have claims.
    """
    if not intake.claims:
        return Finding("volume_ratio", 0.0, 0, "alarm", threshold=1.0 / VOLUME)
    if len(history) < HISTORY:
        return Finding("volume_ratio", None, intake.claims, "not enough data")
    weeks = np.log([week.claims + 0.5 for week in history])
    apart = float(np.log(intake.claims + 0.5) - weeks.mean())
    # Random arrivals vary by the square root of their number, even if the earlier weeks were alike.
    spread = max(float(weeks.var(ddof=1)), float(np.exp(-weeks.mean())))
    error = np.sqrt(spread * (1.0 + 1.0 / len(weeks)))
    p_value = 2.0 * float(stdtr(len(weeks) - 1, -abs(apart) / error))
    verdict: Verdict = "ok"
    if abs(apart) >= np.log(VOLUME) and p_value <= SUSPECTED:
        verdict = "alarm" if p_value <= CERTAIN else "watch"
    bound = VOLUME if apart >= 0.0 else 1.0 / VOLUME
    return Finding("volume_ratio", float(np.exp(apart)), intake.claims, verdict, threshold=bound)
