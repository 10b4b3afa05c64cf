"""A stack with two versions of the online scorer, called as Lambda calls them."""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from claimwatch.access.lines_in_force import Contracts, LinesInForce
from claimwatch.aws.function_versions import Called, Described, Report
from claimwatch.aws.objects import ObjectMissing
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.releases.check_scores import Dependencies, Findings, Release, check_scores
from claimwatch.releases.golden_records import GoldenRecords, Subject
from claimwatch.scoring.bundle import MANIFEST
from claimwatch.scoring.bundle_store import read_bundle
from claimwatch.scoring.champions import Champions
from claimwatch.scoring.score_request import Dependencies as ScoringDependencies
from tests.unit.access.environment import PREFIX, World
from tests.unit.models.bundles import make_bundle

HANDLER = Path(__file__).parents[3] / "functions" / "api" / "score_claim" / "handler.py"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:score"
OLD, NEW, ALIAS = f"{FUNCTION}:7", f"{FUNCTION}:8", f"{FUNCTION}:live"
ROLE = "arn:aws:sts::123456789012:assumed-role/claimwatch-CheckScoresRole/CodeDeployHook_check"
OLD_TREE, NEW_TREE = "a" * 64, "b" * 64
CONTEXT: Any = SimpleNamespace(
    function_name="score",
    memory_limit_in_mb=1769,
    invoked_function_arn=FUNCTION,
    aws_request_id="request",
)

PETS = Contract(
    line="pets",
    version="1.0.0",
    table="claim_pets",
    columns=(
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("reported_at", LogicalType.TIMESTAMP, Role.EVENT_TIME, required=True),
        Column("amount", LogicalType.NUMBER, Role.FEATURE),
        Column("known", LogicalType.BOOLEAN, Role.FEATURE),
        Column("animal", LogicalType.STRING, Role.FEATURE),
        Column("bought_on", LogicalType.DATE, Role.FEATURE),
        Column("owner", LogicalType.STRING, Role.IGNORED, required=True, personal=True, hashed=True),
    ),
)

type Change = Callable[[dict[str, Any]], None]
"""Changes the document of an answer."""


@dataclass
class Version:
    """A version of the online scorer, with what is wrong with it."""

    stack: "Stack"
    described: Described
    change: Change | None = None
    error: str | None = None
    report: Report | None = field(default_factory=lambda: Report(900.0, 300))
    busy: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scorer: Any = self.stack.new_process()

    def call(self, event: Any) -> Called:
        plain = json.loads(json.dumps(event))
        self.calls.append(plain)
        if self.error is not None and event["routeKey"] != "GET /v1/health":
            return Called({"errorType": self.error, "errorMessage": "secret"}, self.error, self.report)
        if self.busy:
            self.busy -= 1
            return Called({"statusCode": 503, "body": '{"code": "unavailable"}'}, None, self.report)
        answer = json.loads(json.dumps(self.scorer.handler(plain, CONTEXT)))
        document = json.loads(answer["body"])
        if self.change is not None and "results" in document:
            self.change(document)
        return Called(answer | {"body": json.dumps(document)}, None, self.report)


class Store:
    """The artifact bucket, for records."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def newest(self, bucket: str, key: str) -> bytes:
        assert bucket == "artifacts"
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    def exists(self, bucket: str, key: str) -> bool:
        assert bucket == "artifacts"
        return key in self.objects

    def write(self, bucket: str, key: str, blocks: list[bytes]) -> object:
        assert bucket == "artifacts"
        self.objects[key] = b"".join(blocks)
        return None


class Stack(World):
    """Lines with live models, and two versions of the function that scores their claims."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.slept: list[float] = []
        self.versions = {
            OLD: Version(self, Described(1769, 60 << 20, OLD_TREE)),
            NEW: Version(self, Described(1769, 60 << 20, NEW_TREE)),
        }

    @property
    def old(self) -> Version:
        return self.versions[OLD]

    @property
    def new(self) -> Version:
        return self.versions[NEW]

    def promote(self, contract: Contract = PETS, version: str = "v1") -> str:
        """Publish a contract and a model of its line, and return the hash of the bundle."""
        self.publish_contract(contract)
        files, _ = make_bundle()
        read = json.loads(files[MANIFEST]) | {"line": contract.line, "version": version}
        files[MANIFEST] = json.dumps(read).encode()
        sha256 = hashlib.sha256(files[MANIFEST]).hexdigest()
        folder = f"models/{contract.line}/{version}/"
        self.objects |= {folder + name: content for name, content in files.items()}
        self.publish("live", contract.line, version, f"s3://artifacts/{folder}", sha256)
        return sha256

    def new_process(self) -> ModuleType:
        """Return the function in a process of its own, with nothing in its caches."""
        spec = importlib.util.spec_from_file_location("score_claim", HANDLER)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        lines = LinesInForce(self.read_parameters, PREFIX, self.seconds)
        access = replace(self.access, in_force=lines.get, contract=Contracts(self.newest).get, send=self.send)
        objects: Any = self
        deps = ScoringDependencies(access, Champions(objects).get)
        module.online_runtime = SimpleNamespace(scoring=lambda: deps)  # type: ignore[attr-defined]
        return module

    # -- What the check asks ---------------------------------------------------------------------------------

    def call(self, arn: str, event: object) -> Called:
        return self.versions[arn].call(event)

    def describe(self, arn: str) -> Described:
        return self.versions[arn].described

    def with_traffic(self, alias: str) -> str:
        assert alias == ALIAS
        return OLD

    def pointer(self, kind: str, line: str) -> Pointer | None:
        text = self.parameters.get(f"{PREFIX}/{kind}/{line}")
        return None if text is None else Pointer.parse(text, line)

    def subject(self, line: str) -> Subject | None:
        contract, champion = self.pointer("contracts", line), self.pointer("live", line)
        return None if contract is None or champion is None else Subject(contract, champion)

    def lines(self) -> list[str]:
        names = [name.rpartition("/")[2] for name in self.parameters if f"{PREFIX}/live/" in name]
        return [name for name in names if self.subject(name) is not None]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_seconds(seconds)

    @property
    def deps(self) -> Dependencies:
        objects: Any = self
        return Dependencies(
            versions=self,
            lines=self.lines,
            subject=self.subject,
            contract=Contracts(self.newest).get,
            bundle=lambda champion: read_bundle(objects, champion.uri, champion.sha256),
            records=GoldenRecords(self.store, "artifacts"),
            actor=lambda: ROLE,
            now=lambda: self.now,
            sleep=self.sleep,
        )

    def check(self, *wanted: str, tree: str = NEW_TREE) -> Findings:
        """Check the new version."""
        return check_scores(self.deps, self.release(*wanted, tree=tree))

    def release(self, *wanted: str, tree: str = NEW_TREE) -> Release:
        """Return the new version as a release."""
        return Release("d-ABC", NEW, ALIAS, frozenset(wanted), tree)

    def champion(self, line: str) -> Pointer:
        """Return the live model of a line."""
        found = self.subject(line)
        assert found is not None
        return found.champion


def results(document: dict[str, Any], status: str = "scored") -> list[dict[str, Any]]:
    """The results of an answer with a status."""
    return [result for result in document["results"] if result["status"] == status]
