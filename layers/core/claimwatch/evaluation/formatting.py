"""Titles and formats: how metrics, values and findings are written for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from claimwatch.domain.evaluation.finding import Finding

type Format = Literal[
    "share",
    "points",
    "number",
    "change",
    "count",
    "ratio",
    "relative",
    "seconds",
    "milliseconds",
    "money",
    "p_value",
]
"""How values are written. ``relative`` is a ratio to other claims, drawn on a logarithmic scale."""


@dataclass(frozen=True)
class Metric:
    """Title and format of a metric.

    With ``versus_others``, the threshold of its findings is the rate of all other claims.
    """

    title: str
    format: Format = "number"
    versus_others: bool = False

    def figure(self, value: float | None) -> str:
        """Return the value as text."""
        return _written(self.format, value) if known(value) else "not known"


class Metrics(dict[str, Metric]):
    """Metrics of a check by name.

    A metric that is not declared (a row that another version of Claimwatch wrote) is titled by its name.
    """

    def __missing__(self, name: str) -> Metric:
        return Metric(name.replace("_", " ").capitalize())

    def figure(self, finding: Finding) -> str:
        """Return the finding's value as text."""
        return self[finding.metric].figure(finding.value)

    def interval(self, finding: Finding) -> str:
        """Return the finding's value as text, with its interval if it has one."""
        written = self.figure(finding)
        if not (known(finding.value) and known(finding.low) and known(finding.high)):
            return written
        metric = self[finding.metric]
        low, high = (metric.figure(bound).removesuffix(" points") for bound in (finding.low, finding.high))
        return f"{written} ({low} to {high})"

    def bound(self, finding: Finding) -> str:
        """Return what the value is compared with as text, or nothing if the finding has no threshold."""
        if not known(finding.threshold):
            return ""
        metric = self[finding.metric]
        return f"{'all others' if metric.versus_others else 'bound'} {metric.figure(finding.threshold)}"

    def summary(self, finding: Finding) -> str:
        """Return the finding in a few words: subject, metric, value and bound."""
        about = subject(finding)
        bound = self.bound(finding)
        text = f"{self[finding.metric].title} {self.interval(finding)}" + (f", {bound}" if bound else "")
        return f"{about}: {text}" if about else text


def known(value: float | None) -> TypeGuard[float]:
    """Return whether there is a value: neither None nor nan."""
    return value is not None and value == value


def plain(value: float) -> str:
    """Return a number with its significant digits."""
    if abs(value) >= 100.0:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 10.0 else f"{value:.3f}"


def subject(finding: Finding) -> str:
    """Return the feature and the segment that a finding is about; empty for the whole window."""
    return " · ".join(part for part in (finding.feature, finding.segment) if part)


def sentence(words: str) -> str:
    """Return the words with a capital letter first and a full stop at the end."""
    text = words.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return the number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str], most: int = 3) -> str:
    """Return an enumeration of at most ``most`` parts, the last of which may count the rest."""
    shown = parts if len(parts) <= most else [*parts[: most - 1], f"{len(parts) - most + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def _written(kind: Format, value: float) -> str:
    match kind:
        case "share":
            return f"{value:.1%}" if abs(value) >= 0.0095 or value == 0.0 else f"{value:.2%}"
        case "points":
            return f"{round(100.0 * value, 1) + 0.0:+.1f} points"  # + 0.0 turns -0.0 into 0.0
        case "change":
            return f"{round(value, 3) + 0.0:+.3f}"
        case "count":
            return f"{value:,.0f}"
        case "ratio" | "relative":
            return f"{value:,.2f}"
        case "seconds":
            return _seconds(value)
        case "milliseconds":
            return f"{value:,.3f} ms" if value < 1.0 else f"{value:,.1f} ms"
        case "money":
            return f"${value:,.2f}" if value >= 0.995 or value == 0.0 else f"${value:,.4f}"
        case "p_value":
            return "below 0.0001" if value < 0.0001 else f"{value:.4f}"
        case "number":
            return plain(value)


def _seconds(value: float) -> str:
    if value >= 5400.0:
        return f"{value / 3600.0:,.1f} h"
    return f"{value / 60.0:.1f} min" if value >= 90.0 else f"{value:.1f} s"
