"""The summary of a card names what a person should look into before a promotion."""

import pytest

from claimwatch.domain.evaluation.finding import Finding
from training.card.summary import far_from_predicted


@pytest.mark.parametrize(
    ("value", "low", "high", "says"),
    [
        (0.57, 0.44, 0.74, "raise maturityDays of the contract"),
        (1.60, 1.30, 1.95, "Train again when there are more outcomes"),
    ],
)
def test_frauds_far_from_the_predicted_ones_are_said_with_what_to_do(
    value: float, low: float, high: float, says: str
) -> None:
    """Labels of the latest claims that say honest until somebody decides look like a fall of the rate."""
    [found] = far_from_predicted(Finding("observed_to_expected", value, 1_000, low=low, high=high))
    assert found.startswith(f"The test split has {value:.2f} ({low:.2f} to {high:.2f}) times as many frauds")
    assert says in found


@pytest.mark.parametrize(
    "interval", [(0.83, 0.71, 0.96), (1.36, 1.06, 1.71), (1.0, 0.9, 1.1), (None, None, None)]
)
def test_a_ratio_that_may_be_near_1_is_no_matter(interval: tuple[float | None, ...]) -> None:
    value, low, high = interval
    assert list(far_from_predicted(Finding("observed_to_expected", value, 1_000, low=low, high=high))) == []
