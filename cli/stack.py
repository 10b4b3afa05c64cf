"""The stack that the command line works on: finding it, and connecting to its services.

The laptop's stack and a stack on AWS differ only in the address of their services and in the credentials.
"""

import ipaddress
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.executions import Backfill, ClaimsPipeline, Pipeline, ScoreClaims
from claimwatch.aws.objects import ModelStore, S3Objects
from claimwatch.aws.pull_executions import Pulls, PullSource
from claimwatch.aws.seal_requests import SealRequests
from claimwatch.aws.seal_store import S3SealStore, SealStore
from claimwatch.aws.sqs import SqsSender
from claimwatch.errors import ClaimwatchError, RefusedData, TransientFault
from claimwatch.storage.connection import Database, parameters_of
from cli.api import Api, ApiUnavailable

if TYPE_CHECKING:
    import boto3

DEFAULT_NAME = "claimwatch"
LONGEST_CHECK = 310
"""Seconds to wait for the check of a source; a function that starts in a network takes a while."""

LAPTOP_FILE = Path(".local", "stack.json")
_LAPTOP_KEY = "test"  # the emulator's root; it listens on loopback only


type Call = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Sends a request to the stack; raises ``RefusedData`` if the stack refuses it."""


class StackUnreachable(ClaimwatchError):
    """The stack or its database cannot be reached; the message says what to do."""


def not_deployed(_: Mapping[str, Any]) -> dict[str, Any]:
    """Raise ``StackUnreachable``, in place of a request that the stack does not take."""
    raise StackUnreachable("the stack does not take this request yet: deploy this version of Claimwatch")


def no_replays() -> Database:
    """Raise ``StackUnreachable``, in place of opening the database for replays."""
    raise StackUnreachable("the stack does not support replays: deploy this version of Claimwatch")


def no_protection() -> tuple[Database, bytes]:
    """Raise ``StackUnreachable``, in place of opening the database to protect values."""
    raise StackUnreachable("the stack does not have a key of the personal data: deploy this version")


def no_audit() -> "Audit":
    """Raise ``StackUnreachable``, in place of what the audit needs."""
    raise StackUnreachable("the stack does not seal access events yet: deploy this version of Claimwatch")


def no_sources() -> "Sources":
    """Raise ``StackUnreachable``, in place of what commands about sources need."""
    raise StackUnreachable("the stack does not pull from sources yet: deploy this version of Claimwatch")


@dataclass(frozen=True)
class Sources:
    """What commands about sources need besides the buckets and the database.

    ``check`` asks CheckSource, ``remove`` deletes an object of the artifact bucket by its key, and ``caller``
    is the verified ARN of whoever runs the command.
    """

    check: Call
    pulls: Pulls
    remove: Callable[[str], None]
    caller: str


@dataclass(frozen=True)
class Audit:
    """What the audit needs besides the database: the seals, requests to seal, and the verified caller."""

    seals: SealStore
    seal_requests: SealRequests
    caller: str


@dataclass(frozen=True)
class Stack:
    """A deployed stack; ``title`` describes it in messages.

    ``database`` may only be read, unless the stack was looked up for another task; ``open_for_replays``
    returns it with the right to begin new attempts, ``open_for_protection`` with the right to change claims,
    and the key of the personal data.
    """

    title: str
    database: Database
    objects: ModelStore
    pipeline: Pipeline
    landing_bucket: str
    artifact_bucket: str
    start_training: Call = not_deployed
    promote_model: Call = not_deployed
    backfill: Backfill | None = None
    plan_evaluation: Call = not_deployed
    approve_exception: Call = not_deployed
    open_for_replays: Callable[[], Database] = no_replays
    open_for_protection: Callable[[], tuple[Database, bytes]] = no_protection
    audit: Callable[[], Audit] = no_audit
    sources: Callable[[], Sources] = no_sources


def find_stack(name: str | None, database_address: str | None, folder: Path, task: str = "read") -> Stack:
    """Return the stack of that name on AWS, or without a name the laptop's stack if one is running.

    The laptop's stack is looked for in the folder and its parents; without one, the default name is used.
    ``database_address`` (``host:port``) replaces the address of the database, for example by a forwarded
    port. The database is opened with the login of ``task``. Raises ``StackUnreachable``.
    """
    laptop = None if name else _laptop_file(folder)
    try:
        if laptop is not None:
            return _laptop(laptop, database_address, task)
        return _deployed(name or DEFAULT_NAME, database_address, task)
    except BotoCoreError as error:
        raise StackUnreachable(_what_to_do(error, laptop, name)) from error


def _laptop_file(folder: Path) -> Path | None:
    here = folder.resolve()
    return next((file for place in (here, *here.parents) if (file := place / LAPTOP_FILE).is_file()), None)


def find_api(name: str | None, folder: Path) -> Api:
    """Return the API of a stack, which is looked up like in ``find_stack``; its database is not opened."""
    laptop = None if name else _laptop_file(folder)
    try:
        if laptop is not None:
            described = json.loads(laptop.read_text("utf-8"))
            api = _api(described["outputs"], _laptop_session(described), described["endpoint_url"])
        else:
            session = _session()
            api = _api(_outputs_of(name or DEFAULT_NAME, session, _clients(session)), session)
    except BotoCoreError as error:
        raise StackUnreachable(_what_to_do(error, laptop, name)) from error
    if api is None:
        raise StackUnreachable("the stack has no API yet: deploy this version of Claimwatch")
    return api


def find_clients(name: str | None, folder: Path) -> tuple[str, Callable[[str], Any]]:
    """Return the name of a stack that is looked up like in ``find_stack``, and clients of its account."""
    laptop = None if name else _laptop_file(folder)
    try:
        if laptop is not None:
            described = json.loads(laptop.read_text("utf-8"))
            session = _laptop_session(described)
            return DEFAULT_NAME, _clients(session, endpoint_url=described["endpoint_url"], proxies={})
        return name or DEFAULT_NAME, _clients(_session())
    except BotoCoreError as error:
        raise StackUnreachable(_what_to_do(error, laptop, name)) from error


def _laptop_session(described: Mapping[str, Any]) -> "boto3.Session":
    key = {"aws_access_key_id": _LAPTOP_KEY, "aws_secret_access_key": _LAPTOP_KEY}
    return _session(**key, region_name=described["region"])


def _laptop(file: Path, database_address: str | None, task: str) -> Stack:
    described = json.loads(file.read_text("utf-8"))
    session = _laptop_session(described)
    client = _clients(session, endpoint_url=described["endpoint_url"], proxies={})
    title = f"the laptop's stack in {file.parent.parent}"
    outputs = described["outputs"]
    api = _api(outputs, session, described["endpoint_url"])
    return _connected(title, outputs, client, api, database_address, task, private=False)


def _deployed(name: str, database_address: str | None, task: str) -> Stack:
    session = _session()
    client = _clients(session)
    outputs = _outputs_of(name, session, client)
    title = f"stack {name} in {session.region_name}"
    return _connected(title, outputs, client, _api(outputs, session), database_address, task, private=True)


def _outputs_of(name: str, session: "boto3.Session", client: Callable[[str], Any]) -> dict[str, str]:
    try:
        (described,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise StackUnreachable(
            f"CloudFormation in {session.region_name} does not have it: {error.response['Error']['Message']}."
            " Choose the stack with --stack or CLAIMWATCH_STACK, its account and region with AWS_PROFILE and"
            " AWS_REGION"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _session(**options: Any) -> "boto3.Session":
    import boto3  # noqa: PLC0415 - it takes half a second, and not every command needs AWS

    return boto3.Session(**options)


def _clients(
    session: "boto3.Session", endpoint_url: str | None = None, proxies: dict[str, str] | None = None
) -> Callable[[str], Any]:
    """Return a function that creates clients with at most three tries per call and 5 s to connect.

    A call of a function is waited for as long as a check may take, and not repeated.
    """
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(retries=retries, connect_timeout=5, proxies=proxies)
    once: Any = {"total_max_attempts": 1}
    patient = config.merge(Config(retries=once, read_timeout=LONGEST_CHECK))
    made: Any = session.client  # the stubs accept only literal names
    return lambda service: made(
        service, endpoint_url=endpoint_url, config=patient if service == "lambda" else config
    )


def _connected(
    title: str,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    api: Api | None,
    database_address: str | None,
    task: str,
    *,
    private: bool,
) -> Stack:
    missing = {"LandingBucket", "ArtifactBucket", "ClaimsPipelineArn", "DatabaseParameters"} - set(outputs)
    if missing:
        raise StackUnreachable(
            f"{title} has no output {', '.join(sorted(missing))}: it is not a Claimwatch stack, not ready"
            " yet, or of an older version"
        )

    def database_of(task: str) -> Database:
        name = f"{outputs['DatabaseParameters']}/{task}"
        return _connected_database(_login(client, name), database_address, private=private)

    return Stack(
        title=title,
        database=database_of(task),
        objects=S3Objects(client("s3")),
        pipeline=ClaimsPipeline(client("stepfunctions"), outputs["ClaimsPipelineArn"]),
        landing_bucket=outputs["LandingBucket"],
        artifact_bucket=outputs["ArtifactBucket"],
        open_for_replays=lambda: database_of("replay"),
        open_for_protection=lambda: (database_of("contracts"), _personal_data_key(client, outputs)),
        audit=lambda: _audit(outputs, client),
        sources=lambda: _sources(outputs, client),
        **_requests(api),
        **_backfill(outputs, client),
    )


def _audit(outputs: Mapping[str, str], client: Callable[[str], Any]) -> Audit:
    if not {"AuditBucket", "SealQueueUrl"} <= set(outputs):
        no_audit()
    return Audit(
        S3SealStore(client("s3"), outputs["AuditBucket"]),
        SealRequests(SqsSender(client("sqs"), outputs["SealQueueUrl"])),
        client("sts").get_caller_identity()["Arn"],
    )


def _sources(outputs: Mapping[str, str], client: Callable[[str], Any]) -> Sources:
    if not {"CheckSourceFunction", "PullSourceArn"} <= set(outputs):
        no_sources()

    def check(event: Mapping[str, Any]) -> dict[str, Any]:
        answered = client("lambda").invoke(
            FunctionName=outputs["CheckSourceFunction"], Payload=json.dumps(dict(event)).encode()
        )
        answer: dict[str, Any] = json.loads(answered["Payload"].read())
        if "FunctionError" in answered:
            raise StackUnreachable(
                f"the check ended with {answer.get('errorType', 'an error')}: see the logs of CheckSource"
            )
        if "refused" in answer:
            raise RefusedData(answer["refused"])
        return answer

    def remove(key: str) -> None:
        client("s3").delete_object(Bucket=outputs["ArtifactBucket"], Key=key)

    return Sources(
        check,
        PullSource(client("stepfunctions"), outputs["PullSourceArn"]),
        remove,
        client("sts").get_caller_identity()["Arn"],
    )


def _personal_data_key(client: Callable[[str], Any], outputs: Mapping[str, str]) -> bytes:
    if "PersonalDataKeyArn" not in outputs:
        no_protection()
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=outputs["PersonalDataKeyArn"])
    except ClientError as error:
        raise StackUnreachable(
            f"the key of the personal data cannot be read: {error.response['Error']['Message']}"
        ) from error
    key: str = answer["SecretString"]
    return key.encode()


def _api(outputs: Mapping[str, str], session: "boto3.Session", address: str = "") -> Api | None:
    """Return the API of a stack; None if its version is older than the API."""
    return Api(outputs["ApiUrl"], session, address) if "ApiUrl" in outputs else None


def _requests(api: Api | None) -> dict[str, Any]:
    """Return the requests that the API takes."""
    if api is None:
        return {}
    return {
        "start_training": _poster(api, "trainings"),
        "promote_model": _poster(api, "promotions"),
        "plan_evaluation": _poster(api, "evaluations"),
        "approve_exception": _poster(api, "exceptions"),
    }


def _poster(api: Api, collection: str) -> Call:
    def call(event: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: value for name, value in event.items() if name != "line"}
        try:
            return api.post(event["line"], collection, fields)
        except ApiUnavailable as failure:
            raise StackUnreachable(str(failure)) from failure

    return call


def _backfill(outputs: Mapping[str, str], client: Callable[[str], Any]) -> dict[str, Any]:
    """Return the state machine that scores stored claims; nothing if the stack's version has none."""
    if "ScoreClaimsArn" not in outputs:
        return {}
    return {"backfill": ScoreClaims(client("stepfunctions"), outputs["ScoreClaimsArn"])}


def _login(client: Callable[[str], Any], name: str) -> dict[str, Any]:
    """Return the credentials in a parameter. Who may read it is decided by IAM."""
    try:
        answer = client("ssm").get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        message = error.response["Error"].get("Message") or error.response["Error"]["Code"]
        raise StackUnreachable(f"parameter {name} cannot be read: {message}") from error
    credentials: dict[str, Any] = json.loads(answer["Parameter"]["Value"])
    return credentials


def at_address(credentials: dict[str, Any], address: str) -> dict[str, Any]:
    """Return credentials for a database that is reached at another ``host:port``, such as a forwarded port.

    The certificate is still verified for the database's own host.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise StackUnreachable(f"'{address}' is not a valid database address: write it as host:port")
    return credentials | {"hostaddr": _numeric(host.strip("[]")), "port": int(port)}


def _numeric(host: str) -> str:
    """Return the address of a host, which may be written as an address already."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise StackUnreachable(f"the host {host} cannot be looked up: {error}") from error


def _connected_database(credentials: dict[str, Any], address: str | None, *, private: bool) -> Database:
    """Return the database that the credentials describe, once it has answered."""
    if address:
        credentials = at_address(credentials, address)
    where = address or f"{credentials['host']}:{credentials.get('port', 5432)}"
    database = Database(parameters_of(credentials))
    try:
        with database.transaction() as cursor:
            cursor.execute("SELECT to_regclass('claimwatch.file') IS NOT NULL")
            migrated = cursor.fetchone() == (True,)
    except TransientFault as error:
        advice = (
            "It is in a private network: work from inside that network, or forward a port to it and set"
            " CLAIMWATCH_DATABASE=host:port (docs/interfaces.md, 'Reaching the database')"
            if private and not address
            else "Is it running?"
        )
        raise StackUnreachable(f"the database at {where} cannot be reached: {error}. {advice}") from error
    if not migrated:
        raise StackUnreachable(f"the database at {where} has no ledger: the stack is not fully deployed yet")
    return database


def _what_to_do(error: BotoCoreError, laptop: Path | None, name: str | None) -> str:
    reason = str(error).rstrip(".")
    if laptop is not None:
        return f"the stack described by {laptop} does not answer ({reason}): start it with `make up`"
    advice = "provide credentials and a region, as for the AWS command line"
    if name is not None:
        return f"stack {name} cannot be looked up ({reason}): {advice}"
    return (
        "no stack is running in this folder or a parent folder (`make up` in the project starts one), and"
        f" none can be looked up on AWS ({reason}): {advice}"
    )
