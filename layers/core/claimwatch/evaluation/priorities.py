"""What to look at first, and what is new: the same answer for the page, the digest and the command line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding, Verdict
from claimwatch.evaluation.formatting import (
    TITLES,
    VERDICTS,
    bound_of,
    counted,
    interval,
    known,
    listed,
    metric_title,
    sentence,
    subject,
)
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts

type Outcome = Verdict | Literal["missing"]
"""How a check went, the check as a whole."""

type AlarmKey = tuple[Check, str, str, str]
"""What makes two alarms of different windows the same: check, metric, feature, segment."""

MOST = 3
"""Things to look at: more than that is a list that nobody reads."""

_WEIGHT: tuple[Check, ...] = (
    "performance",
    "bias",
    "operations",
    "data_quality",
    "score_drift",
    "feature_drift",
    "errors",
    "challenger",
    "importance",
    "bivariate",
)
"""What harms claimants or the team now comes before what may do so later."""

_ABOUT_THE_MODEL = frozenset[Check](set(CHECKS) - {"data_quality", "operations"})

_NEXT: dict[Check, str] = {
    "data_quality": "Ask who sends the files, then: claimwatch files --line {line}",
    "feature_drift": "See whether the book or a sender has changed, then train: "
    'claimwatch train {line} --why "drift in {window}"',
    "score_drift": "See which features moved the scores: claimwatch report {line} --window {window}",
    "performance": 'Train on what is known by now: claimwatch train {line} --why "performance in {window}"',
    "errors": "Read the referrals of these slices: claimwatch referrals {line} --decided",
    "challenger": "Read both cards, then decide: claimwatch models {line}",
    "bias": "Read the referrals of this group before more are decided: claimwatch referrals {line}",
    "importance": "See whether a feature has lost its meaning: claimwatch report {line} --window {window}",
    "bivariate": "See whether the outcome still means the same: claimwatch report {line} --window {window}",
    "operations": "See what failed, and run it again: claimwatch files --line {line} --status failed",
}


@dataclass(frozen=True)
class ActionItem:
    """One thing to look at: what it is, in a sentence, the figures, and what to do."""

    check: Check
    outcome: Outcome
    headline: str
    detail: str
    next_step: str


@dataclass(frozen=True)
class Changes:
    """What is different from the window before. Each alarm by its check and finding."""

    new: Sequence[tuple[Check, Finding]] = ()
    standing: Sequence[tuple[Check, Finding]] = ()
    cleared: Sequence[tuple[Check, Finding]] = ()
    model: tuple[str, str] | None = None


def outcome_of(found: Sequence[Finding]) -> Verdict:
    """The verdict of a check: the loudest of its findings; of none at all, nothing can be said.

    Where whatever is held to a bound lacks data, that something could be counted does not make it well.
    """
    verdicts = {finding.verdict for finding in found}
    judged = any(finding.verdict == "ok" and finding.threshold is not None for finding in found)
    if "not enough data" in verdicts and not judged:
        verdicts.discard("ok")
    return next((verdict for verdict in VERDICTS if verdict in verdicts), "not enough data")


def outcomes(findings: Findings, missing: Mapping[Check, str]) -> dict[Check, Outcome]:
    """How each check went, in the order of the checks; those that are in neither have not run."""
    return {
        check: "missing" if check in missing or check not in findings else outcome_of(findings[check])
        for check in CHECKS
    }


def alarms(findings: Findings) -> Iterator[tuple[Check, Finding]]:
    """Every finding that alarms, with its check, those of the weightiest check first."""
    for check in _WEIGHT:
        for finding in findings.get(check, ()):
            if finding.verdict == "alarm":
                yield check, finding


def changes(facts: WindowFacts, findings: Findings, before: PastWindow | None) -> Changes:
    """What is new, what still stands and what has gone since the window before.

    An alarm about a model that was replaced since is not that of the model that replaced it. An alarm whose
    check is missing now has not gone.
    """
    if before is None:
        return Changes(new=tuple(alarms(findings)))
    replaced = before.model_version != facts.model_version
    stood = {
        _key(check, finding): (check, finding)
        for check, finding in alarms(before.findings)
        if not (replaced and check in _ABOUT_THE_MODEL)
    }
    now = {_key(check, finding): (check, finding) for check, finding in alarms(findings)}
    return Changes(
        new=tuple(alarm for key, alarm in now.items() if key not in stood),
        standing=tuple(alarm for key, alarm in now.items() if key in stood),
        cleared=tuple(
            alarm for key, alarm in stood.items() if key not in now and _ran(alarm[0], facts, findings)
        ),
        model=(before.model_version, facts.model_version) if replaced else None,
    )


def action_items(
    facts: WindowFacts, findings: Findings, before: PastWindow | None = None, most: int = MOST
) -> list[ActionItem]:
    """What to look at, the most pressing first: alarms (new ones first), checks without a result, then what
    is to be watched. The findings of a check are one thing, and so are all checks without a result.
    """
    new = {_key(check, finding) for check, finding in changes(facts, findings, before).new}
    went = outcomes(findings, facts.missing)
    ranked: list[tuple[int, int, ActionItem]] = []
    for weight, check in enumerate(_WEIGHT):
        outcome = went[check]
        if outcome in ("alarm", "watch"):
            loud = [finding for finding in findings[check] if finding.verdict == outcome]
            is_new = any(_key(check, finding) in new for finding in loud)
            rank = (0 if is_new else 1) if outcome == "alarm" else 3
            ranked.append((rank, weight, _thing(facts, check, outcome, loud)))
    missing = [check for check in _WEIGHT if went[check] == "missing"]
    if missing:
        ranked.append((2, 0, _missing(facts, missing)))
    return [thing for _, _, thing in sorted(ranked, key=lambda entry: entry[:2])][:most]


def most_telling(found: Sequence[Finding]) -> list[Finding]:
    """Findings, those furthest beyond their bounds first."""
    return sorted(found, key=lambda finding: -_beyond(finding))


def described(finding: Finding) -> str:
    """A finding in a few words: what it is about, the metric, the value and what it is held against."""
    about = subject(finding)
    bound = bound_of(finding)
    told = f"{metric_title(finding.metric)} {interval(finding)}" + (f", {bound}" if bound else "")
    return f"{about}: {told}" if about else told


def _thing(facts: WindowFacts, check: Check, outcome: Outcome, loud: Sequence[Finding]) -> ActionItem:
    told = most_telling(loud)
    about = list(dict.fromkeys(subject(finding) or metric_title(finding.metric) for finding in told))
    return ActionItem(
        check,
        outcome,
        f"{TITLES[check]}: {listed(about)}",
        "; ".join(described(finding) for finding in told[:3])
        + (f"; and {counted(len(told) - 3, 'finding')} more" if len(told) > 3 else "")
        + ".",
        _NEXT[check].format(line=facts.line, window=facts.window),
    )


def _missing(facts: WindowFacts, checks: Sequence[Check]) -> ActionItem:
    """All checks without a result, as one thing: what made them fail is mostly one thing too."""
    reasons = list(dict.fromkeys(sentence(facts.missing.get(check, "no result came")) for check in checks))
    return ActionItem(
        checks[0],
        "missing",
        f"Not checked: {listed([TITLES[check].lower() for check in checks])}",
        " ".join([*reasons[:2], "Whether all is well there is not known."]),
        f"Once the cause is mended: claimwatch evaluate {facts.line} --window {facts.window}",
    )


def _ran(check: Check, facts: WindowFacts, findings: Findings) -> bool:
    return check in findings and check not in facts.missing


def _key(check: Check, finding: Finding) -> AlarmKey:
    return check, finding.metric, finding.feature, finding.segment


def _beyond(finding: Finding) -> float:
    """How far a value is from its bound, in bounds, so that different metrics can be ranked together."""
    if not known(finding.value) or finding.threshold is None:
        return 0.0
    if not finding.threshold:
        return abs(finding.value)
    return abs(finding.value / finding.threshold - 1.0)
