"""Each function connects as its task: it can read the login of that task, and of no other."""

import pytest

from claimwatch.cases.database import CONNECTION, STATEMENT_TIMEOUT
from claimwatch.storage.connection import CONNECT_TIMEOUT, WAKE_UP_TIME
from claimwatch.storage.logins import TASKS
from tests.template.application import (
    FUNCTIONS,
    RESOURCES,
    TEMPLATE,
    as_list,
    dependencies,
    deployed_resources,
    policies,
)
from tests.template.test_settings import variables_read

STACK = "/claimwatch/${AWS::StackName}"
PREFIX = f"{STACK}/database"
ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
TASK_OF = {
    "StartPipeline": "ingest",
    "InspectFile": "ingest",
    "LoadChunk": "ingest",
    "CommitFile": "ingest",
    "RecordFailure": "ingest",
    "PlanScoring": "scoring",
    "ScoreChunk": "scoring",
    "RecordUnscored": "scoring",
    "ProcessImage": "photos",
    "ApplyContract": "contracts",
    "StartTraining": "dispatch",
    "WatchTrainings": "dispatch",
    "PromoteModel": "promotion",
    "ApproveException": "approval",
    "PlanEvaluation": "evaluation",
    "RunCheck": "evaluation",
    "RecordScores": "record",
    "CaseApi": "api",
    "SealAudit": "seal",
    "PublishDecisions": "decisions",
    "ApplySource": "sources",
    "PlanPull": "sources",
    "ExtractWindow": "sources",
    "CommitWindow": "sources",
    "RecordPullFailure": "sources",
    "WatchSource": "sources",
}
"""The functions that connect to the database; MigrateSchema connects as its owner."""

OWNER = {"Fn::If": ["OwnDatabase", {"Ref": "DatabaseSecretAttachment"}, {"Ref": "DatabaseSecretArn"}]}


def readers(action: str) -> dict[str, list[object]]:
    """Return the resources that each role may perform an action on."""
    found: dict[str, list[object]] = {}
    for name, statement in policies():
        if action in as_list(statement["Action"]) and statement["Effect"] == "Allow":
            found.setdefault(name, []).extend(as_list(statement["Resource"]))
    return found


def test_every_function_that_connects_has_a_task() -> None:
    connecting = {name for name in FUNCTIONS if "DATABASE_PARAMETER" in variables_read(name)}
    assert connecting == TASK_OF.keys()
    of_people = {"training", "read", "replay", "audit"}
    assert set(TASK_OF.values()) | of_people == set(TASKS)


@pytest.mark.parametrize("name", TASK_OF)
def test_a_function_gets_the_parameter_of_its_task(name: str) -> None:
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    assert variables["DATABASE_PARAMETER"] == {"Fn::Sub": f"{PREFIX}/{TASK_OF[name]}"}


def test_functions_are_updated_after_the_schema_and_the_logins() -> None:
    """Code that met an earlier schema would fail for good, and mark its file as failed."""
    waits_for = dependencies(deployed_resources())
    assert {name for name in TASK_OF if "SchemaMigration" in waits_for[name]} == TASK_OF.keys()


def test_a_role_can_read_the_login_of_its_task_only() -> None:
    wanted = TASK_OF | {"TrainingRole": "training", "ReadAuditPolicy": "audit", "ManageSourcesPolicy": "read"}
    pointers = [{"Fn::Sub": f"{ARN}{STACK}/{kind}/*"} for kind in ("contracts", "live")]
    assert readers("ssm:GetParameter") == {
        name: [{"Fn::Sub": f"{ARN}{PREFIX}/{task}"}] for name, task in wanted.items()
    } | {"CheckScores": pointers}
    script = RESOURCES["TrainingTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]
    assert f"export DATABASE_PARAMETER='{PREFIX}/training'\n" in script["Fn::Base64"]["Fn::Sub"][0]


def test_each_parameter_is_written_by_one_function_only() -> None:
    secrets = readers("secretsmanager:GetSecretValue")
    assert [name for name, resources in secrets.items() if OWNER in resources] == ["MigrateSchema"]
    for action in ("ssm:PutParameter", "ssm:DeleteParameters"):
        assert readers(action) == {
            "MigrateSchema": [{"Fn::Sub": f"{ARN}{PREFIX}/*"}, {"Fn::Sub": f"{ARN}{STACK}/draw-key"}],
            "PromoteModel": [{"Fn::Sub": f"{ARN}{STACK}/live/*"}],
            "ApplyContract": [{"Fn::Sub": f"{ARN}{STACK}/contracts/*"}],
        }
    assert "DATABASE_SECRET_ARN" not in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]


def test_the_command_line_finds_the_parameters_by_an_output() -> None:
    assert TEMPLATE["Outputs"]["DatabaseParameters"]["Value"] == {"Fn::Sub": PREFIX}
    assert TEMPLATE["Outputs"]["DatabaseSecretArn"]["Value"] == OWNER


def test_the_api_of_people_answers_before_api_gateway_gives_up_and_waits_for_no_database() -> None:
    assert STATEMENT_TIMEOUT + CONNECTION["connect_timeout"] < FUNCTIONS["CaseApi"]["Timeout"] < 30


@pytest.mark.parametrize("name", [*(name for name in TASK_OF if name != "CaseApi"), "MigrateSchema"])
def test_a_function_runs_longer_than_it_waits_for_a_paused_database(name: str) -> None:
    assert FUNCTIONS[name]["Timeout"] > WAKE_UP_TIME + CONNECT_TIMEOUT
