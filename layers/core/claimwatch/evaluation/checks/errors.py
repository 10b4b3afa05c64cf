"""Check ``errors``: slices of the claims in which the model's mistakes gather."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.error_slices import errors
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.model.features import Feature, Matrix
from claimwatch.domain.model.profile import Profile
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, matured_matrix
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext, note
from claimwatch.evaluation.report.subjects import metric_column, others_column, subjects_table
from claimwatch.scoring.bundle import Bundle
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare the mistakes in each slice with those in all other matured claims."""
    model = checked_model(deps, window)
    claims, matrix = matured_matrix(deps, model)
    return errors(claims.cohort, slices(model.bundle, matrix))


def slices(bundle: Bundle, matrix: Matrix) -> dict[str, npt.NDArray[np.object_]]:
    """Return the name of each claim's slice by feature; None where the value is missing.

    Numbers are cut at the quartiles of the reference.
    """
    found = {}
    for place, feature in enumerate(bundle.spec.features):
        names, codes = _sliced(feature, matrix[:, place], bundle.reference.features[feature.name])
        found[feature.name] = np.array([*names, None], dtype=object)[codes]
    return found


def _sliced(
    feature: Feature, values: npt.NDArray[np.float32], reference: Profile
) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Return the names of the slices, and for each claim the index of its slice; -1 for a missing value."""
    missing = np.isnan(values)
    if feature.kind == "category":
        names = list(feature.categories)
        codes = np.where(missing, -1, values)
    elif feature.kind == "flag":
        names = ["no", "yes"]
        codes = np.where(missing, -1, values > 0.5)
    else:
        quartiles = (reference.quantile(share) for share in (0.25, 0.5, 0.75))
        cuts = sorted({cut for cut in quartiles if cut is not None})
        ends = [f"{cut:.6g}" for cut in cuts]
        names = [f"up to {ends[0]}"] if ends else ["any"]
        names += [f"{low} to {high}" for low, high in pairwise(ends)]
        names += [f"above {ends[-1]}"] if ends else []
        codes = np.where(missing, -1, np.searchsorted(np.array(cuts), values, side="left"))
    return names, codes.astype(np.intp)


def section(context: SectionContext) -> Markup:
    """Show each slice next to all other claims and to the model's prediction."""
    return joined(
        (
            note(
                "Frauds that were not referred, by slice. A slice alarms only if more frauds are missed than"
                " the model's probabilities predict; a mere difference from other slices is at most a watch."
            ),
            subjects_table(
                context.metrics,
                context.findings,
                "Slice",
                "missed_rate",
                (
                    others_column(context.metrics, "missed_rate"),
                    metric_column(context.metrics, "missed_over_expected"),
                    metric_column(context.metrics, "false_referral_rate", short=True),
                ),
            ),
        )
    )


SPEC = CheckSpec(
    name="errors",
    title="Error analysis",
    weight=40,
    alarm="Error analysis: in some slices more frauds are missed than the model predicts.",
    next_step="Read the decided referrals of these slices: claimwatch referrals {line} --decided",
    metrics=Metrics(
        missed_rate=Metric("Frauds missed", "share", versus_others=True),
        false_referral_rate=Metric("Referrals without fraud", "share", versus_others=True),
        missed_over_expected=Metric("Missed, relative to the prediction", "relative"),
    ),
    run=run,
    section=section,
)
