"""Contracts: the text is read, its table is created, and a file is validated and loaded by its rules."""

import copy
import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import yaml

from claimwatch.aws.events import CreatedObject
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import plan_change
from claimwatch.domain.files.header import csv_layout
from claimwatch.errors import RefusedContract
from claimwatch.ingest import apply_contract
from claimwatch.ingest.plan import cutter
from claimwatch.ingest.publish_running import publish_running
from claimwatch.ingest.replay import resume
from claimwatch.ingest.validation import cached_validator
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.fuzz import claims
from tests.fuzz.files import StrictSite, check_file
from tests.fuzz.mutation import hostile_text, mutated
from tests.fuzz.target import BrokenPromise, Environment, check_sentence, check_storable
from tests.integration.ingest.environment import ARTIFACTS, KEY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

MOST_TEXT = 4 << 20
"""Bytes of the reasons against one contract."""


class ContractReader:
    """Reads a contract as ApplyContract does, and files by it."""

    def __init__(self, environment: Environment, database: ClonedDatabase) -> None:
        self._folder = environment.folder / "buckets"
        self._objects = FilesystemObjectStore(self._folder)
        self._site = StrictSite(database, self._objects)
        self._inputs = 0

    def read(self, data: bytes, *, stored: bool) -> str:
        self._inputs += 1
        # A line of its own for each input, because a line's contracts must have rising versions.
        line = f"{claims.LINE}{os.getpid()}_{self._inputs}"
        for place in (b"claim_", b"value: ", b"value: &id001 "):
            data = data.replace(place + b"fuzz\n", place + line.encode() + b"\n")
        try:
            outcome = self._parse(data, line)
            if stored:
                self._apply(data, line, outcome)
            return outcome
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def peak(self) -> int:
        return 0

    def _parse(self, data: bytes, line: str) -> str:
        ref = self._objects.write(ARTIFACTS, f"contracts/{line}.yaml", [data])
        text, problems = apply_contract._read(self._objects, ref)
        check_storable(text)
        try:
            contract = parse_contract(text, line)
        except RefusedContract as refusal:
            problems = problems or refusal.problems
            contract = None
        change = plan_change({}, contract) if contract else None
        problems = problems or list(change.problems if change else ())
        if problems or contract is None:
            _check_problems(problems)
            return "refused"
        self._validate(contract)
        return "applied"

    def _validate(self, contract: Contract) -> None:
        """Validate rows by the contract's rules without PostgreSQL."""
        layout = csv_layout(contract, [column.name for column in contract.columns], ",")
        records = _file(contract).split("\n", 1)[1].encode()
        batches = list(cutter(",", len(layout.fields)).cut([records]))
        with cached_validator(layout, KEY) as validator:
            result = validator.check(iter(batches), 1)
            rows = list(result.refused)
        if result.loaded + len(rows) != result.read:
            raise BrokenPromise("rows were lost")
        for row in rows:
            check_storable([row.raw, *map(vars, row.problems)])

    def _apply(self, data: bytes, line: str, expected: str) -> None:
        ref = self._objects.write(ARTIFACTS, f"contracts/{line}.yaml", [data])
        created = CreatedObject(ref, len(data), f"{self._inputs:04X}", NOON)
        database = self._site.database.as_task("contracts")
        deps = apply_contract.Dependencies(
            database,
            self._objects,
            self._site,
            lambda file_id: resume(database, self._site, file_id),
            lambda line: publish_running(self._site.publishing, line),
        )
        applied = apply_contract.apply_contract(deps, created)
        if applied.status != expected:
            raise BrokenPromise(
                "the contract is not what it was found to be", f"{applied.status}, {expected}"
            )
        if applied.status == "applied":
            text = data.decode("utf-8-sig", "replace")
            contract = parse_contract(text, line)
            check_file(self._site.drop(f"claims/{line}/first.csv", _file(contract)))


def _check_problems(problems: list[str]) -> None:
    if not problems or sum(map(len, problems)) > MOST_TEXT:
        raise BrokenPromise("the reasons against a contract are missing or endless")
    for problem in problems:
        check_sentence(problem)


def _file(contract: Contract) -> str:
    """Return a file with valid and hostile rows for the contract, which depend on nothing else."""
    random = Random(contract.version)
    names = [column.name for column in contract.columns][:200]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in contract.columns])
    for row in range(5):
        writer.writerow(
            [claims.cell(random, name, row)[:3_000] for name in names]
            + [""] * (len(contract.columns) - len(names))
        )
    return text.getvalue()


@contextmanager
def open_contracts(environment: Environment) -> Iterator[ContractReader]:
    """Open a reader of contracts."""
    with closing(environment.database()) as database:
        yield ContractReader(environment, database)


# -- Generator -----------------------------------------------------------------------------------------------

# The SAM CLI, once imported, makes PyYAML return ordered dictionaries, which it cannot write.
_SEED: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(claims.CONTRACT)))

_VALUES: tuple[Any, ...] = (
    None,
    True,
    "no",
    0,
    -1,
    10**30,
    1e400,
    "1.0.0-" + "9" * 5_000,
    "999999999999.0.0",
    "1.0",
    "2026-02-30",
    "^[a-z]+$",
    "^(a+)+$",
    "^" + "[a-z]*" * 30 + "$",
    "[",
    "a{1,99999}",
    "(?P<x>a)(?(x)b|c)",
    "^\\p{L}$",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "yyyy-MM-dd'T'HH:mm",
    "%",
    "%Q",
    "hash",
    "plain",
    "identifier",
    "feature",
    "label",
    "text",
    "protected",
    "ignored",
    "event_time",
    "string",
    "integer",
    "boolean",
    "number",
    "timestamp",
    "date",
    "object",
    "varchar(20)",
    "decimal(38, 10)",
    "claim_id",
    "file_id",
    "extra",
    "row_number",
    "amount",
    [],
    {},
    [""],
    ["?", '"', ",", "\n", "''"],
    ["x" * 3_000],
    ["a", "a", "A"],
    list(range(3_000)),
    {"a": {"b": {"c": []}}},
)
_COLUMN_KEYS = (
    "name",
    "logicalType",
    "physicalType",
    "required",
    "unique",
    "primaryKey",
    "classification",
    "description",
    "synonyms",
    "logicalTypeOptions",
    "quality",
    "customProperties",
    "criticalDataElement",
    "partitioned",
    "transformLogic",
)
_OPTIONS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "pattern",
    "minLength",
    "maxLength",
    "format",
    "timezone",
)
_PROPERTIES = (
    "role",
    "storeAs",
    "missingValues",
    "dateFormat",
    "decimalSeparator",
    "thousandsSeparator",
    "numberUnit",
    "negativeNumbers",
    "trueValues",
    "falseValues",
    "line",
    "eventColumn",
    "claimantColumn",
    "amountColumn",
    "reviewCapacity",
    "reviewCost",
    "auditShare",
    "maturityDays",
    "extra",
    "purposes",
)


def contract(random: Random) -> bytes:
    """Draw a contract: a valid one with some changes, or with damaged bytes."""
    raw = copy.deepcopy(_SEED)
    for _ in range(random.randint(0, 3)):
        _change(random, raw)
    data = yaml.dump(
        raw, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=random.random() < 0.5
    ).encode()
    return mutated(random, data, most=4) if random.random() < 0.35 else data


def _change(random: Random, raw: dict[str, Any]) -> None:
    columns: list[dict[str, Any]] = raw["schema"][0]["properties"]
    column = random.choice(columns)
    value = copy.deepcopy(random.choice(_VALUES))
    if random.random() < 0.2:
        value = hostile_text(random, longest=10_000)
    match random.randrange(9):
        case 0:
            column[random.choice(_COLUMN_KEYS)] = value
        case 1:
            options = column.setdefault("logicalTypeOptions", {})
            if isinstance(options, dict):
                options[random.choice(_OPTIONS)] = value
        case 2 | 3:
            _properties(column).append({"property": random.choice(_PROPERTIES), "value": value})
        case 4:
            _properties(raw).append({"property": random.choice(_PROPERTIES), "value": value})
        case 5:
            name = value if isinstance(value, str) else "another"
            columns.append({"name": name, "logicalType": random.choice(("string", "number", "date"))})
        case 6:
            number = random.choice((1, 50, 1_500, 1_700))
            columns += [{"name": f"more {place}", "logicalType": "integer"} for place in range(number)]
        case 7:
            column["synonyms"] = [{"synonym": value}, {"synonym": hostile_text(random, longest=2_000)}]
        case _:
            arguments = {"validValues": value}
            column["quality"] = [
                {"type": "library", "metric": "invalidValues", "arguments": arguments, "mustBe": 0}
            ]


def _properties(owner: dict[str, Any]) -> list[dict[str, Any]]:
    found = owner.setdefault("customProperties", [])
    return found if isinstance(found, list) else []
