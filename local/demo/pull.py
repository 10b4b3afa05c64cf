"""Step 10: a week of claims is pulled from another database, as from a server of the insurer's own."""

import contextlib
import csv
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from rich.table import Table

from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.contract.parse import parse_contract
from local.demo.book import PULLED, MotorBook
from local.demo.context import DemoContext, DemoFailed, FileRow
from local.demo.model import LINE, wait_until_scored
from local.emulator import PROJECT
from local.processes import report_progress
from local.servers import STACK_NAME

SOURCE = DATABASE = "policies"
READER = "policies_reader"
SECRET = f"claimwatch/{STACK_NAME}/sources/{SOURCE}"
TABLE = "claims.motor_claim"

DEFINITION = f"""\
kind: postgresql
line: {LINE}
table: {TABLE}
key: [claim_id]
schedule: rate(1 day)
secret: {SECRET}
"""

TYPES = {
    LogicalType.STRING: "text",
    LogicalType.INTEGER: "bigint",
    LogicalType.NUMBER: "numeric",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: "date",
    LogicalType.TIMESTAMP: "timestamp",
}


@dataclass(frozen=True)
class Pulled:
    """What was pulled."""

    rows: int


def run(demo: DemoContext, book: MotorBook) -> Pulled:
    """Fill a table of another database, pull it twice, and wait until its claims are scored."""
    demo.heading(f"10. {book.name(PULLED)} is pulled from the database of another system, at intervals")
    claims, outcomes = book.week(PULLED)
    rows = _create_database(demo, claims)
    file = demo.folder / f"{SOURCE}.yaml"
    file.write_text(DEFINITION)
    checked = demo.command("source", "check", str(file))
    demo.out.print(
        f"Table {TABLE} has {len(checked['columns'])} columns; its login may only read. A row, by its shape: "
        + ", ".join(checked["rows"][0][:6])
        + ", …",
        highlight=False,
    )
    demo.command("source", "put", str(file))
    demo.command("source", "run", SOURCE, "--wait")
    windows = _windows(demo, rows)
    loaded = _files_of(demo, windows)
    demo.out.print(_table(windows, loaded))
    again = demo.command("source", "run", SOURCE, "--wait")
    if again["rows"] != rows:
        raise DemoFailed(f"the second pull brought {again['rows'] - rows} rows, although nothing had changed")
    demo.out.print("Pulled again: nothing has changed, and nothing is read twice.")
    demo.out.print(f"Again: .venv/bin/claimwatch sources {SOURCE}", highlight=False)
    wait_until_scored(demo, [*loaded, *demo.wait_for_files(demo.drop([outcomes], quiet=True))])
    demo.out.print(f"{rows:,} claims of the table are loaded and scored.")
    return Pulled(rows)


def _create_database(demo: DemoContext, claims: Path) -> int:
    """Create the other database with the claims of a file and a login that may only read them."""
    report_progress(f"Filling table {TABLE} of database {DATABASE}")
    password = secrets.token_urlsafe(16)
    name, reader = sql.Identifier(DATABASE), sql.Identifier(READER)
    with _connected(demo.stack.database_url) as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD %s").format(reader), [password])
    contract = parse_contract((PROJECT / "contracts" / f"{LINE}.yaml").read_text("utf-8"), LINE)
    with claims.open(encoding="utf-8", newline="") as opened:
        header = next(csv.reader(opened))
    with _connected(demo.stack.database_url, DATABASE) as cursor:
        cursor.execute("CREATE SCHEMA claims")
        cursor.execute(sql.SQL("CREATE TABLE claims.motor_claim ({})").format(_columns(contract, header)))
        with claims.open(encoding="utf-8") as opened:
            cursor.copy_expert("COPY claims.motor_claim FROM STDIN (FORMAT csv, HEADER)", opened)
        rows: int = cursor.rowcount
        cursor.execute("ALTER TABLE claims.motor_claim ADD PRIMARY KEY (claim_id)")
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA claims TO {}").format(reader))
        cursor.execute(sql.SQL("GRANT SELECT ON claims.motor_claim TO {}").format(reader))
    address = psycopg2.extensions.parse_dsn(demo.stack.database_url)
    login = {
        "host": address["host"],
        "port": int(address["port"]),
        "dbname": DATABASE,
        "username": READER,
        "password": password,
        "sslmode": "disable",  # the server of the laptop has no certificate, and listens on this machine only
    }
    demo.stack.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(login))
    return rows


def _columns(contract: Contract, header: list[str]) -> sql.Composable:
    """Return the columns of the table, with the types of the contract."""
    types = {column.name: TYPES[column.logical_type] for column in contract.columns}
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(types[name])) for name in header
    )


@contextlib.contextmanager
def _connected(url: str, database: str | None = None) -> Iterator[Any]:
    address = psycopg2.extensions.parse_dsn(url)
    with contextlib.closing(
        psycopg2.connect(**address | ({"dbname": database} if database else {}))
    ) as connection:
        connection.autocommit = True  # a database is not created in a transaction
        with connection.cursor() as cursor:
            yield cursor


def _windows(demo: DemoContext, rows: int) -> list[dict[str, Any]]:
    """Return the committed windows once they have all rows; the schedule may have started the pull."""
    found: list[dict[str, Any]] = []

    def complete() -> bool:
        found[:] = demo.command("sources", SOURCE)["windows"]
        return sum(window["rows_pulled"] or 0 for window in found) >= rows and all(
            window["committed_at"] for window in found
        )

    demo.wait(complete, lambda: f"Pulling {SOURCE}")
    if (pulled := sum(window["rows_pulled"] for window in found)) != rows:
        raise DemoFailed(f"{pulled} rows were pulled; the table has {rows}")
    return found


def _files_of(demo: DemoContext, windows: list[dict[str, Any]]) -> list[FileRow]:
    """Wait for the files that the windows became."""
    return demo.wait_for_files(
        demo.adopt([window["version_id"] for window in windows if window["version_id"]])
    )


def _table(windows: list[dict[str, Any]], loaded: list[FileRow]) -> Table:
    """Return a table with each window, its object and what became of it."""
    of_version = {row.version_id: row for row in loaded}
    table = Table(title="Windows", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("object", overflow="fold")
    table.add_column("file", justify="right")
    table.add_column("status")
    for name in ("loaded", "quarantined"):
        table.add_column(name, justify="right")
    for window in reversed(windows):
        file = of_version.get(window["version_id"])
        table.add_row(
            f"{window['rows_pulled']:,}",
            window["object_key"],
            *(
                (str(file.file_id), file.status, f"{file.rows_loaded:,}", f"{file.rows_quarantined:,}")
                if file
                else ("", "", "", "")
            ),
        )
    return table
