"""Least privilege by action and resource; encryption everywhere; nothing public."""

import re
from fnmatch import fnmatchcase

import pytest

from tests.template.application import (
    BUCKETS,
    FUNCTIONS,
    GLOBALS,
    MACHINES,
    RESOURCES,
    as_list,
    deployed_resources,
    of_type,
    policies,
    statements_of,
    tls_only,
    unconditional,
)

GIVEN_DATABASE = {"DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:given"}
GIVEN_NETWORK = GIVEN_DATABASE | {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
BUCKET_POLICIES = of_type("AWS::S3::BucketPolicy")
TRAINING_ROLE = of_type("AWS::IAM::Role")["TrainingRole"]
OF_PEOPLE = set(of_type("AWS::IAM::ManagedPolicy"))
"""Policies that the stack offers to identities outside of it; test_people.py tests them."""

# These actions support no resource-level permissions.
WITHOUT_RESOURCE = {
    ("ClaimsPipeline", "DeliverLogs"),
    ("ScoreClaims", "DeliverLogs"),
    ("PullSource", "DeliverLogs"),
    ("StartTraining", "DescribeInstances"),
    ("WatchTrainings", "DescribeInstances"),
    ("RunCheck", "ReadMetrics"),
    ("RunCheck", "PublishMetrics"),
}

# All actions that each function may perform, so that every new permission shows up in review.
ALLOWED = {
    "StartPipeline": {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "ssm:GetParameter",
        "sns:Publish",
        "states:StartExecution",
    },
    "InspectFile": {
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "ssm:GetParameter",
        "sns:Publish",
    },
    "LoadChunk": {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
    },
    "CommitFile": {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "ssm:GetParameter",
        "sns:Publish",
    },
    "RecordFailure": {"ssm:GetParameter", "sns:Publish"},
    "ProcessImage": {"s3:GetObject", "s3:GetObjectVersion", "ssm:GetParameter"},
    "ApplyContract": {
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "ssm:DeleteParameters",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "ssm:PutParameter",
        "sns:Publish",
        "states:StartExecution",
    },
    "PublishContract": {
        "s3:AbortMultipartUpload",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "sqs:SendMessage",
    },
    "PlanScoring": {"ssm:GetParameter", "sns:Publish"},
    "ScoreChunk": {"s3:GetObject", "s3:ListBucket", "ssm:GetParameter", "sns:Publish"},
    "RecordUnscored": {"ssm:GetParameter", "sns:Publish"},
    "RecordScores": {"sqs:SendMessage", "ssm:GetParameter"},
    "ScoreClaim": {
        "s3:GetObject",
        "s3:ListBucket",
        "sqs:SendMessage",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
    },
    "ReceiveClaims": {
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "sqs:SendMessage",
        "ssm:GetParameters",
    },
    "StartTraining": {
        "ec2:CreateTags",
        "ec2:DescribeInstances",
        "ec2:RunInstances",
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "ssm:GetParameter",
        "sns:Publish",
        "ssm:GetParameters",
    },
    "WatchTrainings": {
        "ec2:DescribeInstances",
        "ec2:TerminateInstances",
        "ssm:GetParameter",
        "sns:Publish",
    },
    "PromoteModel": {
        "s3:GetObject",
        "s3:ListBucket",
        "ssm:DeleteParameters",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "ssm:PutParameter",
        "states:StartExecution",
    },
    "ApproveException": {"ssm:GetParameter"},
    "CaseApi": {
        "events:PutEvents",
        "lambda:InvokeFunction",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "ssm:GetParameter",
        "sqs:SendMessage",
    },
    "PublishDecisions": {"s3:ListBucketVersions", "s3:PutObject", "ssm:GetParameter", "sqs:SendMessage"},
    "PublishTraining": {"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:PutObject"},
    "PlanEvaluation": {"ssm:GetParameter", "sqs:SendMessage"},
    "RunCheck": {
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:PutMetricData",
        "events:PutEvents",
        "logs:FilterLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "ssm:GetParameter",
        "sns:Publish",
        "sqs:GetQueueAttributes",
    },
    "SealAudit": {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "ssm:GetParameter",
        "sns:Publish",
        "sqs:SendMessage",
    },
    "PublishDesk": {"s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"},
    "CheckScores": {
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "lambda:GetAlias",
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
    },
    "CheckCaseApi": {
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
    },
    "MigrateSchema": {"secretsmanager:GetSecretValue", "ssm:DeleteParameters", "ssm:PutParameter"},
    "ApplySource": {
        "iam:PassRole",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "scheduler:UpdateSchedule",
        "ssm:GetParameter",
        "sns:Publish",
    },
    "PlanPull": {"secretsmanager:GetSecretValue", "sns:Publish", "ssm:GetParameter"},
    "ExtractWindow": {
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
    },
    "CommitWindow": {"s3:ListBucketVersions", "sns:Publish", "ssm:GetParameter"},
    "RecordPullFailure": {"sns:Publish", "ssm:GetParameter"},
    "WatchSource": {"sns:Publish", "ssm:GetParameter"},
    "CheckSource": {"secretsmanager:GetSecretValue"},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_exactly_the_listed_permissions(name: str) -> None:
    granted = {
        action
        for statement in statements_of(FUNCTIONS[name])
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
    assert granted == ALLOWED[name]


def test_no_permission_uses_wildcards() -> None:
    for name, statement in policies():
        if statement["Effect"] == "Deny" or (name, statement["Sid"]) in WITHOUT_RESOURCE:
            continue
        assert not any("*" in action for action in as_list(statement["Action"])), (name, statement["Sid"])
        assert "*" not in as_list(statement["Resource"]), (name, statement["Sid"])


def test_a_queue_consumer_is_denied_all_other_queues() -> None:
    """SAM attaches a policy for all queues of the account to every consumer."""
    consumers = {
        name: event["Properties"]["Queue"]
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    denied = {
        name: as_list(statement["NotResource"])
        for name, statement in policies()
        if statement["Sid"] == "NoOtherQueue"
    }
    # It sends requests to this queue, and may do nothing else with it.
    seals = {"Fn::GetAtt": ["SealQueue", "Arn"]}
    assert denied == {name: [queue] for name, queue in consumers.items()} | {
        "RecordScores": [consumers["RecordScores"], seals]
    }
    [only_send] = [s for s in statements_of(FUNCTIONS["RecordScores"]) if s["Sid"] == "OnlyRequestSeals"]
    assert (only_send["Effect"], only_send["Resource"]) == ("Deny", seals)
    granted_by_sam = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    assert granted_by_sam <= set(only_send["Action"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_code_of_a_function_may_not_use_its_permissions_for_network_interfaces(name: str) -> None:
    """SAM attaches AWSLambdaVPCAccessExecutionRole, which Lambda needs and the code does not."""
    [denied] = [s for s in statements_of(FUNCTIONS[name]) if s["Sid"] == "NoNetworkInterfaces"]
    assert (denied["Effect"], denied["Resource"]) == ("Deny", "*")
    granted_by_aws = {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    }
    assert all(any(fnmatchcase(action, pattern) for pattern in denied["Action"]) for action in granted_by_aws)
    # Without this condition, Lambda could not connect the function to its network.
    assert denied["Condition"] == {
        "ArnLike": {
            "lambda:SourceFunctionArn": {
                "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"
            }
        }
    }


def test_every_statement_has_a_sid() -> None:
    assert all(statement["Sid"] for _, statement in policies())


def test_only_functions_that_hash_rows_can_read_the_personal_data_key() -> None:
    key = {"Fn::GetAtt": ["PersonalDataKey", "Id"]}
    readers = {name for name, statement in policies() if key in as_list(statement.get("Resource", []))}
    assert readers == {"LoadChunk", "ExtractWindow"}


def test_metrics_are_published_only_in_the_application_namespace() -> None:
    [put] = [s for s in statements_of(FUNCTIONS["RunCheck"]) if s["Sid"] == "PublishMetrics"]
    assert put["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Claimwatch"}}


def test_run_check_receives_only_from_its_queue_and_counts_only_dead_letter_queues() -> None:
    statements = {statement["Sid"]: statement for statement in statements_of(FUNCTIONS["RunCheck"])}
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage"} <= set(statements["NoOtherQueue"]["Action"])
    assert statements["CountNoOtherQueue"]["Action"] == "sqs:GetQueueAttributes"
    own = {"Fn::GetAtt": ["EvaluationQueue", "Arn"]}
    counted = statements["CountDeadLetters"]["Resource"]
    assert statements["CountNoOtherQueue"]["NotResource"] == [own, *counted]
    assert {"Fn::GetAtt": ["EvaluationDeadLetters", "Arn"]} in counted


def test_only_functions_whose_work_it_is_write_to_a_bucket() -> None:
    writers = {
        name
        for name, statement in policies()
        if statement["Effect"] == "Allow" and "s3:PutObject" in as_list(statement["Action"])
    } - OF_PEOPLE
    assert writers == {
        "ApplyContract",
        "CheckScores",
        "ClaimsStreamRole",
        "ExtractWindow",
        "InspectFile",
        "PublishContract",
        "PublishDecisions",
        "PublishDesk",
        "PublishTraining",
        "ReceiveClaims",
        "RunCheck",
        "SealAudit",
        "TrainingRole",
    }


def test_the_instance_role_may_only_train() -> None:
    [policy] = TRAINING_ROLE["Policies"]
    allowed = {
        statement["Sid"]: set(as_list(statement["Action"]))
        for statement in policy["PolicyDocument"]["Statement"]
    }
    assert allowed == {
        "ReadLogin": {"ssm:GetParameter"},
        "FetchCode": {"s3:GetObject"},
        "StoreResults": {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
        "ListResults": {"s3:ListBucket"},
        "SendAlerts": {"sns:Publish"},
    }
    for statement in policy["PolicyDocument"]["Statement"]:
        assert "*" not in as_list(statement["Resource"]), statement["Sid"]
        assert "LandingBucket" not in str(statement["Resource"]), statement["Sid"]


def test_the_instance_requires_imdsv2_terminates_on_shutdown_and_accepts_no_connections() -> None:
    launch = RESOURCES["TrainingTemplate"]["Properties"]["LaunchTemplateData"]
    assert launch["MetadataOptions"]["HttpTokens"] == "required"
    assert launch["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert "KeyName" not in launch
    assert launch["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    for group in of_type("AWS::EC2::SecurityGroup").values():
        for rule in group.get("SecurityGroupIngress", []):
            assert "SourceSecurityGroupId" in rule
    script = launch["UserData"]["Fn::Base64"]["Fn::Sub"][0]
    assert "trap 'shutdown -h now' EXIT" in script
    assert "sha256sum --check" in script


def test_only_instances_of_the_launch_template_are_started_and_terminated() -> None:
    statements = {statement["Sid"]: statement for _, statement in policies() if "Sid" in statement}
    template = "launch-template/${TrainingTemplate}"
    assert statements["UseLaunchTemplate"]["Resource"]["Fn::Sub"].endswith(template)
    condition = statements["OnlyFromLaunchTemplate"]["Condition"]
    [allowed] = condition["ArnEquals"].values()
    assert allowed["Fn::Sub"].endswith(template)
    # Neither another image or security group, nor another size.
    assert condition["Bool"] == {"ec2:IsLaunchTemplateResource": "true"}
    assert condition["StringEqualsIfExists"] == {"ec2:InstanceType": {"Ref": "TrainingInstanceType"}}
    assert statements["TerminateTrainings"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/claimwatch-template": {"Ref": "TrainingTemplate"}}
    }


def test_training_may_start_in_both_subnets_of_our_network_and_in_no_other() -> None:
    ours = deployed_resources()
    function = ours["StartTraining"]["Properties"]
    assert function["Environment"]["Variables"]["TRAINING_SUBNETS"] == {
        "Fn::Sub": "${PrivateSubnetA} ${PrivateSubnetB}"
    }
    documents = [policy["PolicyDocument"] for policy in ours["StartTrainingRole"]["Properties"]["Policies"]]
    allowed = [
        resource["Fn::Sub"].rsplit(":", 1)[-1]
        for document in documents
        for statement in document["Statement"]
        if statement["Action"] == "ec2:RunInstances"
        for resource in as_list(statement["Resource"])
        if ":subnet/" in resource["Fn::Sub"]
    ]
    assert allowed == ["subnet/${PrivateSubnetA}", "subnet/${PrivateSubnetB}"]


@pytest.mark.parametrize("given", [{}, GIVEN_NETWORK, GIVEN_DATABASE], ids=["own", "given", "none"])
def test_the_launch_template_fixes_the_security_group_and_no_subnet(given: dict[str, str]) -> None:
    """A subnet in a request and network interfaces in its template exclude each other."""
    launch = deployed_resources(**given)["TrainingTemplate"]["Properties"]["LaunchTemplateData"]
    assert launch["SecurityGroupIds"]
    assert not {"NetworkInterfaces", "SubnetId"} & launch.keys()


def test_only_the_service_linked_role_of_spot_may_be_created() -> None:
    [statement] = [s for s in statements_of(FUNCTIONS["StartTraining"]) if s["Sid"] == "CreateSpotRole"]
    assert statement["Resource"]["Fn::Sub"].endswith(
        ":role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    )
    assert statement["Condition"] == {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}


@pytest.mark.parametrize(
    ("name", "keys"),
    [("ReceiveClaims", "claims/*/api/*"), ("PublishDecisions", "outcomes/*/decisions/*")],
)
def test_a_function_that_drops_files_only_adds_new_ones_below_its_own_prefix(name: str, keys: str) -> None:
    [write] = [s for s in statements_of(FUNCTIONS[name]) if "s3:PutObject" in as_list(s["Action"])]
    assert write["Action"] == "s3:PutObject"
    assert write["Resource"] == {"Fn::Sub": f"${{LandingBucket.Arn}}/{keys}"}
    assert write["Condition"] == {"Null": {"s3:if-none-match": "false"}}


def test_nobody_but_the_function_that_publishes_decisions_writes_them() -> None:
    statements = map(unconditional, BUCKET_POLICIES["LandingBucketPolicy"]["PolicyDocument"]["Statement"])
    [only] = [each for each in statements if each["Sid"] == "OnlyPublishDecisionsWritesDecisions"]
    assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", "s3:PutObject")
    assert only["Resource"] == {"Fn::Sub": "${LandingBucket.Arn}/outcomes/*/decisions/*"}
    role = {"Fn::GetAtt": ["PublishDecisionsRole", "Arn"]}
    assert only["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role}}


def test_no_other_function_writes_to_the_landing_bucket() -> None:
    for name, statement in policies():
        writes = {
            ("ReceiveClaims", "StoreClaims"),
            ("PublishDecisions", "StoreDecisions"),
            ("ExtractWindow", "StoreWindows"),
        }
        if name in (*OF_PEOPLE, "ClaimsStreamRole") or (name, statement["Sid"]) in writes:
            continue
        if statement["Effect"] == "Allow" and "LandingBucket" in str(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= {
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListBucketVersions",
            }, name


@pytest.mark.parametrize(
    ("read", "find"), [("s3:GetObject", "s3:ListBucket"), ("s3:GetObjectVersion", "s3:ListBucketVersions")]
)
def test_whoever_reads_an_object_can_find_out_that_it_is_missing(read: str, find: str) -> None:
    """S3 answers 403 for what is missing, unless the caller may list the whole bucket: nobody may."""
    readable: dict[str, set[str]] = {}
    listable: dict[str, set[str]] = {}
    for name, statement in policies():
        if statement["Effect"] == "Deny":
            continue
        actions = as_list(statement["Action"])
        if name == "ExtractWindow":  # reads nothing: a conditional write needs the right to read its object
            continue
        if read in actions and (read != "s3:GetObject" or "s3:GetObjectVersion" not in actions):
            readable.setdefault(name, set()).update(
                re.sub(r"\*.+", "*", resource["Fn::Sub"].partition("/")[2])
                for resource in as_list(statement["Resource"])
            )
        if find in actions:
            if name == "PublishDesk":  # empties its bucket, so it may list all of it
                listable[name] = set(readable[name])
                continue
            if name == "ClaimsStreamRole":  # Firehose looks for its unfinished uploads, and reads nothing
                continue
            allowed = as_list(statement["Condition"]["StringLike"]["s3:prefix"])
            listable.setdefault(name, set()).update(allowed)
    # The event of a deletion settles a photo that is missing; ProcessImage may list nothing.
    readable.pop("ProcessImage", None)
    # A browser that asks CloudFront for a missing file gets 403, and needs no reason.
    readable.pop("DeskBucketPolicy", None)
    # User data fetches the code, which nothing deletes, with curl.
    readable.get("TrainingRole", set()).discard("code/*")
    assert len(readable) >= 5, "the test looks at nothing"
    for name, prefixes in readable.items():
        assert prefixes <= listable[name], name


@pytest.mark.parametrize("function", ["InspectFile", "LoadChunk", "CommitFile"])
def test_loading_reads_claims_and_outcomes_and_no_photos(function: str) -> None:
    read = [
        resource["Fn::Sub"]
        for statement in statements_of(FUNCTIONS[function])
        if "s3:GetObject" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if "LandingBucket" in str(resource)
    ]
    assert read == ["${LandingBucket.Arn}/claims/*", "${LandingBucket.Arn}/outcomes/*"]


def test_each_publisher_of_events_may_publish_only_its_own() -> None:
    published = {
        name: as_list(statement["Condition"]["StringEquals"]["events:detail-type"])
        for name, statement in policies()
        if "events:PutEvents" in as_list(statement["Action"])
    }
    assert published == {
        "ClaimsPipeline": ["ClaimsCommitted", "ClaimsScored"],
        "ScoreClaims": ["ClaimsScored"],
        "CaseApi": ["PromotionRequested"],
        "RunCheck": ["RetrainingAdvised"],
        "RequestTrainingsPolicy": ["TrainingRequested"],
    }
    assert all(
        statement["Condition"]["StringEquals"]["events:source"] == "claimwatch"
        for _, statement in policies()
        if "events:PutEvents" in as_list(statement["Action"])
    )


def test_publish_contract_writes_only_the_contract_of_its_line() -> None:
    [write] = [s for s in statements_of(FUNCTIONS["PublishContract"]) if s["Sid"] == "PublishContracts"]
    assert write["Resource"] == {"Fn::Sub": "${ArtifactBucket.Arn}/contracts/${SampleLine}.yaml"}


def test_only_alarms_of_this_stack_publish_to_the_topic() -> None:
    statements = {s["Sid"]: s for name, s in policies() if name == "AlertTopicPolicy"}
    [source] = statements["AllowAlarms"]["Condition"]["ArnLike"].values()
    assert source["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")
    named = {
        name
        for name, body in RESOURCES.items()
        if body["Type"].startswith("AWS::CloudWatch::") and "AlarmName" in body["Properties"]
    }
    assert not named  # CloudFormation gives an alarm without a name one that begins with that of the stack


def test_only_s3_of_this_stack_of_cloudformation_and_of_the_packages_passes_the_endpoint() -> None:
    statements = RESOURCES["S3Endpoint"]["Properties"]["PolicyDocument"]["Statement"]
    passing = {statement["Sid"]: statement for statement in statements}
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    assert set(passing) == {"OwnBuckets", "AnswersOfCustomResources", "PackagesOfTheInstance"}
    assert all(any(bucket in str(r) for bucket in BUCKETS) for r in passing["OwnBuckets"]["Resource"])
    # CloudFormation writes its region without hyphens.
    answers, values = passing["AnswersOfCustomResources"]["Resource"]["Fn::Sub"]
    assert answers.endswith(":::cloudformation-custom-resource-response-${Region}/*")
    assert values == {"Region": {"Fn::Join": ["", {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}}
    assert passing["AnswersOfCustomResources"]["Action"] == "s3:PutObject"
    assert passing["PackagesOfTheInstance"]["Action"] == "s3:GetObject"


def test_process_image_reads_only_landed_photos() -> None:
    read = [s for s in statements_of(FUNCTIONS["ProcessImage"]) if "s3:GetObject" in as_list(s["Action"])]
    assert [statement["Resource"] for statement in read] == [{"Fn::Sub": "${LandingBucket.Arn}/images/*"}]


def test_only_functions_that_start_executions_get_the_arn_of_the_state_machine() -> None:
    def starters(machine: str) -> set[str]:
        return {
            name
            for name, properties in FUNCTIONS.items()
            for statement in statements_of(properties)
            if "states:StartExecution" in as_list(statement["Action"])
            and statement["Resource"] == {"Ref": machine}
        }

    def configured(variable: str) -> set[str]:
        return {
            name
            for name, properties in FUNCTIONS.items()
            if variable in properties.get("Environment", {}).get("Variables", {})
        }

    assert (
        starters("ClaimsPipeline") == configured("CLAIMS_PIPELINE_ARN") == {"StartPipeline", "ApplyContract"}
    )
    assert starters("ScoreClaims") == configured("SCORE_CLAIMS_ARN") == {"PromoteModel"}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_encrypted_and_private(name: str) -> None:
    bucket = BUCKETS[name]
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("name", sorted(BUCKETS.keys() - {"DeskBucket"}))  # its files are part of a release
def test_a_bucket_is_versioned_and_retained(name: str) -> None:
    assert BUCKETS[name]["VersioningConfiguration"] == {"Status": "Enabled"}
    # tests/template/test_deletion.py says when it is deleted.
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_refuses_connections_without_tls(name: str) -> None:
    assert any(
        policy["Bucket"] == {"Ref": name} and tls_only(policy["PolicyDocument"])
        for policy in BUCKET_POLICIES.values()
    )


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_sends_events_and_aborts_unfinished_uploads(name: str) -> None:
    if name not in ("AuditBucket", "DeskBucket"):  # nothing reacts to a seal, or to a file of the desk
        events = BUCKETS[name]["NotificationConfiguration"]["EventBridgeConfiguration"]
        assert events["EventBridgeEnabled"] is True
    rules = BUCKETS[name]["LifecycleConfiguration"]["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_the_topic_refuses_connections_without_tls() -> None:
    assert tls_only(RESOURCES["AlertTopicPolicy"]["Properties"]["PolicyDocument"])


def test_the_database_requires_tls_is_encrypted_and_pauses() -> None:
    database = RESOURCES["Database"]["Properties"]
    assert database["StorageEncrypted"] is True
    assert database["ServerlessV2ScalingConfiguration"]["MinCapacity"] == 0
    assert "SecondsUntilAutoPause" in database["ServerlessV2ScalingConfiguration"]
    assert RESOURCES["Database"]["DeletionPolicy"] == "Snapshot"
    parameters = RESOURCES["DatabaseParameters"]["Properties"]["Parameters"]
    assert parameters["rds.force_ssl"] == "1"


def test_the_database_log_never_quotes_a_claim() -> None:
    parameters = RESOURCES["DatabaseParameters"]["Properties"]["Parameters"]
    assert parameters["log_min_messages"] == "fatal"
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_parameter_max_length_on_error"] == "0"


def test_the_query_editor_reaches_the_database() -> None:
    assert RESOURCES["Database"]["Properties"]["EnableHttpEndpoint"] is True


def test_no_service_creates_a_log_group_outside_of_the_stack() -> None:
    """RDS keeps the log groups of its exports for ever, and nothing deletes them with the stack."""
    assert "EnableCloudwatchLogsExports" not in RESOURCES["Database"]["Properties"]


def test_backups_and_zones_fit_accounts_that_cannot_use_the_defaults() -> None:
    def zones(**given: str) -> list[object]:
        resources = deployed_resources(**given)
        return [resources[f"PrivateSubnet{name}"]["Properties"]["AvailabilityZone"] for name in "AB"]

    assert RESOURCES["Database"]["Properties"]["BackupRetentionPeriod"] == {"Ref": "DatabaseBackupDays"}
    assert zones() == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]
    assert zones(AvailabilityZones="us-east-1b,us-east-1c") == [
        {"Fn::Select": [number, {"Ref": "AvailabilityZones"}]} for number in (0, 1)
    ]


def test_network_and_database_are_created_only_without_an_existing_database() -> None:
    for name, body in RESOURCES.items():
        if body["Type"].startswith(("AWS::RDS::", "AWS::EC2::")) and not name.startswith("Training"):
            # ReachSources is never true without OwnDatabase: tests/template/test_sources.py.
            expected = "ReachSources" if name == "SourceSecurityGroup" else "OwnDatabase"
            assert body.get("Condition") == expected, name
    # Instances use the functions' network, and the default network of the account only if there is none.
    assert RESOURCES["TrainingSecurityGroup"]["Condition"] == "NoNetwork"


def test_no_network_resource_is_billed_by_the_hour() -> None:
    types = {body["Type"] for body in RESOURCES.values()}
    assert not types & {"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::InternetGateway"}
    endpoints = of_type("AWS::EC2::VPCEndpoint")
    assert {endpoint["VpcEndpointType"] for endpoint in endpoints.values()} == {"Gateway"}


def test_functions_in_our_own_network_reach_aws_over_ipv6() -> None:
    dual_stack, *_ = GLOBALS["VpcConfig"]["Fn::If"][1:]
    assert dual_stack["Ipv6AllowedForDualStack"] is True
    assert GLOBALS["Environment"]["Variables"]["AWS_USE_DUALSTACK_ENDPOINT"]["Fn::If"][1] == "true"


def test_functions_are_traced_and_tagged() -> None:
    assert GLOBALS["Tracing"] == "Active"
    assert GLOBALS["Tags"]
    assert all(machine["Tracing"] == {"Enabled": True} for machine in MACHINES.values())
