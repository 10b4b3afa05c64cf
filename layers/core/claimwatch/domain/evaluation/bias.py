"""Bias: whether protected groups are referred, found and wrongly referred alike."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.cohort import Cohort, Mask
from claimwatch.domain.evaluation.finding import Finding


def bias(
    referred: Mask,
    groups: Mapping[str, npt.NDArray[np.object_]],
    cohort: Cohort,
    cohort_groups: Mapping[str, npt.NDArray[np.object_]],
    smallest: int = 50,
) -> list[Finding]:
    """The findings of check ``bias``.

    ``referred`` [claims] and ``groups`` (by protected attribute, the group of each claim; None where not
    known) are of all claims of the window; ``cohort_groups`` are the groups of the cohort's claims.
    """
    raise NotImplementedError
