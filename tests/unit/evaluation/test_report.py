"""The report is one page that needs no network and shows every check, whatever its findings."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding, Verdict
from claimwatch.evaluation.checks.registry import SPECS
from claimwatch.evaluation.report.page import report_page
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowResults
from tests.unit.evaluation import weeks

VOID = {"meta", "wbr"}
EVIL = '<script>alert("1")</script>&\'"'


class Page(HTMLParser):
    """Elements of a page; an element closed in the wrong order fails the test."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def full() -> Page:
    return Page(report_page(weeks.results(), weeks.PROMISED))


def page(findings: Findings, history: list[PastWindow] | None = None, **changed: Any) -> Page:
    return Page(report_page(WindowResults(weeks.facts(**changed), findings, history or [])))


def test_every_check_has_a_section_and_every_link_has_a_target() -> None:
    found = full()
    anchors = {attributes["id"] for _, attributes in found.elements if "id" in attributes}
    assert set(CHECKS) <= anchors
    assert all(check.title in found.text for check in SPECS)
    assert {str(link["href"])[1:] for link in found.all("a")} <= anchors
    assert len(anchors) == sum("id" in attributes for _, attributes in found.elements)


def test_the_page_needs_no_network() -> None:
    found = full()
    assert {"http-equiv": "Content-Security-Policy"}.items() <= found.all("meta")[-1].items()
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in found.elements}
    values = [value or "" for _, attributes in found.elements for value in attributes.values()]
    assert not [value for value in values if "//" in value or value.startswith(("javascript:", "data:"))]
    assert not re.search(r"url\(|@import|//", next(words for words in found.words if ":root" in words))


def test_action_items_come_first() -> None:
    text = full().text
    assert text.index("What to look at first") < text.index("Recall at capacity") < text.index("What changed")
    assert 'claimwatch train motor --why "performance in 2026-W31"' in text


def test_a_quiet_week_is_reported_as_quiet() -> None:
    quiet: Findings = {check: [Finding("psi", 0.01, 100)] for check in CHECKS}
    assert "Nothing needs your attention this week." in page(quiet).text


def test_every_value_is_escaped() -> None:
    found: dict[Check, list[Finding]] = {
        check: [
            Finding("psi", 0.5, 10, "alarm", EVIL, EVIL, 0.1, 0.9, 0.2),
            Finding(EVIL, 0.5, 10, "watch", EVIL),
            Finding("rate", None, 10, "not enough data", segment=EVIL),
        ]
        for check in CHECKS
    }
    shown = page(
        found,
        [PastWindow(EVIL, EVIL, found)],
        line=EVIL,
        window=EVIL,
        model_version=EVIL,
        challenger=EVIL,
        missing={"bias": EVIL},
    )
    assert not shown.all("script")
    assert {name for _, attributes in shown.elements for name in attributes} <= {
        *(
            "lang",
            "charset",
            "name",
            "content",
            "http-equiv",
            "class",
            "id",
            "href",
            "title",
            "scope",
            "role",
            "tabindex",
        ),
        *("aria-label", "aria-labelledby", "viewbox", "text-anchor", "d", "points", "cx", "cy", "r", "rx"),
        *("x", "y", "x1", "x2", "y1", "y2", "width", "height"),
    }
    assert EVIL in "".join(shown.words)


def test_a_window_without_any_result_has_a_page() -> None:
    text = page({}, missing=dict.fromkeys(CHECKS, "the database refused it")).text
    assert text.count("The database refused it.") == len(CHECKS) + 1
    assert f"{len(CHECKS)} checks missing" in text


def test_a_check_without_a_result_or_reason_is_missing() -> None:
    assert "This check has no result." in page({"bias": [Finding("psi", 0.01, 100)]}).text


@pytest.mark.parametrize("value", [None, float("nan")])
def test_an_unknown_value_is_never_shown_as_a_number(value: float | None) -> None:
    nothing: Findings = {check: [Finding("psi", value, 0, "not enough data", "age")] for check in CHECKS}
    found = page(nothing, [PastWindow("2026-W30", "3", nothing)])
    assert "Not enough data for a verdict yet." in found.text
    assert "nan" not in found.text.split()
    assert not [
        v for _, attributes in found.elements for v in attributes.values() if v and "nan" in v.split()
    ]


def test_findings_of_zero_can_be_drawn() -> None:
    zeros: Findings = {
        check: [
            Finding("psi", 0.0, 0, "ok", "age", threshold=0.0),
            Finding("lift", 0.0, 0, "ok", segment="1", low=0.0, high=0.0),
            Finding("calibration_predicted", 0.0, 0, segment="1"),
            Finding("calibration_observed", 0.0, 0, segment="1"),
            Finding("cost", 0.0, 0),
        ]
        for check in CHECKS
    }
    assert page(zeros, [PastWindow("2026-W30", "3", zeros)]).all("svg")


def test_the_heat_map_has_a_cell_with_a_verdict_for_each_feature_and_week() -> None:
    found = full()
    titles = [cell["title"] for cell in found.all("td") if "title" in cell]
    assert len(titles) == len(weeks.FEATURES) * 13
    assert "claim_amount, 2026-W31: PSI 0.298, bound 0.052, alarm" in titles
    assert sum(title is not None and title.endswith("alarm") for title in titles) == len(weeks.DRIFTED)


@pytest.mark.parametrize(
    ("psi", "verdict", "colour"),
    [
        (0.02, "ok", "h0"),
        (0.09, "ok", "h1"),
        # Beyond the bound, and perhaps by chance: not an alarm, and not coloured as one.
        (0.9, "ok", "h1"),
        (0.11, "watch", "h2"),
        (0.9, "watch", "h2"),
        (0.11, "alarm", "h3"),
        (0.41, "alarm", "h4"),
        (0.9, "not enough data", "hx"),
    ],
)
def test_a_cell_of_the_heat_map_is_coloured_as_its_verdict_says(
    psi: float, verdict: Verdict, colour: str
) -> None:
    found: Findings = {"feature_drift": [Finding("psi", psi, 900, verdict, "amount", threshold=0.1)]}
    (cell,) = (
        cell for cell in page(found).all("td") if (cell.get("title") or "").startswith("amount, 2026-W31")
    )
    assert (cell["class"] or "").split()[0] == colour


def test_a_feature_missing_in_a_week_has_an_empty_cell() -> None:
    now: Findings = {"feature_drift": [Finding("psi", 0.2, 9, "ok", "new_feature", threshold=0.1)]}
    before: Findings = {"feature_drift": [Finding("psi", 0.2, 9, "ok", "old_feature", threshold=0.1)]}
    titles = [cell.get("title") for cell in page(now, [PastWindow("2026-W30", "3", before)]).all("td")]
    assert "new_feature, 2026-W30: not enough data, or not checked" in titles
    assert "old_feature, 2026-W31: not enough data, or not checked" in titles


def test_estimates_are_labelled_and_immature_claims_are_counted() -> None:
    text = full().text
    assert "14,710 claims are not yet mature and are excluded" in text
    assert "1,890 outcomes are used (referrals and audit)" in text
    assert text.index("Estimates for claims whose outcome is not due") < text.index(
        "Frauds referred (estimated)"
    )


def test_promised_and_measured_values_are_shown_together() -> None:
    assert "Promised" in full().text
    assert "52.0%" in full().text


def test_small_groups_are_listed_and_not_ranked() -> None:
    text = full().text
    assert "1 with too few claims for a verdict" in text
    assert "male, 75 and more" in text


def test_every_chart_has_a_description() -> None:
    pictures = full().all("svg")
    assert len(pictures) > 20
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in pictures)


def test_a_hundred_features_are_folded_and_all_present() -> None:
    many: Findings = {
        "feature_drift": [
            Finding("psi", number / 1000, 9, "ok", f"feature_{number:03}") for number in range(100)
        ]
    }
    found = page(many)
    assert "70 features more" in found.text
    assert len([cell for cell in found.all("td") if "title" in cell]) == 100


def test_changed_figures_are_shown_next_to_those_of_the_week_before() -> None:
    now: Findings = {"performance": [Finding("hit_rate", 0.25, 9), Finding("brier", 0.5, 9)]}
    before: Findings = {"performance": [Finding("hit_rate", 0.75, 9), Finding("brier", 0.5, 9)]}
    text = page(now, [PastWindow("2026-W30", "3", before)]).text
    assert "2026-W30 Now Hit rate of referrals 75.0% 25.0%" in text
    assert "Brier score 0.500 0.500" not in text


def test_a_line_without_challenger_or_protected_groups_does_not_lack_data() -> None:
    text = page({"challenger": [], "bias": []}, challenger=None).text
    assert "No challenger runs in shadow." in text
    assert "The contract has no protected attribute." in text


@pytest.mark.parametrize(
    ("better", "worse", "difference", "said"),
    [
        (55.0, 0.0, "ok", "Decided after 64 audited frauds: the challenger finds more frauds."),
        (0.0, 55.0, "ok", "Decided after 64 audited frauds: the challenger finds fewer frauds."),
        (2.0, 0.1, "not enough data", "Not decided yet after 64 audited frauds."),
        (0.1, 0.1, "ok", "No material difference after 64 audited frauds: +1.0 points (-3.0 to +4.0)."),
    ],
)
def test_the_result_of_the_challenger_comparison_is_a_sentence(
    better: float, worse: float, difference: Verdict, said: str
) -> None:
    found: Findings = {
        "challenger": [
            Finding("audited_frauds", 64.0, 900),
            Finding("recall_difference", 0.01, 64, difference, low=-0.03, high=0.04, threshold=0.0),
            Finding("evidence_better", better, 9, threshold=40.0),
            Finding("evidence_worse", worse, 9, threshold=40.0),
        ]
    }
    assert said in page(found).text
