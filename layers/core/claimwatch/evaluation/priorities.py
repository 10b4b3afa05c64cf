"""Priorities and changes of a week: the same for the report, the digest and the command line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding, Verdict, verdict_of_check
from claimwatch.evaluation.checks.registry import BY_WEIGHT, SPEC_OF
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import counted, listed, sentence, subject
from claimwatch.evaluation.report_data import Findings, Outcome, PastWindow, WindowFacts, furthest_first

type AlarmKey = tuple[Check, str, str, str]
"""Identity of an alarm across windows: check, metric, feature, segment."""

MOST_ITEMS = 3
"""Action items of a week; a longer list is not read."""

MOST_DETAILED = 3
"""Findings that an action item describes; it counts the rest."""


@dataclass(frozen=True)
class ActionItem:
    """Something to act on: a headline, the figures, and the next step."""

    check: Check
    outcome: Outcome
    headline: str
    detail: str
    next_step: str


@dataclass(frozen=True)
class Changes:
    """Differences from the window before; each alarm is a pair of check and finding.

    ``standing`` alarms were there before too. ``model`` is the previous and the present champion if they
    differ.
    """

    new: Sequence[tuple[Check, Finding]] = ()
    standing: Sequence[tuple[Check, Finding]] = ()
    cleared: Sequence[tuple[Check, Finding]] = ()
    model: tuple[str, str] | None = None


def outcome_of(found: Sequence[Finding]) -> Verdict:
    """Return the most urgent verdict of a check's findings."""
    compared = any(finding.verdict == "ok" and finding.threshold is not None for finding in found)
    return verdict_of_check({finding.verdict for finding in found}, compared=compared)


def outcomes(findings: Findings, missing: Mapping[Check, str]) -> dict[Check, Outcome]:
    """Return the outcome of every check, in the order of the report."""
    return {
        check: outcome_of(findings[check]) if _has_result(check, findings, missing) else "missing"
        for check in CHECKS
    }


def alarms(findings: Findings) -> Iterator[tuple[Check, Finding]]:
    """Yield every alarm with its check, those of the check with the highest weight first."""
    for spec in BY_WEIGHT:
        for finding in findings.get(spec.name, ()):
            if finding.verdict == "alarm":
                yield spec.name, finding


def changes(facts: WindowFacts, findings: Findings, before: PastWindow | None) -> Changes:
    """Return the alarms that are new, still standing, or cleared since the window before.

    When the champion was replaced, alarms about the previous model do not count. An alarm is not cleared
    while its check has no result, or not enough data about its subject.
    """
    if before is None:
        return Changes(new=tuple(alarms(findings)))
    replaced = before.model_version != facts.model_version
    earlier = {
        _key(check, finding): (check, finding)
        for check, finding in alarms(before.findings)
        if not (replaced and SPEC_OF[check].about_the_model)
    }
    now = {_key(check, finding): (check, finding) for check, finding in alarms(findings)}
    unknown = {
        _key(check, finding)
        for check, found in findings.items()
        for finding in found
        if finding.verdict == "not enough data"
    }
    return Changes(
        new=tuple(alarm for key, alarm in now.items() if key not in earlier),
        standing=tuple(alarm for key, alarm in now.items() if key in earlier),
        cleared=tuple(
            alarm
            for key, alarm in earlier.items()
            if key not in now and key not in unknown and _has_result(alarm[0], findings, facts.missing)
        ),
        model=(before.model_version, facts.model_version) if replaced else None,
    )


def action_items(
    facts: WindowFacts, findings: Findings, before: PastWindow | None = None, most: int = MOST_ITEMS
) -> list[ActionItem]:
    """Return what to act on: new alarms, other alarms, checks without a result, then watches.

    The findings of a check are one item, and so are all checks without a result.
    """
    new = {_key(check, finding) for check, finding in changes(facts, findings, before).new}
    outcome_by_check = outcomes(findings, facts.missing)
    ranked: list[tuple[int, ActionItem]] = []
    for spec in BY_WEIGHT:
        outcome = outcome_by_check[spec.name]
        if outcome in ("alarm", "watch"):
            urgent = [finding for finding in findings[spec.name] if finding.verdict == outcome]
            is_new = any(_key(spec.name, finding) in new for finding in urgent)
            rank = (0 if is_new else 1) if outcome == "alarm" else 3
            ranked.append((rank, _item(facts, spec, outcome, urgent)))
    missing = [spec for spec in BY_WEIGHT if outcome_by_check[spec.name] == "missing"]
    if missing:
        ranked.append((2, _missing(facts, missing)))
    return [item for _, item in sorted(ranked, key=lambda entry: entry[0])][:most]


def described(check: Check, finding: Finding) -> str:
    """Return a finding in a few words: subject, metric, value and bound."""
    return SPEC_OF[check].metrics.summary(finding)


def _item(facts: WindowFacts, spec: CheckSpec, outcome: Outcome, urgent: Sequence[Finding]) -> ActionItem:
    ordered = furthest_first(urgent)
    about = list(dict.fromkeys(subject(each) or spec.metrics[each.metric].title for each in ordered))
    details = [spec.metrics.summary(each) for each in ordered[:MOST_DETAILED]]
    if len(ordered) > MOST_DETAILED:
        details.append(f"and {counted(len(ordered) - MOST_DETAILED, 'finding')} more")
    return ActionItem(
        spec.name,
        outcome,
        f"{spec.title}: {listed(about)}",
        "; ".join(details) + ".",
        spec.step(facts.line, facts.window, ordered),
    )


def _missing(facts: WindowFacts, specs: Sequence[CheckSpec]) -> ActionItem:
    """Return all checks without a result as one item: mostly they have one cause."""
    reasons = list(
        dict.fromkeys(sentence(facts.missing.get(spec.name, "it has no result")) for spec in specs)
    )
    return ActionItem(
        specs[0].name,
        "missing",
        f"Not checked: {listed([spec.title.lower() for spec in specs])}",
        " ".join([*reasons[:2], "Problems there would go unnoticed."]),
        f"Fix the cause, then: claimwatch evaluate {facts.line} --window {facts.window}",
    )


def _has_result(check: Check, findings: Findings, missing: Mapping[Check, str]) -> bool:
    return check in findings and check not in missing


def _key(check: Check, finding: Finding) -> AlarmKey:
    return check, finding.metric, finding.feature, finding.segment
