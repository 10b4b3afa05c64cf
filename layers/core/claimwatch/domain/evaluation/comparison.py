"""Champion against challenger, on the claims that were chosen by chance."""

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.finding import Finding


def challenger(cohort: Cohort, challenger_probability: Floats, capacity: float) -> list[Finding]:
    """The findings of check ``challenger``.

    ``cohort`` holds all matured claims that both models scored since the challenger is one, with the
    champion's probabilities; ``challenger_probability`` [claims] are the other's.
    """
    raise NotImplementedError
