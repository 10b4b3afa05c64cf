"""Figures are written as people read them, and what is not known as that."""

import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Finding
from claimwatch.evaluation.formatting import (
    TITLES,
    bound_of,
    figure,
    interval,
    listed,
    metric_title,
    sentence,
)


@pytest.mark.parametrize(
    ("metric", "value", "written"),
    [
        ("recall_at_capacity", 0.3449, "34.5%"),
        ("quarantine_rate", 0.0042, "0.42%"),
        ("quarantine_rate", 0.0, "0.0%"),
        ("psi", 0.2981, "0.298"),
        ("evidence_better", 41.234, "41.23"),
        ("matured", 31240.0, "31,240"),
        ("importance_shift", -0.0001, "+0.0 points"),
        ("importance_shift", -0.0412, "-4.1 points"),
        ("correlation_shift", 0.05, "+0.050"),
        ("selection_rate_ratio", 1.409, "1.41"),
        ("q_value", 1e-9, "below 0.0001"),
        ("queue_age", 45.0, "45.0 s"),
        ("queue_age", 600.0, "10.0 min"),
        ("queue_age", 7200.0, "2.0 h"),
        ("scoring_time", 0.0214, "0.021 ms"),
        ("scoring_time", 12.34, "12.3 ms"),
        ("cost", 0.0172, "$0.0172"),
        ("cost", 12.5, "$12.50"),
        ("cost", None, "not known"),
        ("cost", float("nan"), "not known"),
        ("some_new_rate", 0.25, "25.0%"),
        ("something_else", 3.14159, "3.142"),
    ],
)
def test_a_figure_has_the_unit_of_its_metric(metric: str, value: float | None, written: str) -> None:
    assert figure(metric, value) == written


def test_an_interval_is_written_only_where_it_is_known() -> None:
    assert interval(Finding("hit_rate", 0.5, 9, low=0.4, high=0.6)) == "50.0% (40.0% to 60.0%)"
    assert (
        interval(Finding("recall_difference", 0.02, 9, low=-0.01, high=0.05)) == "+2.0 points (-1.0 to +5.0)"
    )
    assert interval(Finding("hit_rate", 0.5, 9)) == "50.0%"
    assert interval(Finding("hit_rate", None, 9, low=0.4, high=0.6)) == "not known"


def test_a_group_is_held_against_all_others_and_all_else_against_a_bound() -> None:
    assert bound_of(Finding("missed_rate", 0.6, 9, threshold=0.4)) == "all others 40.0%"
    assert bound_of(Finding("psi", 0.6, 9, threshold=0.05)) == "bound 0.050"
    assert bound_of(Finding("psi", 0.6, 9)) == ""


def test_every_check_has_a_title_and_a_metric_without_words_its_own_name() -> None:
    assert TITLES.keys() == set(CHECKS)
    assert metric_title("some_new_rate") == "Some new rate"


def test_lists_and_sentences_read_as_such() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c", "d"]) == "a, b and 2 more"
    assert sentence("it failed with Error. ") == "It failed with Error."
