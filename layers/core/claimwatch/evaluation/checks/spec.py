"""Specification of a weekly check."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.checks.inputs import Dependencies
from claimwatch.evaluation.formatting import Metrics
from claimwatch.evaluation.report.markup import Markup
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.storage.evaluations import Window


class UndeclaredMetric(Exception):
    """A check returned a finding whose metric its specification does not declare."""


@dataclass(frozen=True)
class CheckSpec:
    """All that is particular to a weekly check.

    ``weight`` orders alarms, the highest first: what harms claimants or the team now comes before what may
    do so later. ``alarm`` says in one sentence what an alarm means, ``next_step`` what to do about it; it may
    use ``{line}`` and ``{window}``. ``next_steps`` has another one for a metric that needs it, if nothing
    else alarms. An alarm ``about_the_model`` is new when another model is champion. An alarm of a check that
    ``advises_retraining`` publishes ``RetrainingAdvised``. ``metrics`` declares every metric that the
    findings use. ``run`` computes the findings of a window, ``section`` shows them in the
    report, ``when_empty`` is shown if there are none.
    """

    name: Check
    title: str
    weight: int
    alarm: str
    next_step: str
    metrics: Metrics
    run: Callable[[Dependencies, Window], list[Finding]]
    section: Callable[[SectionContext], Markup]
    about_the_model: bool = True
    advises_retraining: bool = False
    when_empty: str = "Not enough data for a verdict yet."
    next_steps: Mapping[str, str] = field(default_factory=dict)

    def step(self, line: str, window: str, found: Sequence[Finding]) -> str:
        """Return what to do about findings."""
        about = {finding.metric for finding in found}
        own = self.next_steps.get(about.pop()) if len(about) == 1 else None
        return (own or self.next_step).format(line=line, window=window)

    def findings(self, deps: Dependencies, window: Window) -> list[Finding]:
        """Run the check; raises ``UndeclaredMetric`` for a metric without title and format."""
        found = self.run(deps, window)
        undeclared = {finding.metric for finding in found} - self.metrics.keys()
        if undeclared:
            raise UndeclaredMetric(f"check {self.name} does not declare {', '.join(sorted(undeclared))}")
        return found
