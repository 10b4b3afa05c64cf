"""Words and figures: what a metric is called, and how its values are written."""

from typing import Literal, TypeGuard

from claimwatch.domain.evaluation.finding import Check, Finding, Verdict

type Kind = Literal[
    "share", "points", "number", "change", "count", "ratio", "seconds", "milliseconds", "money", "p"
]

TITLES: dict[Check, str] = {
    "data_quality": "Data quality",
    "feature_drift": "Feature drift",
    "score_drift": "Score drift",
    "performance": "Performance",
    "errors": "Where it errs",
    "challenger": "Champion against challenger",
    "bias": "Protected groups",
    "importance": "What it looks at",
    "bivariate": "Each feature and the outcome",
    "operations": "Operations",
}

VERDICTS: tuple[Verdict, ...] = ("alarm", "watch", "ok", "not enough data")
"""The loudest first."""

_METRICS: dict[str, tuple[str, Kind]] = {
    # data quality
    "missing_share": ("Missing", "share"),
    "unseen_share": ("Of a category that was never learnt", "share"),
    "outside_share": ("Outside of the range that was learnt", "share"),
    "quarantine_rate": ("Rows quarantined", "share"),
    "repeated_share": ("Claims that came again", "share"),
    "late_share": ("Claims that came after their week", "share"),
    "volume_ratio": ("Claims, to the weeks before", "ratio"),
    "file_count": ("Files", "count"),
    # drift
    "psi": ("PSI", "number"),
    "excess_psi": ("PSI beyond chance", "number"),
    "jensen_shannon": ("Jensen-Shannon distance", "number"),
    "wasserstein": ("Wasserstein, in spreads", "number"),
    "ks": ("Kolmogorov-Smirnov", "number"),
    "p_value": ("p-value", "p"),
    "q_value": ("q-value (false discoveries)", "p"),
    # performance
    "roc_auc": ("ROC-AUC", "number"),
    "pr_auc": ("PR-AUC", "number"),
    "brier": ("Brier score", "number"),
    "calibration_error": ("Calibration error", "number"),
    "base_rate": ("Share of frauds", "share"),
    "lift": ("Lift", "ratio"),
    "lift_top_decile": ("Lift in the top decile", "ratio"),
    "recall": ("Frauds that were referred", "share"),
    "recall_at_capacity": ("Recall at capacity", "share"),
    "precision_at_capacity": ("Precision at capacity", "share"),
    "hit_rate": ("Hit rate of referrals", "share"),
    "calibration_predicted": ("Probability that was given", "share"),
    "calibration_observed": ("Share of frauds", "share"),
    "estimated_precision": ("Hit rate of referrals, estimated", "share"),
    "estimated_recall": ("Frauds that were referred, estimated", "share"),
    "estimated_base_rate": ("Share of frauds, estimated", "share"),
    "matured": ("Claims with their outcome due", "count"),
    "known": ("Claims with an outcome", "count"),
    "outcomes": ("Outcomes that count", "count"),
    "immature": ("Claims not yet mature", "count"),
    # errors
    "missed_rate": ("Frauds missed", "share"),
    "false_referral_rate": ("Referrals that were honest", "share"),
    "missed_over_expected": ("Missed, to what was foretold", "ratio"),
    # challenger
    "audited_frauds": ("Frauds in the random audit", "count"),
    "found_by_challenger_only": ("Found by the challenger alone", "count"),
    "found_by_champion_only": ("Found by the champion alone", "count"),
    "recall_difference": ("Recall, challenger less champion", "points"),
    "evidence_better": ("Evidence that the challenger finds more", "number"),
    "evidence_worse": ("Evidence that it finds fewer", "number"),
    # bias
    "selection_rate": ("Referred", "share"),
    "false_positive_rate": ("Honest claims referred", "share"),
    "selection_rate_ratio": ("Referred, to all others", "ratio"),
    "recall_ratio": ("Frauds referred, to all others", "ratio"),
    "false_positive_rate_ratio": ("Honest claims referred, to all others", "ratio"),
    "demographic_parity_ratio": ("Lowest to highest referred", "ratio"),
    "equal_opportunity_difference": ("Highest less lowest recall", "points"),
    # what each feature does
    "importance": ("Share of the score", "share"),
    "importance_shift": ("Change of its share", "points"),
    "correlation": ("Correlation", "number"),
    "correlation_shift": ("Change of the correlation", "change"),
    # operations
    "scoring_time": ("Scoring time for a claim", "milliseconds"),
    "cold_start_share": ("Chunks that met a cold start", "share"),
    "failed_files": ("Files that failed", "count"),
    "error_rate": ("Calls that failed", "share"),
    "queue_age": ("Oldest message in a queue", "seconds"),
    "dead_letters": ("Messages in dead-letter queues", "count"),
    "gb_seconds": ("Billed GB-seconds", "number"),
    "cost": ("Cost of the functions", "money"),
    "cost_per_thousand": ("Cost for a thousand claims", "money"),
}
_HELD_AGAINST_OTHERS = {
    "selection_rate",
    "recall",
    "false_positive_rate",
    "missed_rate",
    "false_referral_rate",
}
"""Metrics of a group or slice whose bound is the rate of all other claims."""

_ENDINGS: tuple[tuple[str, Kind], ...] = (
    ("_ratio", "ratio"),
    ("_rate", "share"),
    ("_share", "share"),
    ("p_value", "p"),
    ("q_value", "p"),
    ("_seconds", "seconds"),
    ("_count", "count"),
)


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a value; what could not be told may also have come as nan."""
    return value is not None and value == value


def metric_title(metric: str) -> str:
    """What people call the metric; one that has no words here is called by its name."""
    if metric in _METRICS:
        return _METRICS[metric][0]
    words = metric.replace("_", " ")
    return words[:1].upper() + words[1:]


def kind_of(metric: str) -> Kind:
    """What sort of figure the metric is."""
    if metric in _METRICS:
        return _METRICS[metric][1]
    return next((kind for ending, kind in _ENDINGS if metric.endswith(ending)), "number")


def figure(metric: str, value: float | None) -> str:
    """The value as people read it."""
    if not known(value):
        return "not known"
    match kind_of(metric):
        case "share":
            return f"{value:.1%}" if abs(value) >= 0.0095 or value == 0.0 else f"{value:.2%}"
        case "points":
            return f"{round(100.0 * value, 1) + 0.0:+.1f} points"  # what rounds to zero has no sign to lose
        case "change":
            return f"{round(value, 3) + 0.0:+.3f}"
        case "count":
            return f"{value:,.0f}"
        case "ratio":
            return f"{value:,.2f}"
        case "seconds":
            return _seconds(value)
        case "milliseconds":
            return f"{value:,.3f} ms" if value < 1.0 else f"{value:,.1f} ms"
        case "money":
            return f"${value:,.2f}" if value >= 0.995 or value == 0.0 else f"${value:,.4f}"
        case "p":
            return "below 0.0001" if value < 0.0001 else f"{value:.4f}"
        case _:
            return plain(value)


def plain(value: float) -> str:
    """A number with the digits that say something."""
    if abs(value) >= 100.0:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 10.0 else f"{value:.3f}"


def interval(finding: Finding) -> str:
    """The value with its interval, where it has one."""
    told = figure(finding.metric, finding.value)
    if not (known(finding.value) and known(finding.low) and known(finding.high)):
        return told
    low, high = (
        figure(finding.metric, bound).removesuffix(" points") for bound in (finding.low, finding.high)
    )
    return f"{told} ({low} to {high})"


def subject(finding: Finding) -> str:
    """What a finding is about, besides its metric: the feature, the segment, both or neither."""
    return " · ".join(part for part in (finding.feature, finding.segment) if part)


def sentence(words: str) -> str:
    """Words with a capital in front and a full stop at the end."""
    told = words.strip().rstrip(".")
    return f"{told[:1].upper()}{told[1:]}."


def bound_of(finding: Finding) -> str:
    """What a value is held against, in words; nothing where it is held against nothing."""
    if not known(finding.threshold):
        return ""
    word = "all others" if finding.metric in _HELD_AGAINST_OTHERS else "bound"
    return f"{word} {figure(finding.metric, finding.threshold)}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: list[str], most: int = 3) -> str:
    """Parts as in a sentence; beyond so many, how many more."""
    shown = parts if len(parts) <= most else [*parts[: most - 1], f"{len(parts) - most + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def _seconds(value: float) -> str:
    if value >= 5400.0:
        return f"{value / 3600.0:,.1f} h"
    return f"{value / 60.0:.1f} min" if value >= 90.0 else f"{value:.1f} s"
