"""Every weekly check has one complete specification, from which everything else follows."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.evaluation.checks import registry, spec
from claimwatch.evaluation.checks.registry import BY_WEIGHT, SPEC_OF, SPECS
from claimwatch.evaluation.checks.spec import CheckSpec, UndeclaredMetric
from claimwatch.evaluation.report.markup import Markup
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.storage.evaluations import Window
from tests.unit.evaluation import weeks

PROJECT = Path(__file__).parents[3]
STATISTICS = PROJECT / "layers" / "core" / "claimwatch" / "domain" / "evaluation"
START = datetime(2026, 7, 20, tzinfo=UTC)
WINDOW = Window("motor", START, START + timedelta(weeks=1), "1", None, "planned")
DEPS: Any = None


def literal_metrics(source: Path) -> Iterator[str]:
    """The metrics that a module gives to `Finding` as literals."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                yield str(first.value)


def test_there_is_one_specification_for_each_check() -> None:
    assert tuple(each.name for each in SPECS) == CHECKS
    modules = {path.stem for path in Path(registry.__file__).parent.glob("*.py")}
    assert modules == {*CHECKS, "__init__", "inputs", "registry", "spec"}


@pytest.mark.parametrize("check", SPECS, ids=CHECKS)
def test_a_specification_is_complete(check: CheckSpec) -> None:
    assert check.title.strip()
    assert check.alarm.startswith(f"{check.title}: ")
    assert check.alarm.endswith(".")
    assert "\n" not in check.alarm
    assert ": claimwatch " in check.next_step.format(line="motor", window="2026-W30")
    assert check.metrics
    assert all(metric.title.strip() for metric in check.metrics.values())


def test_titles_and_weights_are_unique() -> None:
    assert len({check.title for check in SPECS}) == len(SPECS)
    assert len({check.weight for check in SPECS}) == len(SPECS)
    assert BY_WEIGHT[0].weight == max(check.weight for check in SPECS)


@pytest.mark.parametrize("check", SPECS, ids=CHECKS)
def test_a_section_shows_a_finding_of_every_declared_metric(check: CheckSpec) -> None:
    findings = [
        Finding(name, 0.5, 100, "watch", f"feature_of_{name}", "1", 0.4, 0.6, 0.45) for name in check.metrics
    ]
    section = check.section(SectionContext(weeks.facts(), check.metrics, findings, [], {}))
    assert isinstance(section, Markup)
    assert "0.5" in section or "50.0" in section


@pytest.mark.parametrize("check", weeks.findings())
def test_the_findings_of_a_check_are_declared(check: Check) -> None:
    assert {finding.metric for finding in weeks.findings()[check]} <= SPEC_OF[check].metrics.keys()


def test_each_metric_that_the_statistics_name_is_declared_by_a_check() -> None:
    declared = {name for check in SPECS for name in check.metrics}
    used = {name for source in STATISTICS.glob("*.py") for name in literal_metrics(source)}
    assert used
    assert used <= declared


def test_a_finding_with_an_undeclared_metric_fails_the_check() -> None:
    broken = replace(SPEC_OF["bias"], run=lambda _deps, _window: [Finding("unheard_of", 1.0, 9)])
    with pytest.raises(UndeclaredMetric, match="bias does not declare unheard_of"):
        broken.findings(DEPS, WINDOW)
    assert spec.CheckSpec.findings(replace(broken, run=lambda _deps, _window: []), DEPS, WINDOW) == []


def test_retraining_is_advised_by_drift_and_performance_only() -> None:
    advising = {check.name for check in SPECS if check.advises_retraining}
    assert advising == {"performance", "feature_drift", "score_drift"}


@pytest.mark.parametrize("check", CHECKS)
def test_the_interface_lists_the_check(check: Check) -> None:
    assert f"`{check}`" in (PROJECT / "docs" / "interfaces.md").read_text("utf-8")
