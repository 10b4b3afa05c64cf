"""The stack that the command line works on: finding it, and connecting to its services.

The laptop's stack and a stack on AWS differ only in the address of their services and in the credentials.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.executions import Backfill, ClaimsPipeline, Pipeline, ScoreClaims
from claimwatch.aws.objects import ModelStore, S3Objects
from claimwatch.errors import ClaimwatchError, TransientFault
from claimwatch.storage.connection import Database, parameters_of
from cli.api import Api, ApiUnavailable

if TYPE_CHECKING:
    import boto3

DEFAULT_NAME = "claimwatch"
LAPTOP_FILE = Path(".local", "stack.json")
_LAPTOP_KEY = "test"  # the emulator's root; it listens on loopback only


type Call = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Sends a request to the stack; raises ``RefusedData`` if the stack refuses it."""


class StackUnreachable(ClaimwatchError):
    """The stack or its database cannot be reached; the message says what to do."""


def not_deployed(_: Mapping[str, Any]) -> dict[str, Any]:
    """Raise ``StackUnreachable``, in place of a request that the stack does not take."""
    raise StackUnreachable("the stack does not take this request yet: deploy this version of Claimwatch")


@dataclass(frozen=True)
class Stack:
    """A deployed stack; ``title`` describes it in messages."""

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


def find_stack(name: str | None, database_address: str | None, folder: Path) -> Stack:
    """Return the stack of that name on AWS, or without a name the laptop's stack if one is running.

    The laptop's stack is looked for in the folder and its parents; without one, the default name is used.
    ``database_address`` (``host:port``) replaces the address of the database, for example by a forwarded
    port. Raises ``StackUnreachable``.
    """
    laptop = None if name else _laptop_file(folder)
    try:
        if laptop is not None:
            return _laptop(laptop, database_address)
        return _deployed(name or DEFAULT_NAME, database_address)
    except BotoCoreError as error:
        raise StackUnreachable(_what_to_do(error, laptop, name)) from error


def _laptop_file(folder: Path) -> Path | None:
    here = folder.resolve()
    return next((file for place in (here, *here.parents) if (file := place / LAPTOP_FILE).is_file()), None)


def _laptop(file: Path, database_address: str | None) -> Stack:
    described = json.loads(file.read_text("utf-8"))
    key = {"aws_access_key_id": _LAPTOP_KEY, "aws_secret_access_key": _LAPTOP_KEY}
    session = _session(**key, region_name=described["region"])
    client = _clients(session, endpoint_url=described["endpoint_url"], proxies={})
    title = f"the laptop's stack in {file.parent.parent}"
    outputs = described["outputs"]
    api = _api(outputs, session, described["endpoint_url"])
    return _connected(title, outputs, client, api, database_address, private=False)


def _deployed(name: str, database_address: str | None) -> Stack:
    session = _session()
    client = _clients(session)
    try:
        (described,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise StackUnreachable(
            f"CloudFormation in {session.region_name} does not have it: {error.response['Error']['Message']}."
            " Choose the stack with --stack or CLAIMWATCH_STACK, its account and region with AWS_PROFILE and"
            " AWS_REGION"
        ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    title = f"stack {name} in {session.region_name}"
    return _connected(title, outputs, client, _api(outputs, session), database_address, private=True)


def _session(**options: Any) -> "boto3.Session":
    import boto3  # noqa: PLC0415 - it takes half a second, and not every command needs AWS

    return boto3.Session(**options)


def _clients(
    session: "boto3.Session", endpoint_url: str | None = None, proxies: dict[str, str] | None = None
) -> Callable[[str], Any]:
    """Return a function that creates clients with at most three tries per call and 5 s to connect."""
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(retries=retries, connect_timeout=5, proxies=proxies)
    made: Any = session.client  # the stubs accept only literal names
    return lambda service: made(service, endpoint_url=endpoint_url, config=config)


def _connected(
    title: str,
    outputs: Mapping[str, str],
    client: Callable[[str], Any],
    api: Api | None,
    database_address: str | None,
    *,
    private: bool,
) -> Stack:
    missing = {"LandingBucket", "ArtifactBucket", "ClaimsPipelineArn", "DatabaseSecretArn"} - set(outputs)
    if missing:
        raise StackUnreachable(
            f"{title} has no output {', '.join(sorted(missing))}:"
            " it is not a Claimwatch stack, or not ready yet"
        )
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=outputs["DatabaseSecretArn"])
    except ClientError as error:
        raise StackUnreachable(
            f"the secret of {title}'s database cannot be read: {error.response['Error']['Message']}"
        ) from error
    return Stack(
        title=title,
        database=_connected_database(json.loads(answer["SecretString"]), database_address, private=private),
        objects=S3Objects(client("s3")),
        pipeline=ClaimsPipeline(client("stepfunctions"), outputs["ClaimsPipelineArn"]),
        landing_bucket=outputs["LandingBucket"],
        artifact_bucket=outputs["ArtifactBucket"],
        **_requests(api),
        **_backfill(outputs, client),
    )


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


def _connected_database(secret: dict[str, Any], address: str | None, *, private: bool) -> Database:
    """Return the database that the secret describes, once it has answered."""
    if address:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise StackUnreachable(f"'{address}' is not a valid database address: write it as host:port")
        secret = secret | {"host": host, "port": int(port)}
    where = f"{secret['host']}:{secret.get('port', 5432)}"
    database = Database(parameters_of(secret))
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
