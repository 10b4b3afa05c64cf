"""The stack costs less than 5 dollars a month while idle, and docs/cost.md has the computed figures."""

import re
from datetime import date
from typing import Any

import pytest

from benchmarks import cost
from tests.template.application import PROJECT, TEMPLATE, deployed_resources

MOST_WHEN_IDLE = 5.0
GIVEN = {"DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:database"}


def total(**parameters: str) -> float:
    return sum(item.cost for item in cost.idle(deployed_resources(**parameters)))


@pytest.mark.parametrize("parameters", [{}, GIVEN], ids=["own database", "given database"])
def test_an_idle_month_costs_less_than_five_dollars_at_list_price(parameters: dict[str, str]) -> None:
    assert 1 < total(**parameters) < MOST_WHEN_IDLE


def test_every_resource_of_the_template_has_a_known_price() -> None:
    for parameters in ({}, GIVEN, {"MonitoringDashboard": "true", "AlertEmail": "a@example.com"}):
        assert cost.idle(deployed_resources(**parameters))


@pytest.mark.parametrize(
    ("resource", "least"),
    [
        ({"Type": "AWS::EC2::NatGateway", "Properties": {}}, 32.85),
        ({"Type": "AWS::EC2::EIP", "Properties": {}}, 3.65),
        (
            {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]},
            },
            14.6,
        ),
        ({"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}}, 0.5),
        ({"Type": "AWS::KMS::Key", "Properties": {}}, 1),
        ({"Type": "AWS::SSM::Parameter", "Properties": {"Tier": "Advanced"}}, 0.05),
        ({"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": {}}] * 3}}, 0.3),
    ],
    ids=lambda value: value["Type"] if isinstance(value, dict) else "",
)
def test_a_resource_that_is_billed_while_idle_is_added_to_the_bill(
    resource: dict[str, Any], least: float
) -> None:
    resources = deployed_resources()
    more = sum(item.cost for item in cost.idle(resources | {"Another": resource}))
    assert more - total() == pytest.approx(least, rel=0.01)


def test_a_resource_of_an_unknown_type_is_not_taken_for_free() -> None:
    with pytest.raises(KeyError, match="AWS::MSK::Cluster"):
        cost.idle(deployed_resources() | {"Another": {"Type": "AWS::MSK::Cluster"}})


def test_what_costs_more_is_off_by_default() -> None:
    assert total(MonitoringDashboard="true") - total() == pytest.approx(3.0)
    assert total(EvaluationConcurrency="4") - total() == pytest.approx(0.158, abs=0.002)
    assert "0.16 USD" in TEMPLATE["Parameters"]["EvaluationConcurrency"]["Description"]


@pytest.mark.parametrize(("warmth", "cost"), [("snapstart", 6.83), ("provisioned", 18.92)])
def test_warm_starts_are_off_by_default_and_their_parameter_says_what_they_cost(
    warmth: str, cost: float
) -> None:
    assert total(ScoringWarmth=warmth) - total() == pytest.approx(cost, abs=0.005)
    assert f"{cost} USD a" in TEMPLATE["Parameters"]["ScoringWarmth"]["Description"]


def test_a_release_adds_up_and_every_billed_step_is_in_it() -> None:
    items = {item.title: item for item in cost.a_release()}
    steps = ["Check", "Package", "Smoke", "Review", "Verify", "Experiments"]
    assert [title for title in items if title.startswith("CodeBuild")] == [
        f"CodeBuild: {each}" for each in steps
    ]
    assert items["CodePipeline: all actions but approvals"].quantity == sum(cost.ACTION_MINUTES.values())
    assert items["CodeBuild: Check"].cost == pytest.approx(cost.ACTION_MINUTES["Check/Check"] * 0.01)
    total = sum(item.cost for item in items.values())
    assert cost.table_with_total(items.values()).endswith(f"| **{total:.2f}** |")
    assert 0.5 < total < 2


def test_a_step_whose_minutes_are_unknown_is_not_taken_for_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(cost.ACTION_MINUTES, "Smoke/Smoke")
    with pytest.raises(KeyError, match="Smoke/Smoke"):
        cost.a_release()


def test_an_idle_pipeline_costs_its_key_and_its_artifacts() -> None:
    assert {item.title for item in cost.idle_pipeline()} == {"KMS keys", "S3: 10 releases"}
    assert sum(item.cost for item in cost.idle_pipeline()) < 1.2


def test_gradual_deployment_costs_its_alarms() -> None:
    assert total(GradualDeployment="true") - total() == pytest.approx(0.3)
    assert "0.30 USD a month" in TEMPLATE["Parameters"]["GradualDeployment"]["Description"]


def test_an_idle_stream_costs_its_alarms() -> None:
    assert total(StreamingIngestion="true") - total() == pytest.approx(0.2)
    assert "0.20 USD a month" in TEMPLATE["Parameters"]["StreamingIngestion"]["Description"]


@pytest.mark.parametrize("seconds", [900, 60])
def test_the_parameter_says_what_the_interval_of_the_stream_costs(seconds: int) -> None:
    bill = cost.a_month_of_the_stream(seconds)
    [aurora] = [item.cost for item in bill if item.title == "Aurora: awake"]
    said = TEMPLATE["Parameters"]["StreamBufferSeconds"]["Description"]
    assert f"{sum(item.cost for item in bill):.2f} USD" in said
    assert f"{aurora:.2f}" in said


def test_every_price_has_a_source_and_a_date() -> None:
    table = cost.PRICES.read_text(encoding="utf-8")
    [written] = re.findall(r"^as_of = (\S+)$", table, re.MULTILINE)
    assert date(2026, 1, 1) <= date.fromisoformat(written)
    for name, price in cost.prices().items():
        assert price.source.startswith("https://aws.amazon.com/"), name
        assert price.price > 0, name


def test_the_readme_states_the_computed_total() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"costs {total():.2f} USD a month at list price" in readme


def test_the_page_about_costs_shows_the_computed_tables() -> None:
    page = (PROJECT / "docs" / "cost.md").read_text(encoding="utf-8")
    for title, table in cost.tables().items():
        assert table in page, f"docs/cost.md: replace the table '{title}' by that of `make cost`"
