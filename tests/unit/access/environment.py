"""The surroundings of a request to the API: parameters, objects, a queue of records and a clock."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from claimwatch.access.lines_in_force import Contracts, LinesInForce
from claimwatch.access.machine_request import Dependencies
from claimwatch.aws.http_api import RawRequest
from claimwatch.aws.objects import ObjectMissing
from claimwatch.domain.contract.compiled import to_json
from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.errors import TransientFault

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


def request(
    body: bytes = b"", line: str = "motor", *, caller: str | None = ROLE, route: str = "", **headers: str
) -> RawRequest:
    """A request about a line, with a purpose unless another one, or an empty one, is given."""
    given = {"x_purpose": "claim_handling"} | headers
    named = {name.replace("_", "-"): value for name, value in given.items() if value}
    return RawRequest(caller, "request-1", route, {"line": line}, named, body)
