"""Errors: in which slices the missed frauds and the needless referrals gather."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.finding import Finding


def errors(cohort: Cohort, segments: Mapping[str, npt.NDArray[np.object_]]) -> list[Finding]:
    """The findings of check ``errors``.

    ``segments`` has for each feature the slice that each claim of the cohort is in (text; None where not
    known), numbers cut into ranges by the caller.
    """
    raise NotImplementedError
