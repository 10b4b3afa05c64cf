"""The check of a source describes it and lets no value of a person out of the network."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.errors import RefusedFile
from claimwatch.ingest.local_draft import draft
from claimwatch.sources import check_source as module
from claimwatch.sources.check_source import Dependencies, Request, check_source
from claimwatch.sources.reader import Column, Reader, RefusedSource, RemoteFile

TABLE = """
kind: postgresql
line: glass
table: claims.glass
key: [claim_id]
watermark: updated_at
schedule: rate(1 hour)
secret: claimwatch/prod/sources/policies
"""

FILES = """
kind: sftp
line: glass
files: out/*.csv
hostKeys: ["ssh-ed25519 {key}"]
schedule: rate(1 hour)
secret: claimwatch/prod/sources/partner
""".format(key=b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode())

NAMES = ("claim_id", "claimant_name", "loss_date", "amount", "updated_at")
PEOPLE = ("Jane Smith", "Peter Jones", "Mary Major", "John Stiles", "Ann Taylor")


def claim(number: int) -> list[Any]:
    day = date(2026, 3, number % 28 + 1)
    person = f"{PEOPLE[number % 5]} {number}"
    return [
        f"GLS-{number:06}",
        person,
        day,
        Decimal(number) / 4,
        datetime(2026, 4, 1, number % 24, tzinfo=UTC),
    ]


@dataclass
class FakeTable:
    """A reader of a table in memory."""

    rows_of: list[list[Any]] = field(default_factory=lambda: [claim(number) for number in range(300)])
    names: tuple[str, ...] = NAMES
    may_write: bool = False
    closed: bool = False

    def refuse_writers(self) -> None:
        if self.may_write:
            raise RefusedSource("the login may change claims.glass: grant it SELECT only")

    def close(self) -> None:
        self.closed = True

    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, "text") for name in self.names)

    def tables(self) -> tuple[str, ...]:
        return ("hr.salary", "claims.glass")

    def advice(self) -> tuple[str, ...]:
        return ("no index of the table begins with its key",)

    def sample(self, rows: int) -> list[Sequence[Any]]:
        return [tuple(row) for row in self.rows_of[:rows]]


@dataclass
class FakeFiles:
    """A reader of files in memory, each of which yields blocks of ten bytes."""

    contents: dict[str, bytes]
    read_bytes: int = 0
    closed: bool = False

    def refuse_writers(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def files(self) -> list[RemoteFile]:
        return [
            RemoteFile(path, len(content), datetime(2026, 4, day, tzinfo=UTC))
            for day, (path, content) in enumerate(self.contents.items(), 1)
        ]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        content = self.contents[file.path]
        for start in range(0, len(content), 10):
            self.read_bytes += 10
            yield content[start : start + 10]


def check(reader: Any, text: str = TABLE, **request: Any) -> dict[str, Any]:
    opened: list[Source] = []

    def open_reader(source: Source) -> Reader:
        opened.append(source)
        return reader  # type: ignore[no-any-return]

    try:
        found = check_source(Dependencies(open_reader, draft), Request("policies", text, **request))
    finally:
        assert reader.closed
    passed: dict[str, Any] = json.loads(json.dumps(found))  # as through the payload of a function
    return passed | {"opened": opened[0]}


def test_a_table_is_described_by_columns_shapes_and_a_draft() -> None:
    found = check(FakeTable())
    assert [column["name"] for column in found["columns"]] == list(NAMES)
    assert len(found["rows"]) == module.SHOWN_ROWS
    first = dict(zip(NAMES, found["rows"][0], strict=True))
    assert first["loss_date"] == "9999-99-99"
    assert first["claimant_name"] == module.HIDDEN
    assert "claim_glass" in found["draft"]
    assert found["advice"] == ["no index of the table begins with its key"]


def test_no_value_of_a_person_leaves_the_network() -> None:
    answer = json.dumps(check(FakeTable()) | {"opened": None})
    assert not [person for person in PEOPLE if person in answer]
    assert not [row[0] for row in FakeTable().rows_of if row[0] in answer]


def test_without_a_draft_no_shape_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_draft(_path: Path, _line: str) -> tuple[str, str]:
        raise RefusedFile("it is not a table")

    reader = FakeTable()
    deps = Dependencies(lambda _: reader, no_draft)
    found = check_source(deps, Request("policies", TABLE))
    assert {cell for row in found["rows"] for cell in row} == {module.HIDDEN}
    assert found["draft"] is None
    assert found["remark"] == "no contract can be drafted: it is not a table"


def test_a_login_that_may_write_is_refused_before_a_row_is_read() -> None:
    reader = FakeTable(may_write=True)
    with pytest.raises(RefusedSource, match="grant it SELECT only"):
        check(reader)


def test_a_key_or_watermark_that_is_not_a_column_is_refused() -> None:
    with pytest.raises(RefusedSource, match="no column updated_at"):
        check(FakeTable(names=("claim_id", "name"), rows_of=[]))


def test_a_table_without_rows_has_no_draft() -> None:
    found = check(FakeTable(rows_of=[]))
    assert (found["rows"], found["draft"]) == ([], None)
    assert "no rows" in found["remark"]


def test_discovery_lists_tables_and_drafts_another_one() -> None:
    found = check(FakeTable(), discover=True)
    assert (found["tables"], found["found"]) == (["claims.glass", "hr.salary"], 2)
    assert (found["opened"].table, found["opened"].query) == (None, "SELECT 1 AS one")
    other = check(
        FakeTable(names=("number", "name", "loss_date", "amount", "at")), table="hr.salary", line="salary"
    )
    assert (other["opened"].table, other["opened"].key, other["opened"].watermark) == ("hr.salary", (), None)
    assert "claim_salary" in other["draft"]


def test_a_file_is_drafted_from_the_newest_or_the_chosen_one() -> None:
    rows = "".join(f"C{number:05},2026-03-{number % 28 + 1:02},{number}\n" for number in range(200))
    contents = {
        "out/old.csv": f"claim_id,loss_date,old\n{rows}".encode(),
        "out/new.csv": f"claim_id,loss_date,new\n{rows}".encode(),
    }
    found = check(FakeFiles(contents), FILES)
    assert [file["path"] for file in found["files"]] == ["out/new.csv", "out/old.csv"]
    assert found["drafted_from"] == "out/new.csv"
    assert "name: new" in found["draft"]
    assert "name: old" in check(FakeFiles(contents), FILES, file="out/old.csv")["draft"]
    listed = check(FakeFiles(contents), FILES, discover=True)
    assert (listed["found"], "draft" in listed) == (2, False)
    none = check(FakeFiles({}), FILES)
    assert none["remark"] == "there is no file to draft a contract from"


def test_only_the_beginning_of_a_large_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 4_000)
    rows = "".join(f"C{number:05},2026-03-{number % 28 + 1:02},{number % 10}\n" for number in range(10_000))
    reader = FakeFiles({"out/large.csv": f"claim_id,loss_date,amount\n{rows}".encode()})
    found = check(reader, FILES)
    assert "name: amount" in found["draft"]
    assert reader.read_bytes <= 4_020


def test_only_the_time_of_a_statement_differs_from_a_pull() -> None:
    source = parse_source(TABLE, "policies")
    limits = replace(source.limits, seconds=module.MOST_SECONDS)
    assert check(FakeTable())["opened"] == replace(source, limits=limits)
