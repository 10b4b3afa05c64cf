"""Nothing is promoted without a person: only CodePipeline's record counts, for exactly this candidate."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.models.request_texts import REASON_LIMIT, check_name, check_reason
from release.errors import ReleaseRefused
from release.promote import (
    Approval,
    CodePipelineExecutions,
    Dependencies,
    Execution,
    name_of,
    named_columns,
    promote,
    promote_model,
)
from release.stack import Stack
from release.train import Order
from tests.unit.release.simulated import Registry

HERE = Execution("claimwatch-models", "00000000-0000-4000-8000-000000000001")
ORDER = Order("motor", "t-1", "commit c1: training code changed")
ANN = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Risk_1/ann@example.com"
STEP = "arn:aws:sts::123456789012:assumed-role/claimwatch-promote/AWSCodeBuild-1"
LEAK = {"kind": "strong", "column": "police_report", "found": "alone it ranks with 0.97"}
PROXY = {"kind": "proxy", "column": "postcode", "found": "it stands for nationality"}


@dataclass
class Recorded:
    """The records of CodePipeline."""

    given: Approval | None = None
    about: Order = ORDER
    asked: list[str] = field(default_factory=list)

    def order(self, execution: Execution) -> Order:
        assert execution == HERE
        return self.about

    def approval(self, execution: Execution) -> Approval | None:
        self.asked.append(execution.execution_id)
        return self.given


def trained(*warnings: dict[str, str], ends_as: str = "registered") -> Registry:
    return Registry(now=1000.0, begun={"t-1": 0.0}, warnings=list(warnings), ends_as=ends_as)


def run(registry: Registry, recorded: Recorded) -> list[str]:
    said: list[str] = []
    promote(Dependencies(registry, recorded, STEP, said.append), HERE)
    return said


def test_an_approved_candidate_is_promoted_in_the_name_of_the_approver() -> None:
    registry = trained()
    said = run(registry, Recorded(Approval(ANN, "better on new claims")))
    [sent] = registry.promoted
    assert (sent["version"], sent["role"], sent["by"]) == ("2", "champion", "ann@example.com")
    assert sent["why"] == (
        "better on new claims (commit c1: training code changed; approved by"
        f" {ANN} in execution {HERE.execution_id} of pipeline claimwatch-models)"
    )
    assert said == ["model 2 of line motor is live, approved by ann@example.com"]
    run(registry, Recorded(Approval(ANN, "better on new claims")))
    assert registry.promoted == [sent]  # repeated after a crash, it is the same request


identities = st.one_of(
    st.just(None),
    st.sampled_from(
        [
            STEP,
            STEP.replace("AWSCodeBuild-1", "another-build"),
            "codepipeline.amazonaws.com",
            "arn:aws:iam::123456789012:role/claimwatch-promote",
            "",
            ANN.replace("sts::123456789012:assumed-role", "s3::"),
        ]
    ),
    st.text(max_size=40),
)


@given(by=identities, comment=st.text(max_size=60))
def test_without_an_approval_by_a_person_nothing_is_sent(by: str | None, comment: str) -> None:
    registry = trained()
    recorded = Recorded(None if by is None else Approval(by, comment))
    with pytest.raises(ReleaseRefused, match="nothing is promoted"):
        run(registry, recorded)
    assert registry.promoted == []
    assert recorded.asked == [HERE.execution_id]


def test_a_candidate_that_is_not_registered_is_not_promoted_whoever_approved() -> None:
    for registry in (trained(ends_as="refused"), replace(trained(), now=1.0), Registry()):
        with pytest.raises(ReleaseRefused, match="has no registered model: nothing is promoted"):
            run(registry, Recorded(Approval(ANN, "go")))
        assert registry.promoted == []


def test_no_variable_of_the_step_stands_in_for_an_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command reads which execution it is from the environment, and all else from CodePipeline."""
    client = boto3.client("codepipeline", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    registry = trained()
    forged = {"APPROVED": "true", "APPROVER": ANN, "COMMENT": "go", "CANDIDATE": "2", "LINE": "home"}
    forged |= {"TRAINING_ID": "t-9", "PIPELINE": HERE.pipeline, "PIPELINE_EXECUTION_ID": HERE.execution_id}
    for name, value in forged.items():
        monkeypatch.setenv(name, value)

    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": STEP}

    monkeypatch.setattr(Stack, "of_environment", lambda: registry)
    monkeypatch.setattr(boto3, "client", lambda service: client if service == "codepipeline" else Sts())
    with Stubber(client) as stub:
        stub.add_response("get_pipeline_execution", EXECUTION)
        stub.add_response("list_action_executions", {"actionExecutionDetails": [action("Build")]})
        with pytest.raises(ReleaseRefused, match="nobody has approved"):
            promote_model()
        stub.add_response("get_pipeline_execution", EXECUTION)
        stub.add_response("list_action_executions", {"actionExecutionDetails": [action("Approval")]})
        promote_model()
    assert [(sent["version"], sent["by"]) for sent in registry.promoted] == [("2", "ann@example.com")]


# -- Columns with a warning ----------------------------------------------------------------------------------


def test_a_comment_has_to_name_each_column_with_a_warning_and_a_refusal_says_how_to_approve_again() -> None:
    registry = trained(LEAK, PROXY)
    with pytest.raises(ReleaseRefused) as refused:
        run(registry, Recorded(Approval(ANN, "looks good, I trust police_report")))
    sentence = str(refused.value)
    assert "police_report: alone it ranks with 0.97. Look into each of them" in sentence
    assert "aws codepipeline start-pipeline-execution --name claimwatch-models" in sentence
    assert "'name=why,value=commit c1: training code changed'" in sentence
    assert sentence.endswith("then approve with a comment that has trust=police_report")
    with pytest.raises(ReleaseRefused, match="1 of the columns to trust has no warning"):
        run(registry, Recorded(Approval(ANN, "trust=police_report trust=claim_amount")))
    assert registry.promoted == []
    run(registry, Recorded(Approval(ANN, "seen with the police; trust=police_report, trust=postcode.")))
    assert registry.promoted[0]["trust"] == ["police_report", "postcode"]


@pytest.mark.parametrize(
    ("comment", "named", "unknown"),
    [
        ("trust=a", ["a"], 0),
        ("trust=a trust=a b", ["a", "a b"], 0),
        ("trust=\"a b\" and trust='a'", ["a b", "a"], 0),
        ("trust=a.b, trust=a.", ["a.b", "a"], 0),
        ("trust=abc", [], 1),
        ("distrust=a", [], 0),
        ("trust = a", [], 0),
        ("trust=", [], 1),
        ("trust=a;trust=b", [], 1),
        ("", [], 0),
    ],
)
def test_columns_are_named_whole(comment: str, named: list[str], unknown: int) -> None:
    assert named_columns(comment, ["a", "a b", "a.b"]) == (named, unknown)


@given(comment=st.text(max_size=3000), name=st.text("abc@.-_=,+", min_size=1, max_size=300))
def test_every_comment_and_name_becomes_a_request_that_the_application_takes(comment: str, name: str) -> None:
    registry = trained()
    by = f"arn:aws:sts::123456789012:assumed-role/R/{name}"
    if "trust=" in comment:
        return
    run(registry, Recorded(Approval(by, comment)))
    [sent] = registry.promoted
    check_name("by", sent["by"])
    check_reason(sent["why"])
    assert len(sent["why"]) <= REASON_LIMIT
    assert by[:200] in sent["why"]
    assert len(sent["request_id"]) <= 64


def test_a_person_is_called_as_the_user_or_the_session_is() -> None:
    assert name_of(ANN) == "ann@example.com"
    assert name_of("arn:aws:iam::123456789012:user/risk/bob") == "bob"
    assert name_of("arn:aws:iam::123456789012:root") == "arn:aws:iam::123456789012:root"


# -- What CodePipeline records -------------------------------------------------------------------------------

EXECUTION: dict[str, Any] = {
    "pipelineExecution": {
        "pipelineName": HERE.pipeline,
        "pipelineExecutionId": HERE.execution_id,
        "variables": [
            {"name": "line", "resolvedValue": "motor"},
            {"name": "training_id", "resolvedValue": "t-1"},
            {"name": "why", "resolvedValue": "commit c1: training code changed"},
        ],
    }
}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def action(category: str, status: str = "Succeeded", hour: int = 0, by: str | None = ANN) -> dict[str, Any]:
    """An action of the execution, with the names of fields that botocore's model of the service has."""
    return {
        "pipelineExecutionId": HERE.execution_id,
        "actionName": category,
        "stageName": category,
        "lastUpdateTime": NOON + timedelta(hours=hour),
        "status": status,
        "input": {
            "actionTypeId": {"category": category, "owner": "AWS", "provider": "Manual", "version": "1"}
        },
        "output": {"executionResult": {"externalExecutionSummary": f"comment {hour}"}},
    } | ({"updatedBy": by} if by else {})


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([], None),
        ([action("Build"), action("Source")], None),
        ([action("Approval")], Approval(ANN, "comment 0")),
        ([action("Approval", by=None)], None),
        ([action("Approval", "Failed")], None),
        ([action("Approval", "InProgress")], None),
        ([action("Approval", hour=1), action("Approval", "Failed", hour=0)], Approval(ANN, "comment 1")),
        ([action("Approval", hour=0), action("Approval", "Failed", hour=1)], None),
        ([action("Approval") | {"pipelineExecutionId": "00000000-0000-4000-8000-000000000002"}], None),
    ],
)
def test_only_the_newest_answer_of_this_execution_counts_and_only_if_it_approves(
    actions: list[dict[str, Any]], expected: Approval | None
) -> None:
    client = boto3.client("codepipeline", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    asked = {"pipelineName": HERE.pipeline, "filter": {"pipelineExecutionId": HERE.execution_id}}
    with Stubber(client) as stub:
        stub.add_response(
            "list_action_executions", {"actionExecutionDetails": actions[:1], "nextToken": "n"}, asked
        )
        stub.add_response(
            "list_action_executions", {"actionExecutionDetails": actions[1:]}, asked | {"nextToken": "n"}
        )
        assert CodePipelineExecutions(client).approval(HERE) == expected


def test_the_training_is_the_one_of_the_execution() -> None:
    client = boto3.client("codepipeline", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        stub.add_response("get_pipeline_execution", EXECUTION)
        assert CodePipelineExecutions(client).order(HERE) == Order(
            "motor", "t-1", "commit c1: training code changed"
        )
        stub.add_response("get_pipeline_execution", {"pipelineExecution": {}})
        with pytest.raises(ReleaseRefused, match="none of the pipeline of models"):
            CodePipelineExecutions(client).order(HERE)
        stub.add_client_error("get_pipeline_execution", "PipelineExecutionNotFoundException")
        with pytest.raises(ReleaseRefused, match="PipelineExecutionNotFoundException"):
            CodePipelineExecutions(client).order(HERE)
