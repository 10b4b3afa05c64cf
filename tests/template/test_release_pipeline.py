"""pipeline.yaml and deployment-roles.yaml: the same stages for every source, and no more rights than needed.

CodePipeline itself could not be run: these tests evaluate the templates. Conditions of policies are taken to
hold, so what a role is shown to lack, it lacks whatever the circumstances.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import pytest

from local.buildspec import read_buildspec
from tests.template.application import PROJECT, as_list, deployed_resources, tls_only
from tests.template.release_pipeline import (
    KINDS,
    PRODUCTION,
    REGION,
    STACK,
    STAGING,
    TOOLS,
    Action,
    Resources,
    allowed_actions,
    assumable,
    deployment_roles,
    may,
    pipeline,
    statements,
    template,
    trusted,
)

RELEASE = [
    ("Source", ["Source"]),
    ("Check", ["Check"]),
    ("Package", ["Package"]),
    ("Staging", ["ChangeSet", "Deploy"]),
    ("Smoke", ["Smoke"]),
    ("Approve", ["ChangeSet", "Review", "Approval"]),
    ("Production", ["ChangeSet", "Deploy", "Verify"]),
    ("Experiments", ["Experiments"]),
]
MODELS = [
    ("Source", ["Source"]),
    ("Train", ["Train"]),
    ("Approve", ["Approval"]),
    ("Promote", ["Promote"]),
]
PROVIDERS = {"connection": "CodeStarSourceConnection", "codecommit": "CodeCommit", "s3": "S3"}
BOTH = {"Pipeline": RELEASE, "ModelsPipeline": MODELS}

STEPS = ("check", "package", "smoke", "review", "verify", "experiments", "train", "promote")
SET_BY_CODEBUILD = {"CODEBUILD_SRC_DIR", "CODEBUILD_SRC_DIR_Release", "PATH"}

every_kind = pytest.mark.parametrize(("source", "accounts"), KINDS, ids=str)


def stages(actions: list[Action]) -> list[tuple[str, list[str]]]:
    names = dict.fromkeys(action.stage for action in actions)
    return [(stage, [each.name for each in actions if each.stage == stage]) for stage in names]


# -- Stages and actions --------------------------------------------------------------------------------------


@every_kind
def test_a_release_passes_the_same_stages_whatever_its_source_and_accounts(
    source: str, accounts: str
) -> None:
    made = pipeline(source, accounts)
    for name, expected in BOTH.items():
        actions = made.actions(name)
        assert stages(actions) == expected
        assert actions[0].provider == PROVIDERS[source]
        assert made.resolver.properties(name)["PipelineType"] == "V2"


@every_kind
def test_every_input_was_made_by_an_earlier_action(source: str, accounts: str) -> None:
    for name in BOTH:
        ready: set[str] = set()
        for action in pipeline(source, accounts).actions(name):
            read = {path.partition("::")[0] for path in paths_in_artifacts(action)}
            assert set(action.inputs) | read <= ready, f"{action.stage}/{action.name}"
            assert read <= set(action.inputs)
            assert not ready & set(action.outputs), "CodePipeline requires different names"
            ready |= set(action.outputs)


def paths_in_artifacts(action: Action) -> list[str]:
    named = (action.configuration.get(key) for key in ("TemplatePath", "TemplateConfiguration"))
    return [path for path in named if path]


def test_a_build_with_several_inputs_says_which_is_the_source() -> None:
    for action in builds():
        if len(action.inputs) > 1:
            assert action.configuration["PrimarySource"] == "Source"
            assert action.inputs == ("Source", "Release"), "CODEBUILD_SRC_DIR_Release is what they read"


def builds() -> Iterator[Action]:
    made = pipeline()
    for name in BOTH:
        yield from (action for action in made.actions(name) if action.provider == "CodeBuild")


def test_every_step_has_a_project_that_runs_its_buildspec() -> None:
    projects = pipeline().projects()
    named = [action.configuration["ProjectName"] for action in builds()]
    assert sorted(named) == sorted(f"{STACK}-{step}" for step in STEPS) == sorted(projects)
    for step in STEPS:
        project = projects[f"{STACK}-{step}"]
        assert project["Source"]["BuildSpec"] == f"buildspecs/{step}.yml"
        assert (PROJECT / project["Source"]["BuildSpec"]).is_file()


@pytest.mark.parametrize("action", list(builds()), ids=lambda action: action.name)
def test_a_build_is_given_every_variable_that_its_buildspec_and_its_commands_read(action: Action) -> None:
    project = pipeline().projects()[action.configuration["ProjectName"]]
    spec = read_buildspec((PROJECT / project["Source"]["BuildSpec"]).read_text(encoding="utf-8"))
    commands = "\n".join(
        command for phase in spec.phases.values() for command in (*phase.commands, *phase.finally_)
    )
    read = set(re.findall(r"\$\{?(\w+)", commands)) | required_by_modules(commands)
    assigned = set(re.findall(r"(?:^|export )(\w+)=", commands, re.MULTILINE))
    given = {each["Name"] for each in project["Environment"]["EnvironmentVariables"]}
    given |= {each["name"] for each in json.loads(action.configuration.get("EnvironmentVariables", "[]"))}
    assert read - assigned - given - set(spec.variables) - SET_BY_CODEBUILD == set()


def required_by_modules(commands: str) -> set[str]:
    """Return the variables without which the commands of `python -m release` refuse to run."""
    found: set[str] = set()
    for command in re.findall(r"python -m release (\w+)", commands):
        module = PROJECT / "release" / f"{command}.py"
        text = module.read_text(encoding="utf-8") if module.is_file() else ""
        found |= set(re.findall(r"\benvironment\(\"(\w+)\"\)", text))
        if "Stack.of_environment()" in text:
            found.add("STACK_NAME")
    return found


def test_the_variables_of_the_steps_of_models_are_noticed() -> None:
    """The test above would pass if no required variable were found."""
    assert required_by_modules("python -m release train") == {"LINE", "TRAINING_ID", "WHY", "STACK_NAME"}
    assert "PIPELINE" in required_by_modules("python -m release experiments")


@pytest.mark.parametrize("name", list(BOTH))
def test_what_actions_refer_to_is_exported_by_an_earlier_action_or_given_to_the_execution(name: str) -> None:
    made = pipeline()
    variables = made.resolver.properties(name).get("Variables", ())
    known = {f"variables.{each['Name']}" for each in variables} | {"codepipeline.PipelineExecutionId"}
    for action in made.actions(name):
        for text in action.configuration.values():
            assert set(re.findall(r"#\{([^}]+)\}", text)) <= known, f"{action.stage}/{action.name}"
        if action.provider == "CodeBuild" and action.namespace:
            project = made.projects()[action.configuration["ProjectName"]]
            spec = read_buildspec((PROJECT / project["Source"]["BuildSpec"]).read_text(encoding="utf-8"))
            known |= {f"{action.namespace}.{each}" for each in spec.exported}


def test_the_limits_of_codepipeline_are_kept() -> None:
    for name in BOTH:
        for action in pipeline().actions(name):
            assert len(action.configuration.get("EnvironmentVariables", "")) <= 10_000
            assert len(action.configuration.get("CustomData", "")) <= 1_000
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", action.name)


# -- What starts a pipeline ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ("connection", {"FailedStagesRule"}),
        ("codecommit", {"FailedStagesRule", "CommitRule", "PullRequestRule"}),
        ("s3", {"FailedStagesRule", "ArchiveRule"}),
    ],
)
def test_events_start_releases_and_nothing_polls(source: str, rules: set[str]) -> None:
    made = pipeline(source)
    assert set(made.of_type("AWS::Events::Rule")) == rules
    triggers = made.resolver.properties("Pipeline").get("Triggers", [])
    for name in BOTH:
        configuration = made.actions(name)[0].configuration
        assert configuration["DetectChanges" if source == "connection" else "PollForSourceChanges"] == "false"
    if source == "connection":
        [trigger] = triggers
        assert trigger["GitConfiguration"]["Push"] == [{"Branches": {"Includes": ["main"]}}]
    else:
        assert triggers == []
        start = made.roles()["StartRole"]
        assert allowed_actions(start) == {"codepipeline:StartPipelineExecution"}
        assert may(start, "codepipeline:StartPipelineExecution", pipeline_arn(STACK))
        assert not may(start, "codepipeline:StartPipelineExecution", pipeline_arn(f"{STACK}-models"))


def pipeline_arn(name: str) -> str:
    return f"arn:aws:codepipeline:{REGION}:{TOOLS}:{name}"


@every_kind
def test_a_commit_starts_no_training_by_itself(source: str, accounts: str) -> None:
    """Only the step after production starts the pipeline of models, once for each line that is concerned."""
    made = pipeline(source, accounts)
    assert "Triggers" not in made.resolver.properties("ModelsPipeline")
    arn = pipeline_arn(f"{STACK}-models")
    starters = [
        name for name, role in made.roles().items() if may(role, "codepipeline:StartPipelineExecution", arn)
    ]
    assert starters == ["ExperimentsRole"]


def test_releases_supersede_each_other_and_trainings_do_not() -> None:
    made = pipeline()
    assert made.resolver.properties("Pipeline")["ExecutionMode"] == "SUPERSEDED"
    assert made.resolver.properties("ModelsPipeline")["ExecutionMode"] == "PARALLEL"


# -- Approval ------------------------------------------------------------------------------------------------


@every_kind
def test_production_changes_only_after_a_person_approved(source: str, accounts: str) -> None:
    made = pipeline(source, accounts)
    actions = made.actions("Pipeline")
    [approval] = [place for place, each in enumerate(actions) if each.category == "Approval"]
    for place, action in enumerate(actions):
        stack = action.configuration.get("StackName")
        if action.configuration.get("ActionMode") != "CHANGE_SET_REPLACE" and stack == "claimwatch":
            assert place > approval, f"{action.stage}/{action.name} runs before the approval"
    executors = [
        name
        for name, role in made.roles().items()
        if any(arn.endswith("role/claimwatch-production-pipeline") for arn in assumable(role))
    ]
    assert executors == ["PipelineRole"]


def test_people_approve_what_is_deployed() -> None:
    """The stage Production makes its own change set, so that it can be rolled back: of the same files."""
    shown, made = (
        action.configuration
        for action in pipeline().actions("Pipeline")
        if action.name == "ChangeSet" and action.stage != "Staging"
    )
    assert shown == made
    assert shown["TemplateConfiguration"] == "Release::production.json"


def test_a_failed_verification_brings_back_the_last_release() -> None:
    listed = pipeline().resolver.properties("Pipeline")["Stages"]
    rolled_back = [stage["Name"] for stage in listed if stage.get("OnFailure") == {"Result": "ROLLBACK"}]
    assert rolled_back == ["Production"]
    production = [each for each in pipeline().actions("Pipeline") if each.stage == "Production"]
    assert [each.name for each in production] == ["ChangeSet", "Deploy", "Verify"], "in one stage"
    assert [each.run_order for each in production] == [1, 2, 3]


@every_kind
def test_a_model_is_promoted_only_after_a_person_approved_and_by_a_role_that_cannot_train(
    source: str, accounts: str
) -> None:
    made = pipeline(source, accounts)
    names = [action.name for action in made.actions("ModelsPipeline")]
    assert names.index("Approval") < names.index("Promote")
    promoters = [
        name
        for name, role in made.roles().items()
        if any(arn.endswith("role/claimwatch-production-promotion") for arn in assumable(role))
    ]
    assert promoters == ["PromoteRole"]
    roles = deployment_roles("production", PRODUCTION, "claimwatch").roles()
    assert may(roles["PromotionRole"], "execute-api:Invoke", route("POST/v1/lines/motor/promotions"))
    assert not may(roles["PromotionRole"], "execute-api:Invoke", route("POST/v1/lines/motor/trainings"))
    for name in ("ModelsRole", "VerifyRole", "PipelineRole"):
        assert not may(roles[name], "execute-api:Invoke", route("POST/v1/lines/motor/promotions")), name


def route(path: str) -> str:
    return f"arn:aws:execute-api:{REGION}:{PRODUCTION}:an-api/$default/{path}"


# -- Rights of the steps -------------------------------------------------------------------------------------

DEPLOYS = [
    ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{REGION}:{TOOLS}:stack/claimwatch/1"),
    ("cloudformation:ExecuteChangeSet", f"arn:aws:cloudformation:{REGION}:{TOOLS}:stack/claimwatch/1"),
    ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{REGION}:{TOOLS}:stack/claimwatch-pipeline/1"),
    ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{TOOLS}:function:claimwatch-ScoreClaim-1"),
    ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{TOOLS}:project/{STACK}-package"),
    ("codebuild:UpdateProject", f"arn:aws:codebuild:{REGION}:{TOOLS}:project/{STACK}-package"),
    ("codepipeline:StartPipelineExecution", pipeline_arn(STACK)),
    ("codepipeline:PutApprovalResult", f"{pipeline_arn(STACK)}/Approve/Approval"),
    ("codepipeline:UpdatePipeline", pipeline_arn(STACK)),
    ("iam:PassRole", f"arn:aws:iam::{TOOLS}:role/claimwatch-production-cloudformation"),
    ("iam:PutRolePolicy", f"arn:aws:iam::{TOOLS}:role/{STACK}-check"),
    ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{TOOLS}:parameter/claimwatch/claimwatch/release"),
]
EXECUTED_BY_OTHERS = [
    f"{STACK}/Source/abc1234",
    f"{STACK}/Release/abc1234",
    f"{STACK}-models"[:20] + "/Source/abc1234",
    "packages/0123456789abcdef",
    "packages/0123456789abcdef.template",
]


@every_kind
@pytest.mark.parametrize("name", ["CheckRole", "PullRequestRole"])
def test_a_check_can_neither_deploy_nor_reach_what_others_execute(
    source: str, accounts: str, name: str
) -> None:
    made = pipeline(source, accounts)
    role = made.roles()[name]
    assert assumable(role) == set()
    assert trusted(role) == {"codebuild.amazonaws.com"}
    for action, resource in DEPLOYS:
        assert not may(role, action, resource), action
    bucket = made.resolver({"Fn::GetAtt": ["ArtifactBucket", "Arn"]})
    for key in EXECUTED_BY_OTHERS:
        assert not may(role, "s3:PutObject", f"{bucket}/{key}"), key
        if "/Source/" not in key:
            assert not may(role, "s3:GetObject", f"{bucket}/{key}"), "artifacts of releases are not for it"
    assert not may(role, "s3:PutObject", f"arn:aws:s3:::{STACK}-sourcebucket-random/source.zip")
    services = {action.partition(":")[0] for action in allowed_actions(role)}
    assert services <= {
        "logs",
        "codebuild",
        "s3",
        "kms",
        "codeconnections",
        "codestar-connections",
        "codecommit",
    }
    assert {each for each in allowed_actions(role) if each.startswith("codebuild:")} == {
        "codebuild:BatchPutTestCases",
        "codebuild:CreateReport",
        "codebuild:CreateReportGroup",
        "codebuild:UpdateReport",
    }


@pytest.mark.parametrize("source", ["connection", "codecommit"])
def test_pull_requests_are_checked_like_commits_and_read_no_artifact(source: str) -> None:
    made = pipeline(source)
    check, pull_request = (made.projects()[f"{STACK}-{name}"] for name in ("check", "pull-request"))
    assert pull_request["Source"]["BuildSpec"] == check["Source"]["BuildSpec"]
    assert pull_request["Environment"] == check["Environment"]
    assert pull_request["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    actions = allowed_actions(made.roles()["PullRequestRole"])
    assert not {each for each in actions if each.startswith(("s3:", "kms:"))}


def test_the_result_of_a_check_is_shown_on_the_pull_request_of_a_connection() -> None:
    for provider in ("GITHUB", "GITLAB", "BITBUCKET"):
        project = pipeline("connection", ConnectionProvider=provider).projects()[f"{STACK}-pull-request"]
        assert project["Source"]["ReportBuildStatus"] is True
        assert project["Source"]["Type"] == provider
        assert project["Source"]["Auth"]["Type"] == "CODECONNECTIONS"
        [group] = project["Triggers"]["FilterGroups"]
        assert {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"} in group
        assert "PUSH" not in str(group)


@pytest.mark.parametrize("provider", ["GITHUB", "GITLAB", "BITBUCKET"])
def test_what_strangers_propose_is_built_only_after_somebody_who_may_write_allows_it(provider: str) -> None:
    project = pipeline("connection", ConnectionProvider=provider).projects()[f"{STACK}-pull-request"]
    policy = project["Triggers"]["PullRequestBuildPolicy"]
    assert policy["RequiresCommentApproval"] == "ALL_PULL_REQUESTS"
    roles = policy["ApproverRoles"]
    assert f"{provider}_OWNER" in roles or f"{provider}_ADMIN" in roles
    assert all(role.startswith(provider) for role in roles)
    assert not [role for role in roles if role.endswith(("READ", "TRIAGE", "GUEST", "PLANNER", "REPORTER"))]


@every_kind
def test_every_step_has_its_own_role_and_log_group(source: str, accounts: str) -> None:
    made = pipeline(source, accounts)
    projects = [body for name, body in made.projects().items() if not name.endswith("-pull-request")]
    for what in ({body["ServiceRole"] for body in projects}, {logs(body) for body in projects}):
        assert len(what) == len(projects) == len(STEPS)
    for project in made.projects().values():
        role = made.role_named(project["ServiceRole"])
        group = f"arn:aws:logs:{REGION}:{TOOLS}:log-group:{logs(project)}:*"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            assert may(role, action, group)


def logs(project: Mapping[str, Any]) -> str:
    return str(project["LogsConfig"]["CloudWatchLogs"]["GroupName"])


def test_every_step_can_read_its_inputs_and_write_its_outputs_and_no_others() -> None:
    made = pipeline()
    bucket = made.resolver({"Fn::GetAtt": ["ArtifactBucket", "Arn"]})
    names = {"Source", "Release", "Reports", "Smoke", "Review", "Verify"}
    for action in builds():
        role = made.role_named(made.projects()[action.configuration["ProjectName"]]["ServiceRole"])
        read = {each for each in names if may(role, "s3:GetObject", f"{bucket}/{STACK[:20]}/{each}/abc1234")}
        written = {each for each in names if may(role, "s3:PutObject", f"{bucket}/{STACK[:20]}/{each}/abc")}
        assert read == set(action.inputs), action.name
        assert written == set(action.outputs), action.name


@every_kind
def test_every_role_is_assumed_only_by_the_step_that_it_is_for_and_admits_it(
    source: str, accounts: str
) -> None:
    made = pipeline(source, accounts)
    tried = {
        (f"arn:aws:iam::{TOOLS}:role/{role['RoleName']}", arn)
        for role in made.roles().values()
        for arn in assumable(role)
    }
    elsewhere = made.resolver.exists
    staging = TOOLS if elsewhere("StagingRoles") else STAGING
    production = TOOLS if elsewhere("ProductionRoles") else PRODUCTION
    admitted = {
        (principal, f"arn:aws:iam::{account}:role/{role['RoleName']}")
        for stage, account, stack in (
            ("staging", staging, "claimwatch-staging"),
            ("production", production, "claimwatch"),
        )
        for role in deployment_roles(stage, account, stack).roles().values()
        for principal in trusted(role)
        if principal != "cloudformation.amazonaws.com"
    }
    assert {principal for principal, _ in admitted} >= {principal for principal, _ in tried}
    assert tried <= admitted
    # Staging's verification role also admits the steps of production by name: they do not try.
    assert {arn for _, arn in admitted} == {arn for _, arn in tried}


@every_kind
def test_every_project_is_given_the_role_that_it_may_assume(source: str, accounts: str) -> None:
    made = pipeline(source, accounts)
    for name, project in made.projects().items():
        given = {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}
        role = made.role_named(project["ServiceRole"])
        assert assumable(role) == ({given["TARGET_ROLE_ARN"]} if "TARGET_ROLE_ARN" in given else set()), name
        if "STAGE" in given:
            assert f"role/claimwatch-{given['STAGE']}-" in given["TARGET_ROLE_ARN"]
            expected = {"staging": "claimwatch-staging", "production": "claimwatch"}
            assert given["STACK_NAME"] == expected[given["STAGE"]]


def test_the_actions_of_a_stage_use_the_roles_of_its_account() -> None:
    made = pipeline("s3", "three accounts")
    for action in made.actions("Pipeline"):
        if action.provider == "CloudFormation":
            stack = action.configuration["StackName"]
            account = STAGING if stack == "claimwatch-staging" else PRODUCTION
            assert action.role.startswith(f"arn:aws:iam::{account}:role/claimwatch-")
            assert action.role in assumable(made.roles()["PipelineRole"])
            if "RoleArn" in action.configuration:
                assert action.configuration["RoleArn"] == action.role.replace("-pipeline", "-cloudformation")


# -- Rights in the accounts of the stages --------------------------------------------------------------------


def test_roles_of_staging_and_production_have_nothing_in_common() -> None:
    staging = deployment_roles("staging", TOOLS, "claimwatch-staging").roles()
    production = deployment_roles("production", TOOLS, "claimwatch").roles()
    assert not {each["RoleName"] for each in staging.values()} & {
        each["RoleName"] for each in production.values()
    }
    assert set(production) - set(staging) == {"ModelsRole", "PromotionRole"}


UNNAMED = {
    "apigateway": "an API is known by a generated id",
    "cloudfront": "a distribution and its policies are known by generated ids",
    "cognito-idp": "a user pool is known by a generated id",
    "execute-api": "an API is known by a generated id",
    "states": "CloudFormation names state machines by their logical id",
    "lambda": "layers and mappings of events are known by their logical or generated ids",
    "ec2": "networks are known by generated ids",
    "kms": "the account's own keys, through RDS and Secrets Manager only",
    "secretsmanager": "CloudFormation names secrets by their logical id",
    "cloudwatch": "dashboards; alarms for reading",
    "codedeploy": "configurations of AWS for shifting traffic",
    "rds": "snapshots are known by generated names",
    "logs": "deliveries and resource policies have no resource",
    "ssm": "parameters of AWS with images",
    "iam": "roles that AWS services own",
    "s3": "artifacts of releases, for reading",
    "cloudformation": "the transform of serverless resources",
}
"""Services in which staging and production of one account cannot be told apart by names. Use two accounts."""


def test_roles_of_staging_name_only_what_staging_has_except_where_names_are_generated() -> None:
    for role in deployment_roles("staging", TOOLS, "claimwatch-staging").roles().values():
        for statement in statements(role):
            if statement["Effect"] == "Deny":
                continue
            for resource in as_list(statement["Resource"]):
                service = as_list(statement["Action"])[0].partition(":")[0]
                assert "claimwatch-staging" in resource or service in UNNAMED, resource


@pytest.mark.parametrize("name", ["LandingBucket", "ArtifactBucket", "AuditBucket"])
def test_no_role_of_staging_reaches_data_of_production_in_the_same_account(name: str) -> None:
    bucket = f"arn:aws:s3:::claimwatch-{name.lower()}-random"
    for role in deployment_roles("staging", TOOLS, "claimwatch-staging").roles().values():
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteBucket"):
            assert not may(role, action, f"{bucket}/claims/motor/a.csv")
        for function in ("ScoreClaim", "CaseApi"):
            arn = f"arn:aws:lambda:{REGION}:{TOOLS}:function:claimwatch-{function}-random"
            assert not may(role, "lambda:UpdateFunctionCode", arn)


def test_verification_changes_nothing_but_the_line_of_the_smoke_test() -> None:
    role = deployment_roles("production", PRODUCTION, "claimwatch").roles()["VerifyRole"]
    objects = [
        (action, resource)
        for each in statements(role)
        for action in as_list(each["Action"])
        for resource in as_list(each["Resource"])
        if action.startswith("s3:") and "List" not in action
    ]
    assert all("/smoke" in resource for _, resource in objects), objects
    assert not may(role, "s3:GetObject", "arn:aws:s3:::claimwatch-landingbucket-random/claims/motor/a.csv")
    assert not may(role, "execute-api:Invoke", route("GET/v1/lines/motor/claims/1"))
    assert not may(role, "execute-api:Invoke", route("POST/v1/lines/motor/trainings"))
    prefixes = {action.partition(":")[2] for action in allowed_actions(role)}
    read_only = ("Describe", "List", "Get", "Invoke")
    assert {each for each in prefixes if not each.startswith(read_only)} == {
        "PutObject",
        "DeleteObjectVersion",
        "AdminCreateUser",
        "AdminAddUserToGroup",
    }


def test_who_deploys_cannot_change_the_roles_of_pipelines() -> None:
    """The prefix of a stack called claimwatch includes the names of all these roles."""
    for stage, stack in (("staging", "claimwatch-staging"), ("production", "claimwatch")):
        made = deployment_roles(stage, TOOLS, stack).roles()
        protected = [role["RoleName"] for role in made.values()]
        protected += [role["RoleName"] for role in pipeline().roles().values() if "RoleName" in role]
        for name in protected:
            for action in (
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
                "iam:PassRole",
                "iam:DeleteRole",
            ):
                arn = f"arn:aws:iam::{TOOLS}:role/{name}"
                assert not may(made["CloudFormationRole"], action, arn), (action, name)


ID = "0a1b2c3d"
MADE_BY = {
    "AWS::ApiGatewayV2::Api": ("apigateway:POST", "arn:aws:apigateway:{region}::/apis"),
    "AWS::ApiGatewayV2::Authorizer": (
        "apigateway:POST",
        f"arn:aws:apigateway:{{region}}::/apis/{ID}/authorizers",
    ),
    "AWS::ApiGatewayV2::Integration": (
        "apigateway:POST",
        f"arn:aws:apigateway:{{region}}::/apis/{ID}/integrations",
    ),
    "AWS::ApiGatewayV2::Route": (
        "apigateway:PATCH",
        f"arn:aws:apigateway:{{region}}::/apis/{ID}/routes/{ID}",
    ),
    "AWS::ApiGatewayV2::Stage": ("apigateway:POST", f"arn:aws:apigateway:{{region}}::/apis/{ID}/stages"),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:{own}:alarm:{named}"),
    "AWS::CloudWatch::CompositeAlarm": (
        "cloudwatch:PutCompositeAlarm",
        "arn:aws:cloudwatch:{own}:alarm:{named}",
    ),
    "AWS::CloudWatch::Dashboard": (
        "cloudwatch:PutDashboard",
        f"arn:aws:cloudwatch::{PRODUCTION}:dashboard/{ID}",
    ),
    "AWS::CodeDeploy::Application": (
        "codedeploy:CreateApplication",
        "arn:aws:codedeploy:{own}:application:{named}",
    ),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy:CreateDeploymentGroup",
        "arn:aws:codedeploy:{own}:deploymentgroup:{named}/{named}",
    ),
    # Their ids are generated, and they belong to no region.
    "AWS::CloudFront::Distribution": (
        "cloudfront:CreateDistribution",
        f"arn:aws:cloudfront::{PRODUCTION}:distribution/{ID}",
    ),
    "AWS::CloudFront::OriginAccessControl": (
        "cloudfront:CreateOriginAccessControl",
        f"arn:aws:cloudfront::{PRODUCTION}:origin-access-control/{ID}",
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": (
        "cloudfront:CreateResponseHeadersPolicy",
        f"arn:aws:cloudfront::{PRODUCTION}:response-headers-policy/{ID}",
    ),
    "AWS::Cognito::UserPool": ("cognito-idp:UpdateUserPool", f"arn:aws:cognito-idp:{{own}}:userpool/{ID}"),
    "AWS::Cognito::UserPoolClient": (
        "cognito-idp:CreateUserPoolClient",
        f"arn:aws:cognito-idp:{{own}}:userpool/{ID}",
    ),
    "AWS::Cognito::UserPoolDomain": (
        "cognito-idp:CreateUserPoolDomain",
        f"arn:aws:cognito-idp:{{own}}:userpool/{ID}",
    ),
    "AWS::Cognito::UserPoolGroup": ("cognito-idp:CreateGroup", f"arn:aws:cognito-idp:{{own}}:userpool/{ID}"),
    "AWS::EC2::EgressOnlyInternetGateway": ("ec2:CreateEgressOnlyInternetGateway", "*"),
    "AWS::EC2::LaunchTemplate": ("ec2:CreateLaunchTemplate", "*"),
    "AWS::EC2::Route": ("ec2:CreateRoute", "*"),
    "AWS::EC2::RouteTable": ("ec2:CreateRouteTable", "*"),
    "AWS::EC2::SecurityGroup": ("ec2:CreateSecurityGroup", "*"),
    "AWS::EC2::SecurityGroupEgress": ("ec2:AuthorizeSecurityGroupEgress", "*"),
    "AWS::EC2::SecurityGroupIngress": ("ec2:AuthorizeSecurityGroupIngress", "*"),
    "AWS::EC2::Subnet": ("ec2:CreateSubnet", "*"),
    "AWS::EC2::SubnetRouteTableAssociation": ("ec2:AssociateRouteTable", "*"),
    "AWS::EC2::VPC": ("ec2:CreateVpc", "*"),
    "AWS::EC2::VPCCidrBlock": ("ec2:AssociateVpcCidrBlock", "*"),
    "AWS::EC2::VPCEndpoint": ("ec2:CreateVpcEndpoint", "*"),
    "AWS::Events::EventBus": ("events:CreateEventBus", "arn:aws:events:{own}:event-bus/{stack}-requests"),
    "AWS::Events::Rule": ("events:PutRule", "arn:aws:events:{own}:rule/{named}"),
    "AWS::IAM::InstanceProfile": (
        "iam:CreateInstanceProfile",
        f"arn:aws:iam::{PRODUCTION}:instance-profile/{{named}}",
    ),
    "AWS::IAM::ManagedPolicy": ("iam:CreatePolicy", f"arn:aws:iam::{PRODUCTION}:policy/{{named}}"),
    "AWS::IAM::Policy": ("iam:PutRolePolicy", f"arn:aws:iam::{PRODUCTION}:role/{{named}}"),
    "AWS::IAM::Role": ("iam:CreateRole", f"arn:aws:iam::{PRODUCTION}:role/{{named}}"),
    "AWS::Lambda::Alias": ("lambda:CreateAlias", "arn:aws:lambda:{own}:function:{named}"),
    "AWS::Lambda::EventSourceMapping": ("lambda:CreateEventSourceMapping", "*"),
    "AWS::Lambda::Function": ("lambda:CreateFunction", "arn:aws:lambda:{own}:function:{named}"),
    "AWS::Lambda::LayerVersion": ("lambda:PublishLayerVersion", "arn:aws:lambda:{own}:layer:{logical}"),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "arn:aws:lambda:{own}:function:{named}"),
    "AWS::Lambda::Version": ("lambda:PublishVersion", "arn:aws:lambda:{own}:function:{named}"),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "arn:aws:logs:{own}:log-group:{named}"),
    "AWS::Logs::MetricFilter": ("logs:PutMetricFilter", "arn:aws:logs:{own}:log-group:{named}"),
    "AWS::RDS::DBCluster": ("rds:CreateDBCluster", "arn:aws:rds:{own}:cluster:{lower}"),
    "AWS::RDS::DBClusterParameterGroup": (
        "rds:CreateDBClusterParameterGroup",
        "arn:aws:rds:{own}:cluster-pg:{lower}",
    ),
    "AWS::RDS::DBInstance": ("rds:CreateDBInstance", "arn:aws:rds:{own}:db:{lower}"),
    "AWS::RDS::DBSubnetGroup": ("rds:CreateDBSubnetGroup", "arn:aws:rds:{own}:subgrp:{lower}"),
    "AWS::S3::Bucket": ("s3:CreateBucket", "arn:aws:s3:::{lower}"),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "arn:aws:s3:::{lower}"),
    "AWS::SNS::Subscription": ("sns:Subscribe", "arn:aws:sns:{own}:{named}"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "arn:aws:sns:{own}:{named}"),
    "AWS::SNS::TopicPolicy": ("sns:SetTopicAttributes", "arn:aws:sns:{own}:{named}"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "arn:aws:sqs:{own}:{named}"),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes", "arn:aws:sqs:{own}:{named}"),
    # CloudFormation's names of secrets and state machines do not begin with the stack's name.
    "AWS::SecretsManager::Secret": (
        "secretsmanager:CreateSecret",
        "arn:aws:secretsmanager:{own}:secret:{logical}-1A",
    ),
    "AWS::SecretsManager::SecretTargetAttachment": (
        "secretsmanager:PutSecretValue",
        "arn:aws:secretsmanager:{own}:secret:DatabaseSecret-1A",
    ),
    "AWS::Scheduler::ScheduleGroup": (
        "scheduler:CreateScheduleGroup",
        "arn:aws:scheduler:{own}:schedule-group/{named}",
    ),
    "AWS::StepFunctions::StateMachine": (
        "states:CreateStateMachine",
        "arn:aws:states:{own}:stateMachine:{logical}-1A",
    ),
}
"""The action that makes a resource of each type, and on what; names as CloudFormation generates them."""

OPTIONS = {
    "everything": {
        "AlertEmail": "a@example.com",
        "MonitoringDashboard": "true",
        "TrainingSchedule": "rate(30 days)",
        "ScoringWarmth": "provisioned",
        "GradualDeployment": "true",
        "SourceNetwork": "10.20.0.0/16",
    },
    "nothing": {},
    "given database": {"DatabaseSecretArn": f"arn:aws:secretsmanager:{REGION}:{PRODUCTION}:secret:database"},
}


@pytest.mark.parametrize("options", list(OPTIONS.values()), ids=list(OPTIONS))
def test_the_service_role_can_make_every_resource_of_the_application(options: dict[str, str]) -> None:
    role = deployment_roles("production", PRODUCTION, "claimwatch").roles()["CloudFormationRole"]
    for name, body in deployed_resources(**options).items():
        kind = body["Type"]
        if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
            kind = "AWS::Lambda::Function"  # which CloudFormation invokes through SNS or Lambda
        action, arn = MADE_BY[kind]
        for resource in names_of(name, body, arn):
            assert may(role, action, resource), f"{name}: {action} on {resource}"


def names_of(logical: str, body: Mapping[str, Any], arn: str) -> Iterator[str]:
    """Yield the ARN of a resource with the name that the template or CloudFormation gives it."""
    own, stack = f"{REGION}:{PRODUCTION}", "claimwatch"
    given = next(
        (
            body["Properties"][key]
            for key in ("LogGroupName", "FunctionName", "Name")
            if isinstance(body.get("Properties", {}).get(key), dict) and "Fn::Sub" in body["Properties"][key]
        ),
        None,
    )
    named = f"{stack}-{logical}-1A2B3C"
    if given:
        named = re.sub(r"\$\{AWS::StackName\}", stack, str(as_list(given["Fn::Sub"])[0]))
    yield arn.format(
        region=REGION,
        own=own,
        stack=stack,
        named=named,
        lower=f"{stack}-{logical}-1a2b".lower(),
        logical=logical,
    )


def test_the_service_role_has_no_right_in_a_service_that_the_application_does_not_use() -> None:
    role = deployment_roles("production", PRODUCTION, "claimwatch").roles()["CloudFormationRole"]
    used = {action.partition(":")[0] for action, _ in MADE_BY.values()}
    more = {
        "cloudformation": "expands the transform",
        "kms": "decrypts packages, and lets RDS and Secrets Manager use the account's keys",
        "ssm": "reads the id of the image for trainings",
    }
    assert {each.partition(":")[0] for each in allowed_actions(role)} == used | set(more)
    present = {
        body["Type"] for options in OPTIONS.values() for body in deployed_resources(**options).values()
    }
    optional = {"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
    absent = {kind.split("::")[1] for kind in set(MADE_BY) - present - optional}
    assert absent <= {kind.split("::")[1] for kind in present}, "remove the service from the role, and here"


def test_the_service_role_passes_roles_only_to_services_that_the_application_uses() -> None:
    [passing] = [
        each
        for each in statements(
            deployment_roles("production", PRODUCTION, "claimwatch").roles()["CloudFormationRole"]
        )
        if "iam:PassRole" in as_list(each["Action"])
    ]
    trusting = {
        service
        for body in deployed_resources(**OPTIONS["everything"]).values()
        if body["Type"] == "AWS::IAM::Role"
        for statement in body["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for service in as_list(statement["Principal"]["Service"])
    }
    # CodeDeploy shifts traffic with a role that SAM adds for functions with a DeploymentPreference.
    expected = trusting | {"codedeploy.amazonaws.com"}
    assert set(passing["Condition"]["StringEquals"]["iam:PassedToService"]) == expected


# -- Wildcards -----------------------------------------------------------------------------------------------

WHOLE_SERVICE = "CloudFormation calls other actions with each version of a resource type; names bound them"
WILDCARD_ACTIONS = {
    **{
        ("CloudFormationRole", each): WHOLE_SERVICE
        for each in (
            "cloudwatch:*",
            "codedeploy:*",
            "cloudfront:*",
            "cognito-idp:*",
            "events:*",
            "lambda:*",
            "logs:*",
            "rds:*",
            "s3:*",
            "scheduler:*",
            "secretsmanager:*",
            "sns:*",
            "sqs:*",
            "states:*",
        )
    },
}
WILDCARD_RESOURCES = {
    ("CloudFormationRole", "DeliveredLogs"): "these actions have no resource",
    ("CloudFormationRole", "DescribeDatabases"): "describing has no resource",
    ("CloudFormationRole", "DescribeNetworks"): "describing has no resource",
    ("CloudFormationRole", "EventSources"): "the ids of mappings are generated",
    ("CloudFormationRole", "Network"): "the ids of networks are generated; only this region",
    ("CloudFormationRole", "NewPasswords"): "GetRandomPassword has no resource",
    ("CloudFormationRole", "NewUserPools"): "these actions have no resource",
    ("VerifyRole", "SeeAlarms"): "CloudWatch shows composite alarms only to this scope; reading only",
}


def every_role() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for source, accounts in KINDS:
        yield from pipeline(source, accounts).roles().items()
    yield from deployment_roles("staging", STAGING, "claimwatch-staging").roles().items()
    yield from deployment_roles("production", PRODUCTION, "claimwatch").roles().items()


def test_no_role_has_a_wildcard_that_is_not_listed_with_its_reason() -> None:
    actions, everywhere = set(), set()
    for name, role in every_role():
        for statement in statements(role):
            if statement["Effect"] == "Deny":
                continue
            assert not {"NotAction", "NotResource"} & statement.keys()
            actions |= {(name, each) for each in as_list(statement["Action"]) if "*" in each}
            if "*" in as_list(statement["Resource"]):
                everywhere.add((name, statement["Sid"]))
        assert "ManagedPolicyArns" not in role, "managed policies change without us"
    assert actions == set(WILDCARD_ACTIONS)
    assert everywhere == set(WILDCARD_RESOURCES)


# -- Artifacts, logs, notifications --------------------------------------------------------------------------


@every_kind
def test_artifacts_are_encrypted_with_our_key_and_expire(source: str, accounts: str) -> None:
    made = pipeline(source, accounts)
    key = made.resolver({"Fn::GetAtt": ["ArtifactKey", "Arn"]})
    for name in BOTH:
        store = made.resolver.properties(name)["ArtifactStore"]
        assert store["EncryptionKey"] == {"Type": "KMS", "Id": key}
    for project in made.projects().values():
        assert project["EncryptionKey"] == key
    buckets = made.of_type("AWS::S3::Bucket")
    assert set(buckets) == {"ArtifactBucket"} | ({"SourceBucket"} if source == "s3" else set())
    for name, bucket in buckets.items():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(
            "NoncurrentVersionExpiration" in each for each in bucket["LifecycleConfiguration"]["Rules"]
        )
        policy = made.resolver.properties(f"{name}Policy")["PolicyDocument"]
        assert tls_only(policy)
    assert made.resolver.properties("ArtifactKey")["EnableKeyRotation"] is True


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_only_the_roles_that_deploy_read_artifacts_from_another_account(stage: str) -> None:
    made = pipeline("s3", "three accounts")
    account = {"staging": STAGING, "production": PRODUCTION}[stage]
    deploying = [
        f"arn:aws:iam::{account}:role/claimwatch-{stage}-{each}" for each in ("pipeline", "cloudformation")
    ]
    bucket = made.resolver.properties("ArtifactBucketPolicy")["PolicyDocument"]["Statement"]
    key = made.resolver.properties("ArtifactKey")["KeyPolicy"]["Statement"]
    for documents, actions in (
        (bucket, {"s3:GetObject", "s3:GetObjectVersion"}),
        (key, {"kms:Decrypt", "kms:DescribeKey"}),
    ):
        [statement] = [each for each in documents if account in str(each["Principal"])]
        assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": deploying}}
        assert set(statement["Action"]) == actions
        assert "/Source/" not in str(statement["Resource"])


def test_logs_expire_and_builds_end() -> None:
    for source, accounts in KINDS:
        made = pipeline(source, accounts)
        groups = made.of_type("AWS::Logs::LogGroup")
        assert {logs(each) for each in made.projects().values()} == {
            each["LogGroupName"] for each in groups.values()
        }
        for group in groups.values():
            assert 1 <= int(group["RetentionInDays"]) <= 3653
        for name, project in made.projects().items():
            assert 0 < project["TimeoutInMinutes"] <= 480, name
            assert 0 < project["QueuedTimeoutInMinutes"] <= 480
            assert not project["Environment"].get("PrivilegedMode", False)
            assert project.get("Visibility", "PRIVATE") == "PRIVATE"


def test_notifications_are_encrypted_and_say_only_which_execution_failed_or_waits() -> None:
    made = pipeline(NotificationEmail="a@example.com")
    assert made.resolver.properties("Notifications")["KmsMasterKeyId"] == "ArtifactKey"
    assert tls_only(made.resolver.properties("NotificationsPolicy")["PolicyDocument"])
    rule = made.resolver.properties("FailedStagesRule")
    assert rule["EventPattern"]["detail"]["pipeline"] == [STACK, f"{STACK}-models"]
    [target] = rule["Targets"]
    shown = target["InputTransformer"]
    assert set(shown["InputPathsMap"].values()) == {
        "$.detail.pipeline",
        "$.detail.stage",
        "$.detail.execution-id",
    }
    waiting = [
        action.configuration["NotificationArn"]
        for name in BOTH
        for action in made.actions(name)
        if action.category == "Approval"
    ]
    topic = made.resolver({"Ref": "Notifications"})
    assert waiting == [topic, topic]
    for name in ("PipelineRole", "ModelsPipelineRole"):
        role = made.roles()[name]
        assert may(role, "sns:Publish", topic)
        assert may(role, "kms:GenerateDataKey", made.resolver({"Fn::GetAtt": ["ArtifactKey", "Arn"]}))
    assert made.resolver.exists("NotificationsByEmail")
    assert not pipeline().resolver.exists("NotificationsByEmail")


# -- Names and parameters ------------------------------------------------------------------------------------


def test_names_fit_for_the_longest_names_of_stacks() -> None:
    longest = "c" * 40
    assert re.fullmatch(
        template("deployment-roles.yaml")["Parameters"]["PipelineStackName"]["AllowedPattern"], longest
    )
    for name, role in every_role():
        named = str(role.get("RoleName", "")).replace(STACK, longest)
        assert len(named) <= 64, name


@pytest.mark.parametrize(
    ("file", "parameter"),
    [
        ("pipeline.yaml", "StagingStackName"),
        ("pipeline.yaml", "ProductionStackName"),
        ("deployment-roles.yaml", "StackName"),
    ],
)
def test_stacks_have_names_that_cloudformation_neither_folds_nor_cuts(file: str, parameter: str) -> None:
    """The roles name resources by the stack's name, so that their names must begin with all of it.

    Names of buckets and databases are in lower case; CloudFormation cuts long names of stacks in the names
    of roles and functions.
    """
    pattern = template(file)["Parameters"][parameter]["AllowedPattern"]
    for name in ("claimwatch", "claimwatch-staging", "claimwatch-production", "c" * 23):
        assert re.fullmatch(pattern, name), name
    for name in ("Claimwatch", "c" * 24, "1claimwatch", "claim_watch", ""):
        assert not re.fullmatch(pattern, name), name


def test_rules_refuse_a_source_without_what_it_needs() -> None:
    rules = template("pipeline.yaml")["Rules"]
    required = {
        name: {str(each["Assert"]["Fn::Not"][0]["Fn::Equals"][0]["Ref"]) for each in rule["Assertions"]}
        for name, rule in rules.items()
    }
    assert required == {
        "ConnectionIsComplete": {"ConnectionArn", "Repository"},
        "CodeCommitIsComplete": {"Repository"},
    }


@every_kind
def test_stages_in_this_account_bring_their_roles_along(source: str, accounts: str) -> None:
    made: Resources = pipeline(source, accounts)
    nested = made.of_type("AWS::CloudFormation::Stack")
    here = {
        "StagingRoles": "staging" not in accounts and "three" not in accounts,
        "ProductionRoles": "production" not in accounts and "three" not in accounts,
    }
    assert set(nested) == {name for name, present in here.items() if present}
    declared = template("deployment-roles.yaml")["Parameters"]
    for stack in nested.values():
        assert stack["TemplateURL"] == "deployment-roles.yaml"
        given = stack["Parameters"]
        assert set(given) <= set(declared)
        assert {name for name, body in declared.items() if "Default" not in body} <= set(given)
        assert given["PipelineStackName"] == STACK


def test_every_output_and_every_condition_is_used() -> None:
    for file in ("pipeline.yaml", "deployment-roles.yaml"):
        parsed = template(file)
        used = set(re.findall(r"'(?:Condition|Fn::If)': (?:\['|')(\w+)'", str(parsed)))
        for name in parsed["Conditions"]:
            assert name in used, f"{file}: condition {name}"
        parameters = set(parsed["Parameters"])
        text = str({key: value for key, value in parsed.items() if key not in ("Parameters", "Metadata")})
        for name in parameters:
            assert re.search(rf"'Ref': '{name}'|\$\{{{name}\}}", text), f"{file}: parameter {name}"
    outputs = template("pipeline.yaml")["Outputs"]
    assert set(chain(outputs)) >= {"PipelineName", "ModelsPipelineName", "ArtifactBucket", "ArtifactKeyArn"}
