"""A book of scored claims, most of them without a case, in a durable server."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from benchmarks.command import say
from benchmarks.database import Bench, bench
from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.storage.connection import Database
from claimwatch.storage.logins import renew_logins

CLAIMS, OPEN = 1_000_000, 100_000
PER_FILE = 100_000
AUDITED = 0.005

_FILES = """
    INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, sequencer, status, received_at,
                                 committed_at, chunks, rows_read, rows_loaded, rows_quarantined)
    SELECT 'claims', 'motor', 'b', 'claims/motor/' || n || '.csv', n::text, to_char(n, 'FM000000'),
           'committed', now() - (1000 - n) * interval '1 hour', now(), 1, %(rows)s, %(rows)s, 0
    FROM generate_series(1, %(files)s) AS n
"""
_SCORES = """
    INSERT INTO claimwatch.score (line, claim_id, file_id, model_version, role, probability, percentile,
                                  referred, audit_sample, reasons, contract_version, code_version, threshold)
    SELECT 'motor', c.claim_id, c.file_id, '1', 'champion', d.probability, 100 * d.probability, d.referred,
           d.audited,
           CASE WHEN d.referred THEN (
               SELECT jsonb_agg(jsonb_build_object('feature', f.name, 'value', 1, 'typical', 0, 'share', 0.1,
                                                   'contribution', 0.3, 'text', f.name || ' 1, usually 0'))
               FROM (SELECT unnest(%(features)s::text[]) AS name
                     OFFSET (c.row_number %% 20) LIMIT 5) AS f) END,
           '1.0.0', 'bench', 0.5
    FROM claimwatch.claim_motor AS c
    CROSS JOIN LATERAL (
        SELECT x.u < %(referred)s AS referred, x.v < %(audited)s AS audited,
               CASE WHEN x.u < %(referred)s THEN 0.5 + x.v / 2 ELSE x.v / 2 END AS probability
        FROM (SELECT abs(hashint8extended(c.row_number, 1) %% 1000003) / 1000003.0::float8 AS u,
                     abs(hashint8extended(c.row_number, 2) %% 1000003) / 1000003.0::float8 AS v) AS x
    ) AS d
"""


@dataclass
class Book:
    """The server, and the logins of the tasks that work on it; ``opening`` is how long opening cases took."""

    place: Bench
    claims: int
    logins: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    opening: float = 0.0

    def put(self, task: str, credentials: Mapping[str, Any]) -> None:
        """Keep the login of a task."""
        self.logins[task] = credentials

    def as_task(self, task: str) -> Database:
        """Return the database with the privileges of a task, over a connection that the caller closes."""
        login, owner = self.logins[task], urlsplit(self.place.url)
        user = f"{login['username']}:{login['password']}@{login['host']}:{login['port']}"
        return Database({"dsn": owner._replace(netloc=user).geturl()})

    def change(self, statement: str, parameters: Any = None) -> int:
        """Run a statement as the owner; return the number of rows."""
        with self.place.connected() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            connection.commit()
            return cursor.rowcount

    def vacuum(self) -> None:
        """Run VACUUM and ANALYZE, as autovacuum does in time."""
        with contextlib.closing(psycopg2.connect(self.place.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")


@contextlib.contextmanager
def book(folder: Path, claims: int = CLAIMS, waiting: int = OPEN) -> Iterator[Book]:
    """Fill a book with claims, about ``waiting`` of which are cases, and remove it at the end."""
    with bench(folder) as place:
        filled = Book(place, claims)
        address = urlsplit(place.url)
        with contextlib.closing(Database({"dsn": place.url})) as owner:
            renew_logins(owner, {"host": address.hostname, "port": address.port}, filled)
        say(f"adding {claims:,} claims")
        filled.change(_FILES, {"rows": min(claims, PER_FILE), "files": max(1, claims // PER_FILE)})
        columns = place.contract.columns
        names = ", ".join(f'"{column.name}"' for column in columns)
        values = ", ".join(_value(column) for column in columns)
        filled.change(
            f"INSERT INTO claimwatch.claim_motor ({names}, file_id, row_number)"
            f" SELECT {values}, 1 + n %% %s, n FROM generate_series(1, %s) AS n",
            (max(1, claims // PER_FILE), claims),
        )
        features = [column.name for column in columns if column.role == "feature"]
        filled.change(
            _SCORES,
            {"features": features, "referred": waiting / claims - AUDITED, "audited": AUDITED},
        )
        filled.vacuum()
        say("opening cases")
        start = time.perf_counter()
        filled.change("SELECT claimwatch.open_cases('motor'::text, NULL::bigint, NULL::text[])")
        filled.opening = time.perf_counter() - start
        filled.vacuum()
        yield filled


def _value(column: Column) -> str:
    """Return an SQL expression for a column of row ``n``, with doubled percent signs."""
    if column.role == "identifier":
        return "'MTR-' || lpad(upper(to_hex(n)), 12, '0')"
    if column.hashed:
        return f"md5('{column.name}' || n / 3)"
    match column.logical_type:
        case LogicalType.INTEGER:
            return "n %% 20"
        case LogicalType.NUMBER:
            return "100 + abs(hashint8extended(n, 3) %% 3000000) / 100.0"
        case LogicalType.BOOLEAN:
            return "n %% 2 = 0"
        case LogicalType.DATE:
            return "date '2026-01-01' + (n %% 365)::integer"
        case LogicalType.TIMESTAMP:
            return "timestamptz '2026-01-01' + n %% 8760 * interval '1 hour'"
        case _:
            return "'value ' || n %% 50"
