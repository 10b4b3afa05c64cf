"""Weeks of findings as a running system would have them, drawn with a seed: quiet ones, then a drift."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from claimwatch.domain.evaluation.finding import Check, Finding, Verdict
from claimwatch.evaluation.facts import PastWindow, WindowFacts

FEATURES = (
    "claim_amount",
    "vehicle_age",
    "policyholder_age",
    "days_since_policy_start",
    "accident_area",
    "fault",
    "vehicle_category",
    "deductible",
    "number_of_past_claims",
    "witness_present",
    "police_report_filed",
    "repair_shop_type",
    "channel",
    "days_to_report",
    "hour_of_accident",
    "number_of_cars",
    "address_change_months",
    "policy_type",
    "vehicle_price_band",
    "distance_to_repair_shop_km",
)
DRIFTED = ("claim_amount", "channel", "days_to_report")
FIRST = datetime(2026, 5, 4, tzinfo=UTC)
PROMISED = {
    "recall_at_capacity": {"value": 0.52, "low": 0.47, "high": 0.57},
    "precision_at_capacity": 0.41,
    "pr_auc": 0.39,
    "roc_auc": 0.86,
    "calibration_error": 0.008,
    "lift_top_decile": {"value": 5.6, "low": 5.1, "high": 6.1},
}


def facts(number: int = 12, **changed: object) -> WindowFacts:
    start = FIRST + timedelta(weeks=number)
    told = {
        "line": "motor",
        "window": f"{start:%G-W%V}",
        "start": start,
        "end": start + timedelta(weeks=1),
        "model_version": "3" if number >= 4 else "2",
        "closed_at": start + timedelta(weeks=1, hours=6, minutes=4),
        "claims": 5120,
        "challenger": "4",
        "missing": {},
    }
    return WindowFacts(**(told | changed))  # type: ignore[arg-type]


def findings(number: int = 12, drift_from: int = 11) -> dict[Check, list[Finding]]:
    """What each check found in the week of that number."""
    rng = random.Random(number)
    drifted = number - drift_from >= 0
    lasting = number > drift_from
    loud: Verdict = "alarm" if lasting else "watch" if drifted else "ok"
    drift: list[Finding] = []
    for feature in FEATURES:
        moved = drifted and feature in DRIFTED
        psi = rng.uniform(0.16, 0.45) if moved else rng.uniform(0.001, 0.05)
        verdict: Verdict = loud if moved else "watch" if psi > 0.0485 else "ok"
        drift += [
            Finding("psi", psi, 5120, verdict, feature, threshold=0.1),
            Finding("jensen_shannon", psi / 3, 5120, "ok", feature),
            Finding("wasserstein", psi * 0.9, 5120, "ok", feature),
            Finding("p_value", 1e-9 if moved else rng.random(), 5120, "ok", feature),
            Finding(
                "q_value", 1e-8 if moved else min(1.0, rng.random() * 2), 5120, "ok", feature, threshold=0.01
            ),
        ]
    recall = rng.uniform(0.5, 0.54) - (0.16 if lasting else 0.0)
    return {
        "data_quality": [
            *(
                Finding("missing_share", rng.uniform(0, 0.02), 5120, "ok", f, "", 0.0, 0.03, 0.04)
                for f in FEATURES
            ),
            Finding(
                "unseen_share",
                0.031 if drifted else 0.0,
                5120,
                "watch" if drifted else "ok",
                "channel",
                threshold=0.005,
            ),
            Finding("quarantine_rate", 0.004, 5141, low=0.003, high=0.006, threshold=0.013),
            Finding("quarantine_rate", 0.003, 5141, segment="type", low=0.002, high=0.005, threshold=0.012),
            Finding("repeated_share", 0.01, 5141, low=0.007, high=0.013, threshold=0.03),
            Finding("late_share", 0.03, 5120, low=0.025, high=0.035, threshold=0.08),
            Finding("volume_ratio", 1.03, 5120, threshold=1.5),
            Finding("file_count", 14, 5141),
        ],
        "feature_drift": drift,
        "score_drift": [
            Finding(
                "psi",
                0.14 if drifted else rng.uniform(0.004, 0.02),
                5120,
                "watch" if drifted else "ok",
                threshold=0.1,
            ),
            Finding("jensen_shannon", 0.05, 5120),
            Finding("wasserstein", 0.21 if drifted else 0.03, 5120),
        ],
        "performance": [
            Finding("matured", 31240, 31240),
            Finding("immature", 14710, 14710),
            Finding(
                "recall_at_capacity",
                recall,
                1890,
                loud if lasting else "ok",
                low=recall - 0.06,
                high=recall + 0.06,
                threshold=0.45,
            ),
            Finding("precision_at_capacity", 0.4, 1890, low=0.36, high=0.44, threshold=0.33),
            Finding("pr_auc", 0.37, 1890, low=0.33, high=0.42, threshold=0.31),
            Finding("roc_auc", 0.85, 1890, low=0.83, high=0.87),
            Finding("calibration_error", 0.011, 1890, low=0.006, high=0.018, threshold=0.03),
            Finding("estimated_recall_at_capacity", 0.49, 14710, low=0.45, high=0.53),
            *(
                Finding(
                    "lift",
                    lift,
                    180,
                    segment=str(place),
                    low=max(0.0, lift - 0.5 - lift / 8),
                    high=lift + 0.5 + lift / 8,
                )
                for place, lift in enumerate((4.9, 2.1, 1.1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.06, 0.04), 1)
            ),
            *(
                Finding("calibration_predicted", given, 189, segment=str(place))
                for place, given in enumerate(
                    (0.004, 0.008, 0.013, 0.02, 0.03, 0.044, 0.07, 0.11, 0.19, 0.42), 1
                )
            ),
            *(
                Finding(
                    "calibration_observed", seen, 189, segment=str(place), low=seen * 0.6, high=seen * 1.5
                )
                for place, seen in enumerate(
                    (0.003, 0.01, 0.011, 0.024, 0.028, 0.05, 0.06, 0.13, 0.17, 0.38), 1
                )
            ),
        ],
        "errors": [
            Finding("missed_rate", 0.61, 88, "watch", "repair_shop_type", "independent", 0.5, 0.71, 0.48),
            Finding("missed_rate", 0.5, 120, "ok", "channel", "broker", 0.41, 0.59, 0.48),
            Finding("missed_rate", 0.46, 240, "ok", "accident_area", "urban", 0.4, 0.52, 0.48),
            Finding("missed_rate", None, 6, "not enough data", "vehicle_category", "other"),
        ],
        "challenger": [
            Finding("recall_difference", 0.021, 1890, "ok", low=-0.012, high=0.054, threshold=0.0),
            Finding("wins", None, 640, "not enough data"),
        ],
        "bias": [
            *(
                Finding(
                    "selection_rate_ratio",
                    value,
                    n,
                    verdict,
                    "gender",
                    group,
                    value - 0.1,
                    value + 0.12,
                    1.25,
                )
                for group, value, n in (("female", 0.95, 2410), ("male", 1.05, 2600))
            ),
            Finding("selection_rate_ratio", 1.41, 420, "alarm", "age_band", "18 to 24", 1.28, 1.56, 1.25),
            Finding("selection_rate_ratio", 0.92, 2900, "ok", "age_band", "25 to 59", 0.86, 0.99, 1.25),
            Finding("recall_ratio", 0.97, 61, "ok", "age_band", "18 to 24", 0.8, 1.15, 0.8),
            Finding("recall_ratio", None, 9, "not enough data", "age_band and gender", "75 and more, male"),
        ],
        "importance": [
            Finding("importance", value, 5120, "ok", feature, low=value * 0.8, high=value * 1.2)
            for feature, value in zip(
                FEATURES, (0.09, 0.06, 0.04, 0.03, 0.02, 0.015, 0.01, 0.005), strict=False
            )
        ],
        "bivariate": [
            finding
            for feature in FEATURES[:10]
            for finding in (
                Finding("correlation", rng.uniform(-0.2, 0.3), 1890, "ok", feature, low=-0.25, high=0.35),
                Finding("q_value", rng.random(), 1890, "ok", feature),
            )
        ],
        "operations": [
            Finding("scoring_time", 0.021, 5120, segment="p50"),
            Finding("scoring_time", 0.034, 5120, segment="p95", threshold=10.0),
            Finding("scoring_time", 0.4, 5120, segment="p99"),
            Finding("cold_start_share", 0.18, 44, low=0.09, high=0.31),
            Finding("failed_files", 0, 21, threshold=0.0),
            Finding("dead_letters", 0, 0, segment="ImagesDeadLetters", threshold=0.0),
            Finding("queue_age", None, 0, "not enough data"),
            Finding("gb_seconds", 842.0, 310),
            Finding("cost", rng.uniform(0.012, 0.02), 310),
        ],
    }


def history(number: int = 12) -> Sequence[PastWindow]:
    """The windows before it, the oldest first."""
    return [
        PastWindow(facts(past).window, facts(past).model_version, findings(past)) for past in range(number)
    ]
