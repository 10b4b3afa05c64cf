"""The fraud rates that reasons compare a claim with, from the training claims, weighted to the whole book."""

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.groups import SMALLEST
from claimwatch.domain.evaluation.rates import rate
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.fraud_rates import FraudRates

EXPECTED = 10.0
"""The least frauds that a band would have at the average rate.

Of bands with the average rate, 1 in 20 is then stated as 1.5 times the average, and 1 in 500 as twice.
"""

_CUTS = (0.01, 0.02, 0.05, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.98, 0.99)
"""The quantiles at which numbers are cut before bands that are too small are merged."""

type _Rows = npt.NDArray[np.bool_]


def fraud_rates_of(spec: FeatureSpec, matrix: Matrix, cohort: Cohort) -> dict[str, FraudRates]:
    """Return the fraud rates of each feature's values; of personal features none.

    ``matrix`` are the encoded claims of the cohort.
    """
    average = cohort.mean(cohort.fraud) if len(cohort.used) else 0.0
    if not average:
        return {}
    measure = _Measure(cohort, average)
    return {
        feature.name: rates
        for place, feature in enumerate(spec.features)
        if not feature.personal
        if (rates := _rates(feature, matrix[cohort.used, place], matrix[:, place], measure)) is not None
    }


class _Measure:
    """Measures the fraud rate of some of the claims with an outcome."""

    def __init__(self, cohort: Cohort, average: float) -> None:
        self._cohort, self._average = cohort, average

    def of(self, rows: _Rows) -> tuple[float, float]:
        """Return the rate over the average, and how much of what is needed to state it the claims are."""
        if not rows.any():
            return 0.0, 0.0
        own = rate(self._cohort, rows.astype(np.float64), self._cohort.fraud)
        enough = min(own.n / SMALLEST, own.effective * self._average / EXPECTED)
        return (own.value or 0.0) / self._average, enough

    def stated(self, rows: _Rows) -> float | None:
        """Return the rate over the average; None if there are too few claims."""
        ratio, enough = self.of(rows)
        return float(f"{ratio:.4g}") if enough >= 1.0 else None


def _rates(feature: Feature, values: Matrix, every: Matrix, measure: _Measure) -> FraudRates | None:
    codes = {"category": len(feature.categories), "flag": 2, "weekday": 7}.get(feature.kind)
    edges = tuple(float(code) for code in range(codes - 1)) if codes else _bands(values, every, measure)
    band = np.searchsorted(np.array(edges), values, side="left")
    present = ~np.isnan(values)
    # A single band has all claims, and its rate says nothing.
    times = [measure.stated(present & (band == place)) if edges else None for place in range(len(edges) + 1)]
    missing = measure.stated(~present)
    if missing is None and not any(each is not None for each in times):
        return None
    return FraudRates(edges, tuple(times), missing)


def _bands(values: Matrix, every: Matrix, measure: _Measure) -> tuple[float, ...]:
    """Return the edges of bands with enough claims: the smallest is merged with its smaller neighbour."""
    numbers = every[~np.isnan(every)]
    if not len(numbers):
        return ()
    cuts = np.quantile(numbers, _CUTS, method="inverted_cdf")
    edges = [float(cut) for cut in np.unique(cuts) if cut < numbers.max()]

    def enough(place: int) -> float:
        above = values > edges[place - 1] if place else ~np.isnan(values)
        return measure.of(above & (values <= edges[place]) if place < len(edges) else above)[1]

    found = [enough(place) for place in range(len(edges) + 1)]
    while len(found) > 1 and min(found) < 1.0:
        place = found.index(min(found))
        left = place == len(edges) or (place > 0 and found[place - 1] <= found[place + 1])
        place = place - 1 if left else place
        del edges[place], found[place]
        found[place] = enough(place)
    return tuple(edges)
