"""A stage's stack, as the steps reach it: with the role of the stage, never through the database."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from claimwatch.errors import RefusedData
from claimwatch.ingest.contract_keys import contract_key
from cli.api import Api, ApiUnavailable, path_of
from release.errors import ReleaseRefused
from release.line_models import LineModels, StackUnavailable
from release.training_state import State, state_from_json, state_to_json

if TYPE_CHECKING:
    from boto3.session import Session

SESSION_SECONDS = 1800.0
"""How long the credentials of a role are used: those of a role that a role assumes end after an hour."""

CONTRACT_SECONDS = 600.0
"""How long a contract may take: ApplyContract waits for files that are being loaded."""

POLL_SECONDS = 5.0

PURPOSES = ("operations", "model_monitoring", "testing")
"""Purposes of the requests, in the order in which they are tried: a contract may have others than default."""


def environment(name: str) -> str:
    """Return a variable that the pipeline sets; raises ``ReleaseRefused`` without it."""
    value = os.environ.get(name, "")
    if not value:
        raise ReleaseRefused(f"the variable {name} is not set: the pipeline sets it for this step")
    return value


class Stack:
    """The stack of a name, reached with the role in TARGET_ROLE_ARN, or with the step's own role."""

    def __init__(self, name: str, role: str = "", sleep: Callable[[float], None] = time.sleep) -> None:
        self.name, self._role, self._sleep = name, role, sleep
        self._session: Session | None = None
        self._opened = 0.0
        self._outputs: dict[str, str] = {}
        self._purpose: dict[str, str] = {}

    @classmethod
    def of_environment(cls) -> "Stack":
        """Return the stack of STACK_NAME."""
        return cls(environment("STACK_NAME"), os.environ.get("TARGET_ROLE_ARN", ""))

    # -- The API ---------------------------------------------------------------------------------------------

    def models(self, line: str) -> LineModels:
        """Return what the API lists of a line; raises ``ReleaseRefused`` if it refuses."""
        known = self._purpose.get(line)
        refusal: RefusedData | None = None
        for purpose in [known] if known else PURPOSES:
            try:
                answer = self._api().request("GET", path_of(line, "models"), headers={"x-purpose": purpose})
            except RefusedData as refused:
                refusal = refused
                continue
            except ApiUnavailable as failure:
                raise StackUnavailable(str(failure)) from None
            self._purpose[line] = purpose
            return LineModels.parse(answer.content)
        raise ReleaseRefused(f"the models of line {line} cannot be listed: {refusal}")

    def post(self, line: str, collection: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a collection of a line; raises ``ReleaseRefused`` with the sentence of a refusal."""
        try:
            return self._api().post(line, collection, fields)
        except RefusedData as refusal:
            raise ReleaseRefused(str(refusal)) from None
        except ApiUnavailable as failure:
            raise StackUnavailable(str(failure)) from None

    def _api(self) -> Api:
        # On the laptop, the address in the output is that of the emulator.
        return Api(self.output("ApiUrl"), self.session(), os.environ.get("AWS_ENDPOINT_URL", ""), self._sleep)

    # -- Services --------------------------------------------------------------------------------------------

    def output(self, name: str) -> str:
        """Return an output of the stack; raises ``ReleaseRefused`` if there is none."""
        if not self._outputs:
            try:
                [found] = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
            except ClientError as error:
                raise ReleaseRefused(
                    f"stack {self.name} cannot be described: {error.response['Error']['Message']}"
                ) from None
            self._outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        if name not in self._outputs:
            raise ReleaseRefused(f"stack {self.name} has no output {name}: deploy this version of Claimwatch")
        return self._outputs[name]

    def client(self, service: str) -> Any:
        """Return a client with the role of the stage."""
        made: Any = self.session().client  # the stubs accept only literal names
        return made(service)

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.session().region_name

    def session(self) -> "Session":
        """Return a session with the role of the stage; its credentials are valid for half an hour."""
        if self._session is None or time.monotonic() - self._opened > SESSION_SECONDS:
            self._session, self._opened = self._assumed(), time.monotonic()
        return self._session

    def _assumed(self) -> "Session":
        if not self._role:
            return boto3.Session()
        name = re.sub(r"[^\w+=,.@-]", "-", os.environ.get("CODEBUILD_BUILD_ID", "release"))[:64]
        try:
            answer = boto3.client("sts").assume_role(RoleArn=self._role, RoleSessionName=name)
        except ClientError as error:
            raise ReleaseRefused(
                f"the role {self._role} cannot be assumed ({error.response['Error']['Code']})"
            ) from None
        given = answer["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    # -- Contracts -------------------------------------------------------------------------------------------

    def lines_in_force(self) -> set[str]:
        """Return the lines whose contract is in force, by the parameters that the application publishes."""
        pages = (
            self.client("ssm")
            .get_paginator("get_parameters_by_path")
            .paginate(Path=f"/claimwatch/{self.name}/contracts")
        )
        return {
            parameter["Name"].rpartition("/")[2]
            for page in pages
            for parameter in page["Parameters"]
            if json.loads(parameter["Value"]).get("version")
        }

    def apply_contract(self, line: str, text: str) -> None:
        """Put a contract into force and wait until it is; raises ``ReleaseRefused`` if it is refused."""
        applied = next((each for each in self.models(line).contracts if each.status == "applied"), None)
        if applied is not None and applied.sha256 == hashlib.sha256(text.encode()).hexdigest():
            return
        put = self.client("s3").put_object(
            Bucket=self.output("ArtifactBucket"), Key=contract_key(line), Body=text.encode()
        )
        deadline = time.monotonic() + CONTRACT_SECONDS
        while time.monotonic() < deadline:
            for each in self.models(line).contracts:
                if each.object_version != put["VersionId"]:
                    continue
                if each.status == "applied":
                    return
                raise ReleaseRefused(each.error or "a newer version is in force: bring it into the tree")
            self._sleep(POLL_SECONDS)
        raise ReleaseRefused(
            f"it was not applied within {CONTRACT_SECONDS:.0f} s: see the logs of ApplyContract and its"
            " dead-letter queue (docs/runbook.md)"
        )


class StateParameter:
    """The state of a stack in Parameter Store; only the role of the stage's models may write it."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._name = stack, f"/claimwatch/{stack.name}/release"

    def read(self) -> State | None:
        """Return the state; None before the first release."""
        client = self._stack.client("ssm")
        try:
            return state_from_json(client.get_parameter(Name=self._name)["Parameter"]["Value"])
        except client.exceptions.ParameterNotFound:
            return None

    def write(self, state: State) -> None:
        """Replace the state."""
        self._stack.client("ssm").put_parameter(
            Name=self._name,
            Description="Claimwatch - what each line was trained with last. The pipeline writes it.",
            Value=state_to_json(state),
            Type="String",
            Tier="Intelligent-Tiering",  # up to 15 lines fit into 4 KiB, which cost nothing
            Overwrite=True,
        )
