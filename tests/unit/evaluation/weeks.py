"""Weeks of findings like those of a running system, drawn with a seed: quiet weeks, then a drift."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from claimwatch.domain.evaluation.finding import Check, Finding, Verdict
from claimwatch.evaluation.report_data import PastWindow, WindowFacts, WindowResults

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
    given = {
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
    return WindowFacts(**(given | changed))  # type: ignore[arg-type]


def findings(number: int = 12, drift_from: int = 11) -> dict[Check, list[Finding]]:
    """The findings of each check in the week of that number."""
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
            Finding("psi", psi, 5120, verdict, feature, threshold=0.052),
            Finding("excess_psi", psi - 0.002, 5120, "ok", feature, low=psi * 0.8, high=psi * 1.2),
            Finding("jensen_shannon", psi / 3, 5120, "ok", feature),
            Finding("p_value", 1e-9 if moved else rng.random(), 5120, "ok", feature),
            Finding("q_value", 1e-8 if moved else min(1.0, rng.random() * 2), 5120, "ok", feature),
            Finding("wasserstein", psi * 0.9, 5120, "ok", feature),
            Finding("ks", psi * 0.4, 5120, "ok", feature),
            Finding("missing_share", 0.01, 5120, "ok", feature),
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
            Finding("known", 2120, 31240),
            Finding("immature", 14710, 14710),
            Finding("outcomes", 1890, 1890, segment="referrals and audit"),
            Finding(
                "recall_at_capacity",
                recall,
                1890,
                loud if lasting else "ok",
                low=recall - 0.06,
                high=recall + 0.06,
                threshold=0.442,
            ),
            Finding("pr_auc", 0.37, 1890, low=0.33, high=0.42, threshold=0.331),
            Finding("roc_auc", 0.85, 1890, low=0.83, high=0.87, threshold=0.806),
            Finding("lift_top_decile", 4.9, 1890, "watch", low=4.3, high=5.5, threshold=4.91),
            Finding("brier_skill", 0.21, 1890, low=0.17, high=0.25, threshold=0.18),
            Finding("observed_to_expected", 1.08, 1890, low=0.93, high=1.25, threshold=1.25),
            Finding("brier", 0.041, 1890, low=0.036, high=0.046),
            Finding("precision_at_capacity", 0.4, 1562, low=0.36, high=0.44),
            Finding("hit_rate", 0.42, 1562, low=0.39, high=0.45),
            Finding("base_rate", 0.061, 1890, low=0.052, high=0.07),
            Finding("calibration_error", 0.011, 1890, low=0.006, high=0.018),
            Finding("estimated_precision", 0.41, 731, low=0.37, high=0.45),
            Finding("estimated_recall", 0.49, 14710, low=0.45, high=0.53),
            Finding("estimated_base_rate", 0.06, 14710, low=0.056, high=0.064),
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
            finding
            for feature, value, missed, ratio, verdict in (
                ("repair_shop_type", "independent", 0.61, 1.9, "alarm" if lasting else "ok"),
                ("channel", "broker", 0.52, 1.1, "ok"),
                ("accident_area", "urban", 0.46, 0.9, "ok"),
                ("deductible", "up to 300", 0.45, 0.8, "ok"),
            )
            for finding in (
                Finding("missed_rate", missed, 88, "ok", feature, value, missed - 0.1, missed + 0.1, 0.48),
                Finding("missed_excess_promised", missed - 0.5, 310, "ok", feature, value),
                Finding("false_referral_rate", 0.58, 120, "ok", feature, value, 0.5, 0.66, 0.6),
                Finding(
                    "missed_over_expected",
                    ratio,
                    310,
                    "alarm" if verdict == "alarm" else "ok",
                    feature,
                    value,
                    ratio * 0.7,
                    ratio * 1.4,
                    1.5,
                ),
            )
        ]
        + [
            Finding(metric, None, 6, "not enough data", "vehicle_category", "other")
            for metric in ("missed_rate", "false_referral_rate", "missed_over_expected")
        ],
        "challenger": [
            Finding("audited_frauds", 64, 1010),
            Finding("found_by_challenger_only", 9, 64),
            Finding("found_by_champion_only", 4, 64),
            Finding("recall_difference", 0.078, 64, "not enough data", low=-0.09, high=0.24, threshold=0.0),
            Finding("evidence_better", 1.9, 13, "not enough data", threshold=40.0),
            Finding("evidence_worse", 0.1, 13, "not enough data", threshold=40.0),
        ],
        "bias": [
            finding
            for attribute, group, rate, ratio, n in (
                ("gender", "female", 0.048, 0.95, 2410),
                ("gender", "male", 0.051, 1.05, 2600),
                ("age_band", "18 to 24", 0.068, 1.41, 420),
                ("age_band", "25 to 59", 0.047, 0.92, 2900),
                ("gender and age_band", "male, 18 to 24", 0.066, 1.2, 214),
            )
            for finding in (
                Finding(
                    "selection_rate", rate, n, "ok", attribute, group, rate * 0.8, rate * 1.2, rate / ratio
                ),
                Finding(
                    "selection_rate_ratio",
                    ratio,
                    n,
                    "alarm" if ratio > 1.25 else "ok",
                    attribute,
                    group,
                    ratio - 0.12,
                    ratio + 0.14,
                    1.25 if ratio >= 1.0 else 0.8,
                ),
                Finding("recall", 0.5, 61, "ok", attribute, group, 0.38, 0.62, 0.51),
                Finding("recall_ratio", 0.98, 61, "ok", attribute, group, 0.8, 1.2, 0.8),
            )
        ]
        + [
            Finding(metric, None, 9, "not enough data", "gender and age_band", "male, 75 and more")
            for metric in ("selection_rate", "selection_rate_ratio")
        ]
        + [
            Finding("demographic_parity_ratio", 0.69, 5, "ok", "age_band"),
            Finding("equal_opportunity_difference", 0.06, 5, "ok", "age_band"),
        ],
        "importance": [
            finding
            for feature, share in zip(FEATURES, (0.31, 0.2, 0.13, 0.1, 0.08, 0.06, 0.05, 0.03), strict=False)
            for finding in (
                Finding("importance", share, 2000, "ok", feature, low=share * 0.9, high=share * 1.1),
                Finding(
                    "importance_shift",
                    0.041 if drifted and feature == "claim_amount" else 0.002,
                    2000,
                    "watch" if drifted and feature == "claim_amount" else "ok",
                    feature,
                    threshold=0.03,
                ),
            )
        ],
        "bivariate": [
            finding
            for feature, value in zip(FEATURES, (0.31, -0.12, 0.05, -0.21, 0.14, 0.02), strict=False)
            for finding in (
                Finding("correlation", value, 1890, "ok", feature, low=value - 0.05, high=value + 0.05),
                Finding("p_value", rng.random(), 1890, "ok", feature),
                Finding("q_value", rng.random(), 1890, "ok", feature),
                Finding("correlation_shift", 0.01, 1890, "ok", feature, threshold=0.1),
            )
        ]
        + [Finding("correlation", None, 0, "not enough data", "vehicle_price_band")],
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


def results(number: int = 12) -> WindowResults:
    """A week with those before it."""
    return WindowResults(facts(number), findings(number), history(number))
