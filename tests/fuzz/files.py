"""Files of claims: CSV, NDJSON and JSON, gzip around both, and Parquet."""

import csv
import gzip
import io
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from random import Random
from typing import Any, cast

from claimwatch.aws.alerts import SnsAlerts
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import RefusedFile
from claimwatch.ingest import drafting, inspect, load
from claimwatch.ingest.plan import Plan
from claimwatch.ingest.validation import cached_validator
from claimwatch.storage.ledger import File
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.fuzz import claims
from tests.fuzz.mutation import HOSTILE_BYTES, edge_number, hostile_text, mutated
from tests.fuzz.target import (
    MOST_MESSAGE,
    BrokenPromise,
    Environment,
    check_private,
    check_sentence,
    check_storable,
)
from tests.integration.ingest.environment import KEY, LANDING, Row, Site

CHECKED_ROWS = 5_000
"""Refused rows whose reasons are checked; millions of rows usually have the same."""

# -- Readers -------------------------------------------------------------------------------------------------


class StrictSns:
    """SNS, as strict about messages as it is on AWS."""

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> None:  # noqa: ARG002, N803 - as in boto3
        """Check a message."""
        if len(Message.encode()) > MOST_MESSAGE:
            raise BrokenPromise("a notice is larger than SNS accepts", f"{len(Message.encode()):,} bytes")
        if not 0 < len(Subject) <= 100 or not Subject.isascii() or not Subject.isprintable():
            raise BrokenPromise("SNS rejects the subject of a notice", repr(Subject))
        if not all(line.isprintable() for line in Message.split("\n")):
            raise BrokenPromise("a notice is not printable", repr(Message[:500]))
        check_private(Subject + Message)


class StrictSite(Site):
    """The pipeline with real PostgreSQL; it lets every exception through."""

    def publish(self, subject: str, message: str) -> None:
        SnsAlerts(cast("Any", StrictSns()), "topic").publish(subject, message)

    def run(self) -> None:
        while self.waiting:
            self.execute(*self.waiting.popleft())


class FileReader:
    """Reads a file as InspectFile, LoadChunk and CommitFile do."""

    def __init__(self, environment: Environment, database: ClonedDatabase) -> None:
        self._folder = environment.folder / "buckets"
        self._objects = FilesystemObjectStore(self._folder)
        self._contract = parse_contract(claims.CONTRACT, claims.LINE)
        self._site = StrictSite(database, self._objects)
        self._deps = self._site.inspection
        applied = self._site.put_contract(claims.LINE, claims.CONTRACT)
        assert applied.status == "applied", applied
        self._inputs = 0

    def read(self, data: bytes, *, stored: bool) -> str:
        self._inputs += 1
        # Unique in the database too, which outlives this process.
        self._key = f"claims/{claims.LINE}/{os.getpid()}-{self._inputs}"
        try:
            outcome = self._load(data)
            if stored:
                self._draft(data)
                row = self._site.drop(self._key, data)
                check_file(row)
                if (row["status"] == "refused") != (outcome == "refused"):
                    raise BrokenPromise("the ledger says otherwise", f"{row['status']}, {outcome}")
            return outcome
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def peak(self) -> int:
        return 0

    def _load(self, data: bytes) -> str:
        """Inspect and validate a file without PostgreSQL."""
        try:
            plan = self._plan(data)
        except RefusedFile as refusal:
            check_sentence(str(refusal))
            return "refused"
        rows, refused = 0, 0
        for number in range(len(plan.chunks)):
            chunk_rows, chunk_refused = self._validate(plan, number)
            rows, refused = rows + chunk_rows, refused + chunk_refused
        if refused:
            return "partly loaded" if rows > refused else "quarantined"
        return "loaded" if rows else "without rows"

    def _plan(self, data: bytes) -> Plan:
        ref = self._objects.write(LANDING, self._key, [data])
        plan, described = inspect._plan(self._deps, _file(ref), ref, self._contract)
        check_sentence(described)
        as_json = plan.to_json()
        check_storable(as_json)
        return Plan.from_json(json.loads(json.dumps(as_json)))

    def _validate(self, plan: Plan, number: int) -> tuple[int, int]:
        chunk = plan.chunks[number]
        read = refused = 0
        remaining = load.batches(self._objects, plan, chunk)
        with cached_validator(plan.layout(self._contract), KEY) as validator:
            while (result := validator.check(remaining, chunk.first_row + read)).read:
                explained = 0
                for row in result.refused:
                    if explained < CHECKED_ROWS:
                        check_storable([row.raw, *map(vars, row.problems)])
                    explained += 1
                if result.loaded + explained != result.read:
                    raise BrokenPromise("rows were lost")
                read += result.read
                refused += explained
        return read, refused

    def _draft(self, data: bytes) -> None:
        """Draft a contract, as for the first file of a line."""
        ref = self._objects.write(LANDING, self._key, [data])
        try:
            prepared = inspect._prepare(self._deps, _file(ref), ref, known_columns=())
            draft = drafting.draft(self._objects, claims.LINE, prepared)
        except RefusedFile as refusal:
            check_sentence(str(refusal))
            return
        check_storable(draft)


def check_file(row: Row) -> None:
    """Check the ledger's row of a file after its execution."""
    if row["status"] not in ("committed", "refused", "parked"):
        raise BrokenPromise("a file ends in a wrong status", row["status"])
    if row["status"] == "committed" and row["rows_read"] != row["rows_loaded"] + row["rows_quarantined"]:
        raise BrokenPromise("rows were lost", f"{row['rows_read']} read, {row['rows_loaded']} loaded")
    if row["status"] == "refused":
        check_sentence(row["error"])


def _file(ref: ObjectRef) -> File:
    return File(
        1, "claims", claims.LINE, ref.bucket, ref.key, ref.version_id, "received", 1, None, None, None, False
    )


@contextmanager
def open_files(environment: Environment) -> Iterator[FileReader]:
    """Open a reader of files."""
    with closing(environment.database()) as database:
        yield FileReader(environment, database)


# -- Generators ----------------------------------------------------------------------------------------------


def csv_file(random: Random) -> bytes:
    """Draw a CSV file."""
    data = _csv_text(random).encode(_encoding(random), "replace")
    if random.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    return mutated(random, data, most=3) if random.random() < 0.5 else data


def _encoding(random: Random) -> str:
    return random.choice(("utf-8",) * 8 + ("utf-16", "utf-16-le", "cp1252", "utf-8-sig"))


def _csv_text(random: Random) -> str:
    names = claims.header(random)
    text = io.StringIO()
    if random.random() < 0.1:
        text.write(random.choice(("Report of March\n\n", "sep=;\n", "# made by x\n", "\n\n\n")))
    delimiter = random.choice((",", ",", ",", ";", "\t", "|"))
    ending = random.choice(("\n", "\n", "\r\n", "\r"))
    if random.random() < 0.8:
        writer = csv.writer(
            text, delimiter=delimiter, lineterminator=ending, quoting=random.choice((0, 0, 1))
        )
        writer.writerow(names)
        writer.writerows(claims.rows(random, names))
    else:  # without any quotes, so that hostile cells break the rows
        text.writelines(delimiter.join(row) + ending for row in (names, *claims.rows(random, names)))
    if random.random() < 0.03:
        text.write((delimiter * random.choice((0, 10)) + ending) * random.choice((10, 100_000)))
    return text.getvalue()


_RAW_JSON = (
    "null",
    "true",
    "[]",
    "{}",
    "-0.0",
    "1e99999",
    "0.1e-7",
    "[[[[[1]]]]]",
    '{"a": {"b": [1, 2, {"c": null}]}}',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u001f\\u007f"',
    '"\\"\\\\/\\b\\f\\n\\r\\t"',
    "NaN",
    "-Infinity",
    "01",
    "+1",
    ".5",
    "'x'",
    "9" * 30,
    "1" * 140_000,
    "0." + "3" * 17_000,
    "[" * 10_000,
    "[" * 400 + "]" * 400,
    "[" * 20_000 + "]" * 20_000,
)
_HOSTILE_KEYS = (
    "claim_id\n",
    "claim_id\x1c",
    "\x1famount",
    "Claim ID",
    "amount\0",
    "\0",
    "",
    " ",
    "a.b",
    "$.x",
    "extra",
    "file_id",
    "am\ud800ount",
    "\udfff",
    "\u202eamount",
    "k" * 5_000,
    '"quoted"',
    "it's",
)


def json_file(random: Random) -> bytes:
    """Draw an NDJSON file, or one of a JSON array or of concatenated objects."""
    names = [name for name in claims.header(random) if len(name) < 300_000]
    records = [_json_object(random, names, row) for row in claims.rows(random, names)]
    if records and random.random() < 0.08:
        records.insert(random.randrange(len(records) + 1), random.choice(_RAW_JSON))
    match random.randrange(8):
        case 0:
            text = "[" + ",\n".join(records) + "]"
        case 1:
            text = random.choice(("", " ", "\n\n", "\r\n", ",")).join(records)
        case 2:
            text = '{"claims": [' + ",".join(records) + "]}"
        case _:
            text = "".join(record + "\n" for record in records)
    data = text.encode(_encoding(random), "replace")
    return mutated(random, data, most=3) if random.random() < 0.5 else data


def _json_object(random: Random, names: Sequence[str], row: list[str]) -> str:
    pairs: list[str] = []
    for name, value in zip(names, row, strict=True):
        if random.random() < 0.05:
            continue
        key = random.choice(_HOSTILE_KEYS) if random.random() < 0.02 else name
        written = json.dumps(value, ensure_ascii=random.random() < 0.5)
        # The personal values stay as they are: a number in place of one would be found in no text.
        if name not in claims.PERSONAL:
            if value.replace(".", "", 1).isdigit() and random.random() < 0.5:
                written = value
            elif random.random() < 0.03:
                written = random.choice(_RAW_JSON)
        pairs.append(f"{json.dumps(key)}: {written}")
    return "{" + ", ".join(pairs) + "}"


def gzip_file(random: Random) -> bytes:
    """Draw a file compressed with gzip: one or many members, damaged, padded, or a bomb."""
    content = csv_file(random) if random.random() < 0.5 else json_file(random)
    match random.randrange(8):
        case 0:
            size = random.choice((1, 7, 100))
            content = content[: 300 * size]
            packed = b"".join(_packed(content[at : at + size]) for at in range(0, len(content), size))
        case 1:
            packed = _packed(content) + bytes(random.choice((1, 100, 5_000)))
        case 2:
            packed = _packed(content) + random.choice(HOSTILE_BYTES) * random.choice((1, 50))
        case 3:
            packed = _bomb(random.choice((b"\n", b"\0", b"[", b'"', b"0", b",", b"{}\n")), content[:2_000])
        case 4:
            packed = _packed(_packed(content))
        case _:
            packed = _packed(content, random.choice((0, 1, 9)))
    return mutated(random, packed, most=3) if random.random() < 0.4 else packed


def _packed(content: bytes, level: int = 9) -> bytes:
    return gzip.compress(content, level, mtime=0)  # the same seed draws the same bytes at any time


def _bomb(filling: bytes, beginning: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = filling * ((1 << 20) // len(filling))
    return packer.compress(beginning) + b"".join(packer.compress(block) for _ in range(3)) + packer.flush()


def parquet_file(random: Random) -> bytes:
    """Draw a Parquet file; damage is put where it tells most: into the footer and the page headers."""
    data = _parquet(random.randrange(60))
    if random.random() < 0.15:
        return data
    footer = int.from_bytes(data[-8:-4], "little")
    start = random.choice((len(data) - 8 - footer, len(data) - 8 - footer, 4, len(data) - 8))
    damaged = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(min(start, len(damaged) - 1), len(damaged))
        match random.randrange(5):
            case 0 | 1:
                damaged[at] ^= 1 << random.randrange(8)
            case 2:
                damaged[at] = random.choice((0, 1, 0x15, 0x7F, 0x80, 0xFF))
            case 3:
                damaged[-8:-4] = edge_number(random, 4).to_bytes(4, "little")
            case _:
                damaged[at : at + random.randint(1, 8)] = random.randbytes(random.randint(1, 12))
    return bytes(damaged)[: random.choice((None, None, None, None, random.randrange(len(data))))]


@cache
def _parquet(number: int) -> bytes:
    """Return one of some valid Parquet files."""
    import pyarrow as pa  # it takes long to import, and only the generator needs it
    import pyarrow.parquet as pq

    random = Random(number)
    names = [name for name in claims.header(random) if "\ud800" not in name]
    rows = [[cell[:5_000] for cell in row] for row in claims.rows(random, names)]
    columns: list[Any] = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(names))]
    if number % 2 and len(names) < 100:
        columns += [_odd_column(random, len(rows)) for _ in range(3)]
        names += ["odd", hostile_text(random, longest=100), "odd2"]
    written = io.BytesIO()
    table = pa.Table.from_arrays(columns, names=names)
    compression = random.choice(("none", "snappy", "gzip", "zstd"))
    pq.write_table(table, written, compression=compression, row_group_size=random.choice((2, 1000)))
    return written.getvalue()


def _odd_column(random: Random, rows: int) -> Any:
    import datetime as dt
    from decimal import Decimal

    import pyarrow as pa

    moment = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
    kind, value = random.choice(
        [
            (pa.list_(pa.int32()), [1, 2]),
            (pa.struct([("a", pa.string()), ("b", pa.float64())]), {"a": "\0", "b": float("nan")}),
            (pa.map_(pa.string(), pa.int8()), [("k", 1)]),
            (pa.decimal128(38, 10), Decimal("1.5")),
            (pa.timestamp("ns", "UTC"), moment),
            (pa.timestamp("us"), moment.replace(tzinfo=None)),
            (pa.time64("us"), dt.time(9, 30)),
            (pa.binary(), b"\xff\0\x80"),
            (pa.float64(), float("inf")),
            (pa.uint64(), (1 << 64) - 1),
            (pa.bool_(), True),
            (pa.string(), "a\0b"),
            (pa.dictionary(pa.int8(), pa.string()), "repeated"),
            (pa.duration("ms"), dt.timedelta(days=1)),
        ]
    )
    return pa.array([random.choice((value, None)) for _ in range(rows)], kind)
