"""Bivariate relations: each feature alone against the outcome."""

from collections.abc import Mapping, Sequence

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.features import Kind, Matrix


def bivariate(
    matrix: Matrix,
    names: Sequence[str],
    kinds: Sequence[Kind],
    cohort: Cohort,
    before: Sequence[Mapping[str, float]],
) -> list[Finding]:
    """The findings of check ``bivariate``.

    ``matrix`` [claims, features] are the encoded claims of the cohort. ``before`` has for each earlier window
    its metric ``correlation`` by feature, the oldest first.
    """
    raise NotImplementedError
