"""What the smoke test tries, step by step."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from botocore.exceptions import ClientError

from smoke.claims import LINE, ClaimFile, contract_text, contract_version
from smoke.sign_in import GROUP, Pool, TemporaryPerson
from smoke.stack import Client, Stack
from smoke.steps import Clock, SmokeFailed, Undo
from smoke.web import Answer, Api, Web

EVERY = 1.0
"""Seconds between two looks at something that takes seconds."""

_NO_PARAMETER = "ParameterNotFound"

_SCRIPT = re.compile(rb'<script type="module"[^>]* src="(/assets/[^"]+)"')


@dataclass
class Smoke:
    """A run against a stack. ``client`` returns clients of AWS; ``web`` sends requests."""

    name: str
    file: ClaimFile
    session: boto3.Session
    client: Client
    web: Web
    clock: Clock
    undo: Undo
    with_sign_in: bool = True
    wall_clock: Callable[[], float] = time.time
    _stack: Stack | None = None
    _live: list[str] = field(default_factory=list)
    _token: str = field(default="", repr=False)
    _asker: str = ""

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """Return the steps in their order."""
        people = [
            ("sign in", self.sign_in),
            ("read /app/me", self.read_me),
            ("find the score in the audit", self.find_score_in_audit),
        ]
        return [
            ("find the stack", self.find_stack),
            ("apply the contract", self.apply_contract),
            ("drop a file", self.drop_file),
            ("ask for /v1/health", self.ask_health),
            ("ask for /v1/ready", self.ask_ready),
            ("find the claims", self.find_claims),
            ("ask for scores", self.ask_for_scores),
            ("open the desk", self.open_desk),
            *people,
        ]

    @property
    def stack(self) -> Stack:
        """The stack, once it was found."""
        assert self._stack is not None  # noqa: S101 - the first step finds it
        return self._stack

    @property
    def api(self) -> Api:
        """The API of the stack."""
        return Api(self.stack.outputs["ApiUrl"], self.session, self.web, self.clock)

    def find_stack(self) -> str:
        self._stack = Stack.find(self.client, self.name)
        return f"{self.stack.status}, {self.stack.parameters.get('CodeVersion', 'unknown code')}"

    # -- Files ---------------------------------------------------------------------------------------------

    def apply_contract(self) -> str:
        """Apply the contract of the line if another version, or none, is in force."""
        text = contract_text()
        version = contract_version(text)
        if self._version_in_force() == version:
            return f"version {version} is in force"
        bucket = self.stack.outputs["ArtifactBucket"]
        self.client("s3").put_object(Bucket=bucket, Key=f"contracts/{LINE}.yaml", Body=text.encode())
        found = self.clock.wait_until(lambda: self._version_in_force() == version or None, EVERY)
        if not found:
            raise SmokeFailed(
                f"The contract of line {LINE} was stored but not applied",
                f"object contracts/{LINE}.yaml in {bucket}, queue ContractsQueue, function ApplyContract",
                "the dead-letter queue of contracts, and docs/runbook.md, 'A contract was refused'",
            )
        return f"version {version} applied"

    def _version_in_force(self) -> str | None:
        name = f"/claimwatch/{self.name}/contracts/{LINE}"
        try:
            value = self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"].get("Code") == _NO_PARAMETER:
                return None
            raise
        return _pointer_version(value)

    def drop_file(self) -> str:
        """Drop the claims under a key that no other run has."""
        s3, bucket = self.client("s3"), self.stack.outputs["LandingBucket"]
        self.undo.add(
            f"the versions of {self.file.key} in {bucket}", lambda: _remove(s3, bucket, self.file.key)
        )
        s3.put_object(Bucket=bucket, Key=self.file.key, Body=self.file.content())
        return f"{len(self.file.valid)} claims, and {len(self.file.broken)} that break the contract"

    def find_claims(self) -> str:
        """Wait until the claims can be asked for, and see that the broken ones cannot."""
        if not self.clock.wait_until(lambda: self._claim(self.file.valid[0]), EVERY):
            raise SmokeFailed(
                "The claims that were dropped are not visible",
                f"object {self.file.key} in {self.stack.outputs['LandingBucket']}, queue ClaimsQueue,"
                " state machine of output ClaimsPipelineArn",
                "the newest executions of that state machine, the dead-letter queue of claims, and"
                " docs/runbook.md, 'A file failed'",
            )
        missing = [claim for claim in self.file.valid if self._claim(claim) is None]
        shown = [claim for claim in self.file.broken if self._claim(claim) is not None]
        if missing or shown:
            what = f"{len(missing)} of the valid claims are missing" if missing else ""
            more = f"{len(shown)} claims that break the contract were loaded" if shown else ""
            raise SmokeFailed(
                " and ".join(filter(None, (what, more))),
                f"object {self.file.key}",
                "`claimwatch files --line smoke` and `claimwatch quarantine` for the file",
            )
        return f"{len(self.file.valid)} are visible, {len(self.file.broken)} are not"

    def _claim(self, claim_id: str) -> dict[str, Any] | None:
        """Return the status of a claim; None if there is no such claim yet."""
        path = f"/v1/lines/{LINE}/claims/{quote(claim_id, safe='')}"
        answer = self.api.signed("GET", path)
        if answer.status == HTTPStatus.OK:
            return answer.document
        if answer.status == HTTPStatus.NOT_FOUND and answer.code == "not_found":
            return None
        raise _unexpected("for a claim", path, answer)

    # -- The API -------------------------------------------------------------------------------------------

    def ask_health(self) -> str:
        answer = self.api.open("/v1/health")
        if answer.status != HTTPStatus.OK or answer.document.get("status") != "ok":
            raise _unexpected("of nobody", "/v1/health", answer)
        return ""

    def ask_ready(self) -> str:
        """Have the contract and the model of every line loaded."""
        answer = self.api.signed("GET", "/v1/ready")
        if answer.status != HTTPStatus.OK:
            raise _unexpected("signed by this role", "/v1/ready", answer)
        lines = answer.document.get("lines", [])
        self._live = [each["line"] for each in lines if each["ready"]]
        named = ", ".join(f"{each['line']} {each['model_version']}" for each in lines if each["ready"])
        return f"live models: {named or 'none'}"

    def ask_for_scores(self) -> str:
        """Ask for a score in line smoke, which has no model, and in every line with one."""
        amount = {"amount": 100, "kind": "glass", "reported_at": self.file.begun.isoformat()}
        notes = [self._score(LINE, {"claim_id": self.file.valid[0], **amount})]
        # Claims of these lines are about persons. One with an id alone has no value of anybody: it breaks the
        # contract, or it is scored.
        notes += [self._score(line, {"claim_id": self.file.valid[0]}) for line in self._live if line != LINE]
        return ", ".join(notes)

    def _score(self, line: str, claim: dict[str, Any]) -> str:
        path = f"/v1/lines/{line}/scores"
        answer = self.api.signed("POST", path, {"claims": [claim]})
        match answer.status, answer.code:
            case (HTTPStatus.CONFLICT, "no_model") if line not in self._live:
                return f"{line}: no model"
            case (HTTPStatus.BAD_REQUEST, "purpose"):
                return f"{line}: its contract has no purpose `testing`"
            case (HTTPStatus.OK, _):
                [result] = answer.document["results"]
                if result["status"] == "scored" or result.get("problems"):
                    return f"{line}: {result['status']}"
        raise _unexpected("for a score", path, answer)

    def open_desk(self) -> str:
        """Ask for the page, the script that it starts with, and its configuration."""
        domain = self.stack.outputs.get("DeskDistributionDomain")
        if domain is None:
            return "not tried: this stack has no desk"
        # The name that CloudFront gives, because the DNS of parameter DeskDomain may not refer to it yet.
        desk = Api(f"https://{domain}", self.session, self.web, self.clock)
        page = _file(desk, "/")
        if b"The desk is missing" in page.body:
            return "it was deployed without its page, as the page says"
        script = _SCRIPT.search(page.body)
        if script is None:
            raise _desk_broken("The page of the desk starts no script", desk, "/")
        _file(desk, script[1].decode())
        client = _file(desk, "/config.json").document.get("client_id")
        if client != self.stack.outputs.get("UserPoolClientId", client):
            raise _desk_broken("The desk signs people in as another stack does", desk, "/config.json")
        return ""

    # -- People --------------------------------------------------------------------------------------------

    def sign_in(self) -> str:
        """Sign in as a person who exists for this run."""
        outputs = self.stack.outputs
        if not self.with_sign_in:
            return "not tried, as asked"
        if not {"UserPoolId", "UserPoolClientId", "SignInUrl"} <= set(outputs):
            return "not tried: people sign in at the issuer of parameter IdentityIssuer"
        pool = Pool(
            outputs["UserPoolId"],
            outputs["UserPoolClientId"],
            outputs["SignInUrl"],
            self.stack.parameters["SignInCallbackUrls"].split(",")[0],
            self.stack.parameters.get("SignInMfa", "totp") == "totp",
        )
        person = TemporaryPerson(
            self.client("cognito-idp"), pool, self.person, self.web, self.clock, self.wall_clock
        )
        self.undo.add(f"the person {self.person} in the user pool {pool.pool}", person.delete)
        person.create()
        self._token = person.sign_in()
        return f"as {self.person}{', with a one-time password' if pool.totp else ''}"

    @property
    def person(self) -> str:
        """The name of the person of this run."""
        return f"smoke-{self.file.run}"

    def read_me(self) -> str:
        if not self._token:
            return "not tried"
        answer = self.api.of_person("/app/me", self._token)
        if answer.status != HTTPStatus.OK or answer.document.get("actor") != self.person:
            raise _unexpected("of the person who signed in", "/app/me", answer)
        if GROUP not in answer.document.get("groups", []):
            raise SmokeFailed(
                f"The person who signed in is not in group {GROUP}",
                f"{self.stack.outputs['ApiUrl']}/app/me",
                "parameter IdentityGroupsClaim, and the groups of the user pool",
            )
        return ""

    def find_score_in_audit(self) -> str:
        """Wait for the access event of the request for scores, which a queue delivers."""
        if not self._token:
            return "not tried"
        if self.clock.wait_until(self._event_of_score, EVERY) is None:
            raise SmokeFailed(
                "The request for scores has no access event",
                "queue of output ScoreRecordsQueueUrl, function RecordScores",
                "the dead-letter queue of records, and docs/runbook.md, 'Dead letters'",
            )
        return f"by {self._asker.rsplit('/', 1)[-1]}"

    def _event_of_score(self) -> dict[str, Any] | None:
        if not self._asker:
            # The same identity asked for the status of a claim that no other run has.
            asked = self._events(action="claim.status", claim=self.file.valid[0])
            if not asked:
                return None
            self._asker = asked[0]["actor"]
        found = self._events(action="score", actor=self._asker)
        return found[0] if found else None

    def _events(self, **filters: str) -> list[dict[str, Any]]:
        since = (self.file.begun - timedelta(minutes=1)).isoformat()
        path = f"/app/audit?{urlencode({'line': LINE, 'since': since, **filters})}"
        answer = self.api.of_person(path, self._token)
        if answer.status != HTTPStatus.OK:
            raise _unexpected("of a member of group auditor", "/app/audit", answer)
        events: list[dict[str, Any]] = answer.document["events"]
        return events


def _file(desk: Api, path: str) -> Answer:
    """Return a file of the desk."""
    answer = desk.open(path)
    if answer.status != HTTPStatus.OK:
        raise _desk_broken(f"A request for a file of the desk is answered {answer.status}", desk, path)
    return answer


def _desk_broken(what: str, desk: Api, path: str) -> SmokeFailed:
    return SmokeFailed(
        what, f"{desk.url}{path}", "the bucket of output DeskBucket, and the log of function PublishDesk"
    )


def _pointer_version(value: str) -> str | None:
    found = json.loads(value).get("version")
    return str(found) if found is not None else None


def _remove(s3: Any, bucket: str, key: str) -> None:
    """Remove every version of an object."""
    found = s3.list_object_versions(Bucket=bucket, Prefix=key)
    for version in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def _unexpected(whose: str, path: str, answer: Answer) -> SmokeFailed:
    look_at = "the log group of output FunctionLogGroup"
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        look_at = "docs/api.md, 'Access', and whose credentials this process has"
    return SmokeFailed(f"A request {whose} is answered {answer.problem}", path, look_at)
