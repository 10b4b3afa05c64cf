"""What a check found: one number, what it is about, how sure it is, and what to make of it."""

from dataclasses import dataclass
from typing import Literal, get_args

type Verdict = Literal["ok", "watch", "alarm", "not enough data"]
"""``ok``: nothing to see, or a number that is only told. ``watch``: seen, not yet worth a person's time.
``alarm``: somebody should look. ``not enough data``: nothing can be said."""

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
    """One row of table ``evaluation``.

    ``value`` with its 95 % interval from ``low`` to ``high`` where there is one, ``n`` the claims that it
    rests on, ``threshold`` the bound that the verdict was reached by. ``feature`` and ``segment`` (a group,
    slice, decile or reason) are empty where the whole window is meant.
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
