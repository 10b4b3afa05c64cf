"""Requests generated from openapi.json, valid and damaged, with markers that no error may quote."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from schemathesis import Case

from claimwatch.api.desk_routes import DESK_ROUTES
from claimwatch.api.route import NDJSON, Door, Route
from claimwatch.api.routes import ROUTES
from local.emulator import REGION

BY_LABEL = {f"{route.method} {route.path}": route for route in ROUTES}

MARK = "zq"
"""The beginning of every marker; no sentence of Claimwatch has it."""

OF_A_LINE = {"/v1/lines/{line}/scores", "/v1/lines/{line}/claims/{claim_id}", "/v1/lines/{line}/models"}
"""Routes that are mostly asked about a line that exists. Others would start work or change what is live."""

CHANGING = {"promoteModel", "approveException", "startTraining", "planEvaluation"}
"""Operations whose refusals are sentences for operators, which name the line and the version."""

PLAIN_NAME = re.compile(r"\b(?:line|models?|version) [A-Za-z0-9._-]{1,64}")

SUBMISSIONS = "/v1/lines/{line}/claims"
PURPOSES = ("testing", "operations")


def lines(_context: Any, value: Any) -> bytes:
    """Write a body of NDJSON, which is generated as a text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


schemathesis.serializer(NDJSON)(lines)


@dataclass
class Sent:
    """A request, its answer, and the markers in it."""

    route: Route
    signed: bool
    markers: frozenset[str]
    answer: requests.Response

    @property
    def quoted(self) -> list[str]:
        """The markers that the answer quotes. The results of claims have their own ids."""
        text = self.answer.text
        if self.route.operation in CHANGING:
            text = PLAIN_NAME.sub("", text)
        if self.answer.status_code == 200 and self.route.operation == "scoreClaims":
            results = self.answer.json()["results"]
            text = json.dumps([one.get("problems") for one in results])
        elif self.answer.ok:
            return []
        headers = " ".join(map(str, self.answer.headers.items()))
        return sorted(marker for marker in self.markers if marker in text or marker in headers)


@dataclass
class Client:
    """Signs generated requests as a machine or as a person, and sends them."""

    url: str
    address: str
    token: str
    desk_token: str
    claim_id: str
    case_id: str
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def send(self, case: Case, random: Random) -> Sent:
        """Send a case with markers in some of its values; one in ten has no or a wrong signature."""
        route = BY_LABEL[case.operation.label]
        _aim(case, route, random, self.claim_id, self.case_id)
        markers = _mark(case, random)
        signed = random.random() >= 0.1
        prepared = self._prepared(case, route, signed=signed)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.send(prepared, timeout=60)
        self.counts[case.operation.label, answer.status_code] += 1
        return Sent(route, signed, markers, answer)

    def _prepared(self, case: Case, route: Route, *, signed: bool) -> requests.PreparedRequest:
        arguments = case.as_transport_kwargs(base_url=self.address)
        headers = {
            name: value
            for name, value in (arguments.pop("headers") or {}).items()
            if name.lower() not in ("authorization", "host")
        }
        arguments["headers"] = headers | {"Host": urlsplit(self.url).netloc}
        prepared = requests.Request(**arguments).prepare()
        if route.door is Door.PEOPLE:
            # Nobody may decide cases and read the audit.
            token = self.desk_token if route in DESK_ROUTES and "/app/audit" not in route.path else self.token
            prepared.headers["Authorization"] = f"Bearer {token if signed else token[:-3]}"
        elif route.door is Door.MACHINES and signed:
            request = AWSRequest(prepared.method, prepared.url, dict(prepared.headers), prepared.body or b"")
            session = boto3.Session("test", "test", region_name=REGION)
            credentials = session.get_credentials()
            assert credentials is not None
            SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
            prepared.headers.update(dict(request.headers.items()))
        return prepared


def _aim(case: Case, route: Route, random: Random, claim_id: str, case_id: str) -> None:
    """Make most requests get as far as they can: what they are about exists, and the line has the purpose."""
    known = case.path_parameters if isinstance(case.path_parameters, dict) else {}
    share = 0.8 if route.path in OF_A_LINE or route.path.startswith("/app") else 0.0
    if route.path == SUBMISSIONS:
        share = 0.4
        if random.random() < 0.5:
            case.body = f'{{"claim_id": "{claim_id}"}}\n'
    if "line" in known and random.random() < share:
        known["line"] = "motor"
        if "claim_id" in known and random.random() < 0.9:
            known["claim_id"] = claim_id
    if "case_id" in known and random.random() < 0.8:
        known["case_id"] = case_id
    if isinstance(case.query, dict) and "line" in case.query and random.random() < 0.8:
        case.query["line"] = "motor"
    headers = case.headers
    if headers is not None and "x-purpose" in headers and random.random() < 0.85:
        headers["x-purpose"] = random.choice(PURPOSES)


def _mark(case: Case, random: Random) -> frozenset[str]:
    """Replace some texts of a case by markers, and return all of them."""
    markers: set[str] = set()

    def marker() -> str:
        markers.add(made := f"{MARK}{random.getrandbits(40):010x}")
        return made

    def marked(value: Any, share: float) -> Any:
        if isinstance(value, dict):
            return {
                (marker() if random.random() < share / 4 else name): marked(inner, share)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [marked(inner, share) for inner in value]
        if isinstance(value, str) and random.random() < share:
            return random.choice((marker(), value + marker(), f"2026-13-{marker()}"))
        return value

    case.body = marked(case.body, 0.25)
    if isinstance(case.query, dict):
        case.query = marked(case.query, 0.15)
    if isinstance(case.path_parameters, dict):
        for name, value in case.path_parameters.items():
            if random.random() < 0.1:
                case.path_parameters[name] = f"{value}{marker()}"
    headers = case.headers
    if headers is not None:
        for name in ("x-purpose", "idempotency-key"):
            if name in headers and random.random() < 0.08:
                headers[name] = f"p{marker()}"
    return frozenset(markers)
