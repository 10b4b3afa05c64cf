"""Findings of checks: a value, its subject, its uncertainty and its verdict."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

type Verdict = Literal["ok", "watch", "alarm", "not enough data"]
"""``ok``: within its bound, or a value without a bound. ``watch``: noticeable, but not yet worth a person's
time. ``alarm``: a person should look at it. ``not enough data``: no verdict is possible."""

VERDICTS: tuple[Verdict, ...] = ("alarm", "watch", "ok", "not enough data")
"""The most urgent first."""

type Check = Literal[
    "performance",
    "feature_drift",
    "score_drift",
    "bias",
    "errors",
    "challenger",
    "data_quality",
    "importance",
    "bivariate",
    "operations",
]
"""Names of the checks of a window, in the order of the report.

Each check is one message, one alarm, and the module of `claimwatch.evaluation.checks` with its name.
"""

CHECKS: tuple[Check, ...] = get_args(Check.__value__)


@dataclass(frozen=True)
class Finding:
    """A row of table ``evaluation``.

    ``value`` is based on ``n`` claims; ``low`` and ``high`` are its 95 % interval, ``threshold`` is the bound
    of the verdict. ``feature`` and ``segment`` (a group, slice, decile or rule) are empty if the finding is
    about the whole window.
    """

    metric: str
    value: float | None
    n: int
    verdict: Verdict = "ok"
    feature: str = ""
    segment: str = ""
    low: float | None = None
    high: float | None = None
    threshold: float | None = None


def most_urgent(verdicts: Collection[Verdict]) -> Verdict:
    """Return the most urgent verdict."""
    return next((verdict for verdict in VERDICTS if verdict in verdicts), "not enough data")


def verdict_of_check(verdicts: Collection[Verdict], *, compared: bool) -> Verdict:
    """Return the most urgent verdict of a check's findings.

    "ok" needs a finding that was ``compared`` with a bound: mere counts do not outweigh "not enough data".
    """
    if "not enough data" in verdicts and not compared:
        verdicts = set(verdicts) - {"ok"}
    return most_urgent(verdicts)
