"""Mode horizon: the rows of a table that have become visible since the last cycle, exactly.

A watermark says when a row was written, not when its transaction committed: a row that commits late appears
below the highest watermark that was pulled, and is never asked for again. PostgreSQL knows better. Each
version of a row has the number of the transaction that wrote it (``xmin``), and a snapshot has the lowest
number that is still running (its *horizon*). All transactions below the horizon are over for good.

**A cycle has the rows whose xmin lies in [from, until).** ``until`` is the horizon when the cycle begins;
``from`` is the ``until`` of the previous cycle. Neighbouring cycles share no number and leave none out, and a
version is only read when the transaction that wrote it is over, so each version that lives long enough is
read exactly once. It does not matter what watermarks and clocks say, nor when a transaction took its number
and when it committed. In particular:

- Subtransactions (savepoints, blocks of PL/pgSQL with EXCEPTION) take higher numbers than the transaction
  that they belong to, so the horizon stays below them while it runs. Prepared transactions count as running.
- An update writes a new version, with a newer number: the row leaves the cycle and belongs to the next one.
  So a cycle only shrinks, and its windows can be read in any number of transactions, and repeated.
- Freezing keeps xmin: it only marks it as old. ``COPY … FREEZE`` writes the number of its transaction.
- The numbers of rows have 32 bits, those of snapshots 64; ``xmin`` is compared modulo 2^32. A row of the
  range is never missed. ``until - from`` is less than 2^31, otherwise all rows are pulled again; so the
  numbers after ``until`` do not look as if they were in the range. A frozen row whose number was used more
  than 2^32 transactions ago may be in the range by chance; it is then pulled once more, unchanged.
- **The first cycle** has all rows except those of [until, xmax), where xmax is the end of the numbers that
  the reading snapshot sees; they belong to the next cycles. It has no lower bound that numbers of 32 bits
  could be compared with. A frozen row that is in [until, xmax) by chance comes with a later cycle.
- **A server that crashes** forgets numbers that it has not yet written to its log, and gives them away again:
  rows with a second use of a number below ``until`` would never be read. Therefore a cycle only begins once
  the log is flushed up to a position after its snapshot. Each transaction that is over has a record there.
- **A standby** replays the log of its primary and has snapshots of its own. Numbers in the log are durable.
  If another, slower standby answers for the next window, it has not yet seen all of the cycle: a window is
  only read if the horizon of the reading snapshot has reached ``until``.
- **Another server**, or another point in time of the same: cycles record the identity of system and timeline,
  of database and table. If it has changed, or the numbers have gone backwards, all rows are pulled again.
- **Attached partitions** bring rows with old numbers. The link in the catalogue has an xmin as well: all
  rows of a table that was attached in [from, until) belong to the cycle.

What has no xmin that says when a row changed is refused: views, materialised views (each refresh writes all
rows), foreign tables, tables of other access methods, and tables with a row-level security that applies to
the login, because a change of another row may make a row visible.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.sources.reader import Cycle, RefusedSource, SourceUnreachable
from claimwatch.storage.queries import queries

_SQL = queries("postgresql", "claimwatch.sources")

NUMBERS = 1 << 32
"""Numbers of transactions before the 32 bits of ``xmin`` repeat."""

FLUSH_TIME = 30.0
"""Seconds to wait until the log is flushed. The log writer takes less than one."""

type Reading = Callable[[], AbstractContextManager[Cursor]]
"""Begins a transaction of the source."""


@dataclass(frozen=True)
class Relation:
    """The table of a source, or one that inherits from it, with the numbers that linked it."""

    oid: int
    links: tuple[int, ...]
    kind: str
    access_method: str
    name: str
    row_security: bool


def relations_of(cursor: Cursor, table: int) -> list[Relation]:
    """Return a table and all that inherits from it; raise ``RefusedSource`` if xmin says nothing there."""
    cursor.execute(_SQL["relations"], {"table": table})
    found = [Relation(oid, tuple(links), *rest) for oid, links, *rest in cursor]
    for relation in found:
        if relation.kind not in ("r", "p") or relation.access_method not in ("heap", ""):
            raise RefusedSource(
                f"{relation.name} is not an ordinary table, so its rows do not show when they were written;"
                " use mode overlap with a watermark, or mode difference"
            )
        if relation.row_security:
            raise RefusedSource(
                f"{relation.name} has a row-level security that applies to the login, so other rows than the"
                " changed ones may become visible; use mode difference, or a login that it does not apply to"
            )
    return found


def begin_cycle(reading: Reading, table: int, previous: Cycle | None) -> Cycle:
    """Return the cycle that follows ``previous``: see the description of this module."""
    identity = _identity(reading)
    with reading() as cursor:
        cursor.execute(_SQL["horizon"])
        [(until, _, standby, database)] = cursor.fetchall()
        relations = relations_of(cursor, table)
    identity |= {"database": database, "table": table}
    if not standby:
        _wait_until_flushed(reading)
    begin = None
    if previous is not None and previous.get("identity") == identity:
        last = int(previous["until"])
        if standby and until < last:
            raise _behind()
        if last <= until < last + NUMBERS // 2:
            begin = last
    attached = [
        relation.oid
        for relation in relations
        if begin is not None and any((link - begin) % NUMBERS < until - begin for link in relation.links)
    ]
    return {
        "identity": identity,
        "from": None if begin is None else str(begin),
        "until": str(until),
        "attached": attached,
    }


def check_reached(cursor: Cursor, cycle: Cycle, identity: Cycle) -> None:
    """Raise an error unless all transactions of the cycle are over in the snapshot of this transaction.

    On another server than that of the cycle it does not matter: the next cycle has all rows of it.
    """
    cursor.execute(_SQL["horizon"])
    [(reached, _, standby, database)] = cursor.fetchall()
    if reached >= int(cycle["until"]) or {**identity, "database": database} != cycle["identity"]:
        return
    if standby:
        raise _behind()
    raise RefusedSource(
        "the server is at an earlier point in time than what was pulled from it, as after a restore; pull all"
        " rows again with `claimwatch source run NAME --from-start`"
    )


def identity_of(reading: Reading, table: int) -> Cycle:
    """Return what identifies the server's history and the table, as far as the login may know it."""
    return {**_identity(reading), "table": table}


def in_cycle(cycle: Cycle, xmin: sql.Composable, table: sql.Composable) -> sql.Composable:
    """Return the condition that a row belongs to a cycle, for the expressions of its xmin and its table."""
    until = int(cycle["until"])
    number = sql.SQL("{}::text::bigint").format(xmin)
    # A subquery is evaluated once, while a function in the condition is called for each row.
    over = sql.SQL(
        "((({number} - {until}) & {mask}) >= (SELECT txid_snapshot_xmax(txid_current_snapshot()) - {until}))"
    ).format(number=number, until=sql.Literal(until), mask=sql.Literal(NUMBERS - 1))
    if cycle["from"] is None:
        return over
    begin = int(cycle["from"])
    written = sql.SQL("((({number} - {begin}) & {mask}) < {width})").format(
        number=number,
        begin=sql.Literal(begin),
        mask=sql.Literal(NUMBERS - 1),
        width=sql.Literal(until - begin),
    )
    if not cycle["attached"]:
        return written
    return sql.SQL("({} OR {}::bigint = ANY ({}::bigint[]) AND {})").format(
        written, table, sql.Literal(list(cycle["attached"])), over
    )


def _identity(reading: Reading) -> dict[str, Any]:
    """Return system and timeline of the server; both are None if the login may not ask for them."""
    try:
        with reading() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            [(standby,)] = cursor.fetchall()
            cursor.execute(_SQL["standby_identity" if standby else "primary_identity"])
            [(system, timeline)] = cursor.fetchall()
    except RefusedSource:
        return {"system": None, "timeline": None}
    return {"system": system, "timeline": timeline}


def _wait_until_flushed(reading: Reading) -> None:
    """Return when the log is flushed up to here, so that no number that has been used can be used again."""
    try:
        with reading() as cursor:
            cursor.execute(_SQL["written"])
            [(position,)] = cursor.fetchall()
        deadline = time.monotonic() + FLUSH_TIME
        for attempt in range(1_000_000):
            with reading() as cursor:
                cursor.execute(_SQL["is_flushed"], {"position": position})
                [(flushed,)] = cursor.fetchall()
            if flushed:
                return
            if attempt == 0:
                with reading() as cursor:
                    cursor.execute(_SQL["take_number"])
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    except RefusedSource:
        return  # a server without these functions, such as one that is compatible with PostgreSQL
    raise SourceUnreachable("the server has not flushed its log for 30 seconds; the next attempt waits again")


def _behind() -> SourceUnreachable:
    return SourceUnreachable("a standby answers that lags behind what was pulled; it will catch up")
