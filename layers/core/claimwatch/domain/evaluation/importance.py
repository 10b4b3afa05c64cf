"""Importance: what a model looks at, and whether that has changed."""

from collections.abc import Mapping, Sequence

from claimwatch.domain.evaluation.cohort import Floats
from claimwatch.domain.evaluation.finding import Finding


def importance(
    contributions: Floats, names: Sequence[str], before: Sequence[Mapping[str, float]]
) -> list[Finding]:
    """The findings of check ``importance``.

    ``contributions`` [claims, features] are Shapley values of a random sample of the window's claims.
    ``before`` has for each earlier window of the same model its metric ``importance`` by feature, the oldest
    first.
    """
    raise NotImplementedError
