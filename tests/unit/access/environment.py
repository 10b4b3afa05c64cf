"""The surroundings of a request to the API: parameters, objects, a queue of records and a clock."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from claimwatch.access.lines_in_force import Contracts, InForce, LinesInForce
from claimwatch.access.machine_request import Dependencies
from claimwatch.aws.http_api import RawRequest
from claimwatch.aws.objects import ObjectMissing
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.compiled import to_json
from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.files.records import Problem
from claimwatch.domain.validation.claim_json import Claim
from claimwatch.domain.validation.claim_validator import RejectedClaim
from claimwatch.errors import TransientFault
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.online import ClaimScore
from claimwatch.scoring.score_request import Dependencies as ScoringDependencies

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
ROLE = "arn:aws:sts::123456789012:assumed-role/claims-system/i-1"
PREFIX = "/claimwatch/test"
KEY = bytes(range(32))
CONTRACT = Contract(
    line="motor",
    version="1.2.0",
    table="claim_motor",
    columns=(
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("amount", LogicalType.NUMBER, Role.FEATURE),
    ),
    purposes=("claim_handling", "testing"),
)


class World:
    """What a request meets: parameters by name, objects by key, the records sent, and the time."""

    def __init__(self, *, models: bool = True) -> None:
        self.parameters: dict[str, str] = {f"{PREFIX}/draw-key": KEY.hex()}
        self.objects: dict[str, bytes] = {}
        self.records: list[dict[str, Any]] = []
        self.reads: list[list[str]] = []
        self.queue_works = self.parameters_work = True
        self.now = NOW
        lines = LinesInForce(self.read_parameters, PREFIX, self.seconds, models=models)
        self.access = Dependencies(
            lines.get,
            Contracts(self.newest).get,
            self.send,
            "9.9.9",
            lambda: self.now,
        )

    def publish_contract(self, contract: Contract = CONTRACT) -> None:
        """Apply a contract."""
        content = to_json(contract).encode()
        digest = hashlib.sha256(content).hexdigest()
        key = f"compiled/{contract.line}/{digest}.json"
        self.objects[key] = content
        self.publish("contracts", contract.line, contract.version, f"s3://artifacts/{key}", digest)

    def publish(self, kind: str, line: str, version: str | None, uri: str = "", sha256: str = "") -> None:
        """Store a pointer."""
        pointer = {"line": line, "version": version, "uri": uri, "sha256": sha256}
        self.parameters[f"{PREFIX}/{kind}/{line}"] = json.dumps(pointer)

    def read_parameters(self, names: Sequence[str]) -> dict[str, str]:
        self.reads.append(list(names))
        if not self.parameters_work:
            raise TransientFault("Parameter Store did not answer")
        return {name: self.parameters[name] for name in names if name in self.parameters}

    def seconds(self) -> float:
        return self.now.timestamp()

    def newest(self, bucket: str, key: str) -> bytes:
        assert bucket == "artifacts"
        if key not in self.objects:
            raise ObjectMissing("missing")
        return self.objects[key]

    def send(self, messages: list[Mapping[str, Any]]) -> None:
        if not self.queue_works:
            raise TransientFault("SQS did not answer")
        self.records += [json.loads(json.dumps(dict(message))) for message in messages]

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


REASON = {"feature": "amount", "value": 0.1 + 0.2}


class Model:
    """A model that rejects claims named so, and scores all others."""

    threshold = 0.25

    @property
    def of_stored_claims(self) -> "Model":
        return self

    def score(self, claims: Sequence[Claim]) -> list[ClaimScore | RejectedClaim]:
        return [self._result(dict(claim.value)["claim_id"]) for claim in claims]  # type: ignore[arg-type]

    def _result(self, claim_id: str) -> ClaimScore | RejectedClaim:
        if claim_id == "broken":
            return RejectedClaim(
                None, (Problem("amount", "type", "the value is not a number"), Problem(None, "json", "x"))
            )
        return ClaimScore(claim_id, 0.1 + 0.2, 99.00000000000001, True, [REASON])


class Scoring(World):
    """The surroundings, with models by the hash of their bundle."""

    def __init__(self, send: Callable[[list[Mapping[str, Any]]], None] | None = None) -> None:
        super().__init__()
        self._take = send or self.send
        self.publish_contract()
        self.promote("7")
        self.damaged: set[str] = set()

    def promote(self, version: str) -> None:
        """Make a version the champion."""
        self.publish("live", "motor", version, f"s3://artifacts/models/motor/{version}/", version * 64)

    def model(self, _: InForce, champion: Pointer, contract: Contract) -> Model:
        assert contract.line == champion.line
        if champion.version in self.damaged:
            raise BundleMismatch("model.onnx does not have the hash in its manifest")
        return Model()

    @property
    def deps(self) -> ScoringDependencies:
        return ScoringDependencies(replace(self.access, send=self._take), self.model)


def request(
    body: bytes = b"",
    line: str = "motor",
    *,
    caller: str | None = ROLE,
    request_id: str = "request-1",
    **headers: str,
) -> RawRequest:
    """A request about a line, with a purpose unless another one, or an empty one, is given."""
    given = {"x_purpose": "claim_handling"} | headers
    named = {name.replace("_", "-"): value for name, value in given.items() if value}
    return RawRequest(caller, request_id, "", {"line": line}, named, body)
