"""What the stack costs at list price: the template's resources, and use, times benchmarks/prices.toml.

`make cost` prints the tables of docs/cost.md; a test compares them with that page.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.ingest.inspect import CHUNK
from tests.template.application import TEMPLATE, deployed_resources, state_machine
from tests.template.release_pipeline import Action, Resources, pipeline

PRICES = Path(__file__).with_name("prices.toml")
HOURS = 730
"""Hours of a month."""
WEEKS = HOURS / 168
"""Weeks of a month."""
GB = 1e9

POLLS = HOURS * 3600 / 20
"""Empty requests of one of Lambda's pollers in a month; each waits 20 s for a message."""
POLLERS, POLLERS_WITH_MAXIMUM = 2, 5
"""Lambda's pollers of an idle queue, without and with MaximumConcurrency:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""

CALL_SECONDS, CALL_LOG = 0.5, 2e3
"""Assumed seconds and bytes of logs of a scheduled invocation that finds nothing to do."""
WAKES_THE_DATABASE = {"PlanEvaluation": True, "WatchTrainings": False, "SealAudit": True}
"""Scheduled functions. WatchTrainings connects to the database only while an instance exists."""
SMALLEST_CAPACITY = 0.5
"""ACUs of a database that is awake."""

# A file of a million claims with 31 columns: measured on the laptop, except for what only Aurora can show.
FILE_BYTES, FILE_LAMBDA_SECONDS, FILE_LAMBDA_GB = 400e6, 60, 1.769
FILE_DATABASE_BYTES = 1.0e9
FILE_IO = 300_000  # assumed: a gigabyte of pages and log records
FILE_ACU, FILE_AWAKE_HOURS = 2, 11 / 60  # assumed: a minute of loading, ten minutes until it pauses
SCORED_GB_SECONDS = 30 * FILE_LAMBDA_GB

# A pull that finds a window of new rows.
PULL_SECONDS = {"PlanPull": 3, "ExtractWindow": 5, "CommitWindow": 1, "WatchSource": 1}
"""Assumed seconds of the functions; most of it is waiting for the source."""
PULL_AWAKE_HOURS = 11 / 60
SCHEDULES = {"every 15 minutes": 0.25, "every hour": 1.0, "once a day": 24.0}
"""Hours between two pulls of a source."""
SILENT_INTERVALS = 3
"""Intervals of a schedule between two calls of WatchSource, unless the source says otherwise."""

STREAM_CLAIMS, STREAM_CLAIM_BYTES = 100_000, 1_500
"""Assumed claims of a line in a month, and bytes of each."""
STREAM_FILE_SECONDS = 3.0
"""Assumed seconds of all functions for a file of a few claims."""
STREAM_LOADING_SECONDS, STREAM_PAUSE_SECONDS = 30, 600
"""Seconds for which a file keeps the database awake: while it is loaded, and until the database pauses."""

CHECKING_SECONDS, CHECKING_GB = 18, 3.008
TRAINING_HOURS, TRAINING_DISK_GB = 0.5, 40

ACTION_MINUTES = {
    "Source/Source": 1,
    "Check/Check": 45,
    "Package/Package": 12,
    "Staging/ChangeSet": 2,
    "Staging/Deploy": 6,
    "Smoke/Smoke": 6,
    "Approve/ChangeSet": 2,
    "Approve/Review": 3,
    "Production/ChangeSet": 2,
    "Production/Deploy": 12,  # with a canary of five minutes
    "Production/Verify": 6,
    "Experiments/Experiments": 3,
}
TRAINING_ACTION_MINUTES = {"Source/Source": 1, "Train/Train": 40, "Promote/Promote": 3}
"""Assumed minutes of the actions that are billed; `make setup` takes about two of each build."""
RELEASE_GB = 0.4
"""Assumed gigabytes that a release leaves: the source, and the packages of changed layers and functions."""
KEPT_RELEASES = 10

UNBILLED = {
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudFormation::CustomResource",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCCidrBlock",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Permission",
    "AWS::RDS::DBClusterParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::SecretTargetAttachment",
}
"""Types of resources that AWS never bills."""

BY_USE = {
    "AWS::ApiGatewayV2::Api",  # an HTTP API, 1.00 per million requests
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::Distribution",  # per request and gigabyte, after 10 million and 1,000 a month
    "AWS::CodeBuild::Project",
    "AWS::CodePipeline::Pipeline",  # V2; a pipeline of the type V1 costs 1.00 a month
    "AWS::Cognito::UserPool",  # per person who signs in during a month, after the first 10,000
    "AWS::Events::EventBus",  # 1.00 per million custom events
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::Logs::MetricFilter",  # its metric is billed for the hours in which something matches
    "AWS::RDS::DBInstance",  # db.serverless: its capacity is billed with the cluster
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}
"""Types of resources that cost nothing while nothing happens, except for storage."""


@dataclass(frozen=True)
class Price:
    """A list price in dollars for a unit, and the units of a month that are free in every account."""

    price: float
    unit: str
    source: str
    free: float = 0.0


@dataclass(frozen=True)
class Item:
    """A line of a bill."""

    title: str
    quantity: float
    price: Price
    of: str

    @property
    def cost(self) -> float:
        """The cost at list price."""
        return self.quantity * self.price.price

    @property
    def cost_above_free(self) -> float:
        """The cost of what exceeds the free units, in an account with nothing else in it."""
        return max(0.0, self.quantity - self.price.free) * self.price.price


@cache
def prices() -> dict[str, Price]:
    """Return all prices by name."""
    table = tomllib.loads(PRICES.read_text(encoding="utf-8"))
    return {name: Price(**value) for name, value in table.items() if isinstance(value, dict)}


def idle(resources: Mapping[str, Mapping[str, Any]]) -> list[Item]:
    """Return the bill of a month in which nothing happens, with a champion and so with weekly checks.

    Raises ``KeyError`` for a type of resource or a scheduled function whose cost is not known.
    """
    standing = (item for name, body in resources.items() for item in _standing(name, body, resources))
    return [*_added(standing), *_weekly(), _item("S3: contracts, code, models", 1, "s3_storage", "GB")]


def _added(items: Iterable[Item]) -> list[Item]:
    """Return one item for each title, with the quantities added up."""
    by_title: dict[str, Item] = {}
    for item in items:
        known = by_title.get(item.title)
        quantity = item.quantity + (known.quantity if known else 0)
        by_title[item.title] = Item(item.title, quantity, item.price, item.of)
    return list(by_title.values())


def _standing(
    name: str, body: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Item]:
    kind, properties = body["Type"], body.get("Properties", {})
    if kind in UNBILLED or kind in BY_USE or kind.startswith("Custom::"):
        return
    yield from _BILLED[kind](name, properties, resources)


type _Bill = Callable[[str, Mapping[str, Any], Mapping[str, Mapping[str, Any]]], Iterable[Item]]


def _item(title: str, quantity: float, price: str, of: str) -> Item:
    return Item(title, quantity, prices()[price], of)


def _alarm(_name: str, properties: Mapping[str, Any], _: object) -> Iterator[Item]:
    metrics = sum("MetricStat" in metric for metric in properties.get("Metrics", ())) or 1
    yield _item("CloudWatch alarms", metrics, "alarm", "alarms")


def _polls(_name: str, properties: Mapping[str, Any], _: object) -> Iterator[Item]:
    limited = "MaximumConcurrency" in properties.get("ScalingConfig", {})
    polls = POLLS * (POLLERS_WITH_MAXIMUM if limited else POLLERS)
    yield _item("SQS: Lambda's polls of empty queues", polls, "sqs", "requests")


def _schedule(
    _name: str, properties: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Item]:
    if "ScheduleExpression" not in properties or properties.get("State") == "DISABLED":
        return
    calls = HOURS / _hours(properties["ScheduleExpression"])
    for target in properties["Targets"]:
        function = _function_of(target["Arn"]["Fn::GetAtt"][0], resources)
        gb = resources[function]["Properties"]["MemorySize"] / 1024
        yield _item("Lambda: scheduled calls", calls * CALL_SECONDS * gb, "lambda_gb_second", "GB-seconds")
        yield _item("Lambda: scheduled requests", calls, "lambda_request", "requests")
        yield _item("X-Ray: scheduled calls", calls, "trace", "traces")
        yield _item("CloudWatch Logs: scheduled calls", calls * CALL_LOG / GB, "log", "GB")
        clusters = [body for body in resources.values() if body["Type"] == "AWS::RDS::DBCluster"]
        if WAKES_THE_DATABASE[function]:
            for cluster in clusters:
                awake = 60 + _seconds_until_pause(cluster["Properties"])
                hours = calls * awake / 3600 * SMALLEST_CAPACITY
                yield _item("Aurora: awake twice a week", hours, "aurora_capacity", "ACU-hours")


def _function_of(target: str, resources: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the function that a schedule invokes, directly or through the queue that it reads."""
    for body in resources.values():
        if body["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = body["Properties"]
            if properties["EventSourceArn"] == {"Fn::GetAtt": [target, "Arn"]}:
                return str(properties["FunctionName"]["Ref"])
    return target


def _seconds_until_pause(properties: Mapping[str, Any]) -> float:
    seconds = properties["ServerlessV2ScalingConfiguration"]["SecondsUntilAutoPause"]
    return float(_default(seconds))


def _default(value: Any) -> Any:
    """Return the value, or the default of the parameter that it refers to."""
    return TEMPLATE["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) else value


def _hours(expression: Any) -> float:
    """Return the hours between two runs of a schedule of the form ``rate(…)``."""
    text = str(_default(expression))
    number, unit = text.removeprefix("rate(").removesuffix(")").split()
    return float(number) * {"minute": 1 / 60, "hour": 1, "day": 24}[unit.removesuffix("s")]


def _cluster(_name: str, properties: Mapping[str, Any], _: object) -> Iterator[Item]:
    smallest = properties["ServerlessV2ScalingConfiguration"]["MinCapacity"]
    yield _item("Aurora: minimum capacity", smallest * HOURS, "aurora_capacity", "ACU-hours")
    yield _item("Aurora: storage of an empty database", 1, "aurora_storage", "GB")


def _endpoint(_name: str, properties: Mapping[str, Any], _: object) -> Iterator[Item]:
    if properties.get("VpcEndpointType", "Gateway") != "Gateway":
        zones = len(properties["SubnetIds"])
        yield _item("Interface endpoints", zones * HOURS, "interface_endpoint", "hours")


def _parameter(_name: str, properties: Mapping[str, Any], _: object) -> Iterator[Item]:
    if properties.get("Tier", "Standard") != "Standard":
        yield _item("Advanced parameters", 1, "advanced_parameter", "parameters")


def _version(
    _name: str, properties: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Item]:
    function = resources[properties["FunctionName"]["Ref"]]["Properties"]
    if function.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        yield _item("Lambda: snapshots of versions", _gb_seconds(function), "lambda_snapshot", "GB-seconds")


def _alias(
    _name: str, properties: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Item]:
    function = resources[properties["FunctionName"]["Ref"]]["Properties"]
    provisioned = properties.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
    if provisioned:
        seconds = provisioned * _gb_seconds(function)
        yield _item("Lambda: provisioned concurrency", seconds, "lambda_provisioned", "GB-seconds")


def _gb_seconds(function: Mapping[str, Any]) -> float:
    """Return the GB-seconds of a month of one process of a function."""
    return float(function["MemorySize"] / 1024 * HOURS * 3600)


def _each(title: str, price: str, of: str, units: float = 1) -> _Bill:
    return lambda *_: [_item(title, units, price, of)]


_BILLED: dict[str, _Bill] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _each("CloudWatch composite alarms", "composite_alarm", "alarms"),
    "AWS::CloudWatch::Dashboard": _each("CloudWatch dashboards", "dashboard", "dashboards"),
    "AWS::EC2::EIP": _each("Public addresses", "public_address", "hours", HOURS),
    "AWS::EC2::NatGateway": _each("NAT gateways", "nat_gateway", "hours", HOURS),
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::Events::Rule": _schedule,
    "AWS::KMS::Key": _each("KMS keys", "key", "keys"),
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::EventSourceMapping": _polls,
    "AWS::Lambda::Version": _version,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SecretsManager::Secret": _each("Secrets", "secret", "secrets"),
}


def _weekly() -> Iterator[Item]:
    """Yield what the checks of four weeks without claims cost."""
    # Alarms and Watches of each check, and four metrics of the line; the heartbeat lasts into a second hour.
    metric_hours = WEEKS * (2 * len(CHECKS) + 4 + 1)
    yield _item("CloudWatch metrics of the weekly checks", metric_hours / HOURS, "metric", "metrics")
    seconds = WEEKS * CHECKING_SECONDS * CHECKING_GB
    yield _item("Lambda: weekly checks", seconds, "lambda_gb_second", "GB-seconds")


def a_million_claims() -> list[Item]:
    """Return the bill of one file of a million claims, loaded and scored."""
    chunks = round(FILE_BYTES / CHUNK)
    seconds = FILE_LAMBDA_SECONDS * FILE_LAMBDA_GB + SCORED_GB_SECONDS
    capacity = FILE_ACU * FILE_AWAKE_HOURS
    return [
        _item("Lambda: inspect, load, commit and score", seconds, "lambda_gb_second", "GB-seconds"),
        _item("Step Functions", _transitions(chunks), "state_transition", "transitions"),
        _item("S3: upload in parts", FILE_BYTES / (8 << 20) + 2, "s3_write", "requests"),
        _item("S3: reads", 2 * chunks + 4, "s3_read", "requests"),
        _item("EventBridge: one S3 event, two of our own", 3, "event", "events"),
        _item(
            "Aurora: awake for eleven minutes at 2 ACU (assumed)", capacity, "aurora_capacity", "ACU-hours"
        ),
        _item("Aurora: I/O (assumed)", FILE_IO, "aurora_io", "requests"),
        _item("Traffic between zones, half of the rows", FILE_BYTES / 2 / GB, "zone_transfer", "GB"),
        _item("S3: the file, per month", FILE_BYTES / GB, "s3_storage", "GB"),
        _item("Aurora: the rows, per month", FILE_DATABASE_BYTES / GB, "aurora_storage", "GB"),
    ]


def _transitions(chunks: int) -> int:
    """Return the states that the execution of a file of claims enters if nothing fails."""
    states, name, entered = state_machine()["States"], "InspectFile", 0
    chosen = {"AllScored": "PublishScored"}
    while True:
        state = states[name]
        entered += 1 + (chunks if state["Type"] == "Map" else 0)
        if state.get("End"):
            return entered
        choices = state.get("Choices")
        name = chosen.get(name) or (choices[0]["Next"] if choices else state["Next"])


def a_source(hours: float) -> list[Item]:
    """Return the bill of a month of a source that is pulled every so many hours; each pull finds new rows."""
    pulls = HOURS / hours
    watches = pulls / SILENT_INTERVALS
    functions = deployed_resources()
    calls = {name: watches if name == "WatchSource" else pulls for name in PULL_SECONDS}
    seconds = sum(
        calls[name] * PULL_SECONDS[name] * functions[name]["Properties"]["MemorySize"] / 1024
        for name in PULL_SECONDS
    )
    awake = min(HOURS, pulls * PULL_AWAKE_HOURS) * SMALLEST_CAPACITY
    return [
        _item("its secret", 1, "secret", "secrets"),
        _item("Secrets Manager: calls", 2 * pulls, "secret_call", "requests"),
        _item("EventBridge Scheduler", pulls + watches, "schedule_call", "calls"),
        _item("Step Functions", pulls * _transitions_of_a_pull(), "state_transition", "transitions"),
        _item("Lambda: plan, extract, commit, watch", seconds, "lambda_gb_second", "GB-seconds"),
        _item("Aurora: awake for eleven minutes at 0.5 ACU (assumed)", awake, "aurora_capacity", "ACU-hours"),
    ]


def _transitions_of_a_pull() -> int:
    """Return the states that an execution enters that pulls one window."""
    states, name, entered = state_machine("PullSource")["States"], "NameExecution", 0
    chosen = {"Planned": "ExtractWindow", "MoreToPull": "Pulled"}
    while True:
        entered += 1
        if states[name]["Type"] == "Succeed":
            return entered
        name = chosen.get(name) or states[name]["Next"]


def sources_table() -> str:
    """Return the bills of a month of a source by its schedule, as a Markdown table with totals."""
    bills = {title: a_source(hours) for title, hours in SCHEDULES.items()}
    rows = [
        f"| {items[0].title} | {' | '.join(f'{item.cost:.3f}' for item in items)} |"
        for items in zip(*bills.values(), strict=True)
    ]
    totals = " | ".join(f"**{sum(item.cost for item in items):.2f}**" for items in bills.values())
    head = f"| item | {' | '.join(bills)} |"
    return "\n".join([head, "|---" * (1 + len(bills)) + "|", *rows, f"| **total, USD a month** | {totals} |"])


def a_month_of_the_stream(seconds: float) -> list[Item]:
    """Return the bill of a line to which claims arrive all month, with this StreamBufferSeconds."""
    files = HOURS * 3600 / seconds
    awake = min(1.0, (STREAM_LOADING_SECONDS + STREAM_PAUSE_SECONDS) / seconds)
    return [
        _item("Firehose: records of at most 5 KB", STREAM_CLAIMS * 5e3 / GB, "firehose_ingested", "GB"),
        _item("Firehose: routing", STREAM_CLAIMS * STREAM_CLAIM_BYTES / GB, "firehose_partitioned", "GB"),
        _item("Firehose: jq (assumed)", STREAM_CLAIMS * 1e-3 / 3600, "firehose_jq_hour", "hours"),
        _item("Firehose: files", files, "firehose_object", "files"),
        _item("S3: writes and reads", 2 * files, "s3_write", "requests"),
        _item("EventBridge: one S3 event, two of our own", 3 * files, "event", "events"),
        _item("Step Functions", files * _transitions(1), "state_transition", "transitions"),
        _item(
            "Lambda: start, inspect, load, commit and score (assumed)",
            files * STREAM_FILE_SECONDS * FILE_LAMBDA_GB,
            "lambda_gb_second",
            "GB-seconds",
        ),
        _item("Aurora: awake", awake * HOURS * SMALLEST_CAPACITY, "aurora_capacity", "ACU-hours"),
    ]


def a_week() -> list[Item]:
    """Return the bill of checking one week of a line."""
    awake = SMALLEST_CAPACITY * FILE_AWAKE_HOURS
    return [
        _item("Lambda: ten checks", CHECKING_SECONDS * CHECKING_GB, "lambda_gb_second", "GB-seconds"),
        _item("Aurora: awake for eleven minutes at 0.5 ACU (assumed)", awake, "aurora_capacity", "ACU-hours"),
    ]


def a_training() -> list[Item]:
    """Return the bill of one training."""
    disk = TRAINING_DISK_GB * TRAINING_HOURS / HOURS
    return [
        _item("m7i.xlarge for half an hour, on demand", TRAINING_HOURS, "m7i_xlarge", "hours"),
        _item("or the same on spot", TRAINING_HOURS, "m7i_xlarge_spot", "hours"),
        _item("its disk", disk, "disk", "GB-months"),
    ]


def a_release() -> list[Item]:
    """Return the bill of one commit that reaches production, without what the application's tests invoke."""
    return [
        *_execution("Pipeline", ACTION_MINUTES),
        _item("CloudWatch Logs: builds", 0.01, "log", "GB"),
        _item("S3: its source and packages, per month", RELEASE_GB, "s3_storage", "GB"),
    ]


def a_training_of_the_pipeline() -> list[Item]:
    """Return the bill of requesting a training and promoting its model; the training itself is not in it."""
    return _execution("ModelsPipeline", TRAINING_ACTION_MINUTES)


def a_pull_request() -> list[Item]:
    """Return the bill of checking a pull request once."""
    [check] = [action for action in pipeline().actions("Pipeline") if action.stage == "Check"]
    return [_build(check, pipeline(), ACTION_MINUTES)]


def idle_pipeline() -> list[Item]:
    """Return the bill of a month in which nothing is released, after some releases.

    Raises ``KeyError`` for a type of resource whose cost is not known.
    """
    made = pipeline()
    resources = {
        name: {"Type": body["Type"], "Properties": made.resolver.properties(name)}
        for name, body in made.bodies.items()
    }
    standing = (item for name, body in resources.items() for item in _standing(name, body, resources))
    kept = _item(f"S3: {KEPT_RELEASES} releases", KEPT_RELEASES * RELEASE_GB, "s3_storage", "GB")
    return [*_added(standing), kept]


def _execution(name: str, minutes: Mapping[str, float]) -> list[Item]:
    """Return the bill of one execution of a pipeline.

    Raises ``KeyError`` for an action whose minutes are not known.
    """
    made = pipeline()
    billed = [action for action in made.actions(name) if action.category != "Approval"]
    total = sum(minutes[_key(action)] for action in billed)
    builds = [_build(action, made, minutes) for action in billed if action.provider == "CodeBuild"]
    return [
        *builds,
        _item("CodePipeline: all actions but approvals", total, "codepipeline_minute", "minutes"),
    ]


def _build(action: Action, made: Resources, minutes: Mapping[str, float]) -> Item:
    project = made.projects()[action.configuration["ProjectName"]]
    size = project["Environment"]["ComputeType"].removeprefix("BUILD_GENERAL1_").lower()
    return _item(f"CodeBuild: {action.name}", minutes[_key(action)], f"codebuild_{size}", "minutes")


def _key(action: Action) -> str:
    return f"{action.stage}/{action.name}"


def table_with_total(items: Iterable[Item]) -> str:
    """Return the items as a Markdown table with their total."""
    listed = list(items)
    return f"{table(listed)}\n| **total** | | | **{sum(item.cost for item in listed):.2f}** |"


def table(items: Iterable[Item]) -> str:
    """Return the items as a Markdown table."""
    rows = [f"| {item.title} | {_number(item.quantity)} | {item.of} | {item.cost:.3f} |" for item in items]
    return "\n".join(["| item | quantity | unit | USD |", "|---|---|---|---|", *rows])


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def idle_table(resources: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the bill of an idle month with its totals."""
    items = [item for item in idle(resources) if item.cost]
    total, above = sum(item.cost for item in items), sum(item.cost_above_free for item in items)
    totals = [
        f"| **total at list price** | | | **{total:.2f}** |",
        f"| total above what is free in every account | | | {above:.2f} |",
    ]
    return "\n".join([table(items), *totals])


def tables() -> dict[str, str]:
    """Return every table of docs/cost.md by its name there."""
    given = {"DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:database"}
    return {
        "idle": idle_table(deployed_resources()),
        "idle with an existing database": idle_table(deployed_resources(**given)),
        "a million claims": table(a_million_claims()),
        "the stream, a file every 15 minutes": table_with_total(a_month_of_the_stream(900)),
        "the stream, a file every minute": table_with_total(a_month_of_the_stream(60)),
        "a training": table(a_training()),
        "a week": table(a_week()),
        "a source": sources_table(),
        "the idle pipeline": table_with_total(idle_pipeline()),
        "a release": table_with_total(a_release()),
        "a training of the pipeline": table_with_total(a_training_of_the_pipeline()),
        "a pull request": table_with_total(a_pull_request()),
    }


if __name__ == "__main__":
    for title, text in tables().items():
        print(f"{title}\n\n{text}\n")
