"""Values are written with their units; unknown values are written as such."""

import pytest

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.evaluation.formatting import Format, Metric, Metrics, listed, sentence


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("share", 0.3449, "34.5%"),
        ("share", 0.0042, "0.42%"),
        ("share", 0.0, "0.0%"),
        ("number", 0.2981, "0.298"),
        ("number", 41.234, "41.23"),
        ("number", 842.3, "842"),
        ("count", 31240.0, "31,240"),
        ("points", -0.0001, "+0.0 points"),
        ("points", -0.0412, "-4.1 points"),
        ("change", 0.05, "+0.050"),
        ("ratio", 1.409, "1.41"),
        ("relative", 1.409, "1.41"),
        ("p_value", 1e-9, "below 0.0001"),
        ("seconds", 45.0, "45.0 s"),
        ("seconds", 600.0, "10.0 min"),
        ("seconds", 7200.0, "2.0 h"),
        ("milliseconds", 0.0214, "0.021 ms"),
        ("milliseconds", 12.34, "12.3 ms"),
        ("money", 0.0172, "$0.0172"),
        ("money", 12.5, "$12.50"),
        ("money", None, "not known"),
        ("money", float("nan"), "not known"),
    ],
)
def test_a_value_is_written_in_the_format_of_its_metric(
    kind: Format, value: float | None, written: str
) -> None:
    assert Metric("Title", kind).figure(value) == written


METRICS = Metrics(
    hit_rate=Metric("Hit rate", "share"),
    recall_difference=Metric("Difference", "points"),
    missed_rate=Metric("Frauds missed", "share", versus_others=True),
    psi=Metric("PSI"),
)


def test_an_interval_is_written_only_if_it_is_known() -> None:
    assert METRICS.interval(Finding("hit_rate", 0.5, 9, low=0.4, high=0.6)) == "50.0% (40.0% to 60.0%)"
    difference = Finding("recall_difference", 0.02, 9, low=-0.01, high=0.05)
    assert METRICS.interval(difference) == "+2.0 points (-1.0 to +5.0)"
    assert METRICS.interval(Finding("hit_rate", 0.5, 9)) == "50.0%"
    assert METRICS.interval(Finding("hit_rate", None, 9, low=0.4, high=0.6)) == "not known"


def test_a_rate_is_compared_with_all_others_and_any_other_metric_with_a_bound() -> None:
    assert METRICS.bound(Finding("missed_rate", 0.6, 9, threshold=0.4)) == "all others 40.0%"
    assert METRICS.bound(Finding("psi", 0.6, 9, threshold=0.05)) == "bound 0.050"
    assert METRICS.bound(Finding("psi", 0.6, 9)) == ""


def test_an_undeclared_metric_is_titled_by_its_name() -> None:
    finding = Finding("some_new_rate", 0.25, 9, feature="age")
    assert METRICS.summary(finding) == "age: Some new rate 0.250"
    assert "some_new_rate" not in METRICS


def test_lists_and_sentences_are_punctuated() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c", "d"]) == "a, b and 2 more"
    assert sentence("it failed with Error. ") == "It failed with Error."
