"""Findings of checks: a value, its subject, its uncertainty and its verdict."""

from dataclasses import dataclass
from typing import Literal, get_args

type Verdict = Literal["ok", "watch", "alarm", "not enough data"]
"""``ok``: within its bound, or a value without a bound. ``watch``: noticeable, but not yet worth a person's
time. ``alarm``: a person should look at it. ``not enough data``: no verdict is possible."""

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
