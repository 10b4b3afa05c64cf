"""From the table that a line has to the one that its contract asks for, as SQL.

What is stored stays as it is: a column is added, or widened where every stored value keeps its meaning, and
never taken away. A column that a contract no longer names is kept, and new files leave it empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from claimwatch.domain.contract.contract import (
    MAX_COLUMNS,
    Column,
    Contract,
    LogicalType,
    Role,
    folded_name,
    precedence,
)

SCHEMA = "claimwatch"

PHOTO_COLUMNS = (
    "image_id",
    "key",
    "version_id",
    "sha256",
    "phash",
    "format",
    "width",
    "height",
    "frames",
    "taken_at",
    "latitude",
    "longitude",
    "display",
    "thumbnail",
    "received_at",
)
"""Of a photo, as the view of a line's claims shows them."""

_WIDER = {(LogicalType.INTEGER, LogicalType.NUMBER)}


@dataclass(frozen=True)
class StoredColumn:
    """A column as the table has it, whether or not the running contract still names it.

    ``event`` is the column, other than the identifier, by whose values photos are joined.
    """

    logical_type: LogicalType
    hashed: bool = False
    identifier: bool = False
    event: bool = False


type Stored = Mapping[str, StoredColumn]
"""The columns of a line's table by name; empty while there is no table."""


@dataclass(frozen=True)
class Change:
    """What to run, in one transaction, and what the table has after that.

    ``notes`` say in words what is done; ``problems`` why it cannot be done, and then nothing is to be run.
    """

    statements: tuple[str, ...]
    stored: Stored
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def version_problem(running: Contract, new: Contract) -> str | None:
    """Why the new contract cannot follow the running one, judged by their versions; None if it can."""
    if precedence(new.version) > precedence(running.version):
        return None
    return (
        f"version {new.version} does not come after {running.version}, which is running, "
        "and the contract has changed; raise the version"
    )


def plan_change(stored: Stored, new: Contract) -> Change:
    """What takes the table to the contract."""
    problems = _problems(stored, new)
    if problems:
        return Change((), stored, problems=tuple(problems))
    wanted = {column.name: _stored(column, new) for column in new.columns}
    after = {**{name: replace(column, event=False) for name, column in stored.items()}, **wanted}
    if not stored:
        return Change(
            (
                _create_table(new),
                _create_index(new),
                *_comments(new),
                _create_view(new),
                *complete_photos(new),
            ),
            after,
            (f"table {new.table} is new, with {len(new.columns)} columns",),
        )
    added = [column for column in new.columns if column.name not in stored]
    widened = [
        name for name in wanted if name in stored and stored[name].logical_type != after[name].logical_type
    ]
    joined, joins = ([name for name in columns if columns[name].event] for columns in (stored, after))
    statements: list[str] = []
    if joined != joins:
        statements.append(f"DROP INDEX IF EXISTS {_event_index(new)}")
    if set(joined) & set(widened):
        statements.append(f"DROP VIEW IF EXISTS {_photos(new)}")
    if widened:
        # A view holds on to the types that it was made with.
        statements.append(f"DROP VIEW {_view(new)}")
    statements += [f"ALTER TABLE {_table(new)} ALTER COLUMN {quoted(name)} TYPE numeric" for name in widened]
    statements += [
        f"ALTER TABLE {_table(new)} ADD COLUMN {quoted(column.name)} {column.sql_type}" for column in added
    ]
    statements += _comments(new)
    if added or widened:
        statements.append(_create_view(new))
    if joined != joins:
        statements += complete_photos(new)
    return Change(tuple(statements), after, tuple(_notes(stored, wanted, added, widened)))


def _problems(stored: Stored, new: Contract) -> list[str]:
    by_fold = {folded_name(name): name for name in stored}
    found = []
    total = len({*stored, *(column.name for column in new.columns)})
    if total > MAX_COLUMNS:
        found.append(
            f"schema: with the columns of earlier versions the table would have {total:,} columns, "
            f"and {MAX_COLUMNS:,} are the most"
        )
    for name, there in stored.items():
        if there.identifier and new.identifier.name != name:
            found.append(
                f"column '{new.identifier.name}': it cannot become the identifier, for the table's rows are "
                f"named by '{name}'; keep that name, and write the new one as its synonym"
            )
    for column in new.columns:
        before = stored.get(column.name)
        if before is None:
            same = by_fold.get(folded_name(column.name))
            if same is not None:
                found.append(
                    f"column '{column.name}': the table has it as '{same}', and files could not tell the two "
                    "apart; keep that name"
                )
        elif before.hashed != column.hashed:
            how = ("in clear", "as hashes")
            found.append(
                f"column '{column.name}': it is stored {how[before.hashed]} and would be stored "
                f"{how[column.hashed]}, so that old and new values could not be told apart; keep storeAs, "
                "or give the column another name"
            )
        elif not column.hashed and not _fits(before.logical_type, column.logical_type):
            found.append(
                f"column '{column.name}': its values are stored as {before.logical_type} and cannot become "
                f"{column.logical_type} without being guessed at; keep the type, or give the column another "
                "name"
            )
    return found


def _fits(before: LogicalType, after: LogicalType) -> bool:
    return before == after or (before, after) in _WIDER


def _stored(column: Column, contract: Contract) -> StoredColumn:
    return StoredColumn(
        column.logical_type, column.hashed, column.role is Role.IDENTIFIER, column.name == contract.event
    )


def _notes(stored: Stored, wanted: Stored, added: list[Column], widened: list[str]) -> Iterator[str]:
    for column in added:
        yield f"column '{column.name}' is new; it is empty in what was loaded before"
    for name in widened:
        yield f"column '{name}' takes any number now, and took whole ones before"
    for name in stored:
        if name not in wanted:
            yield f"column '{name}' is not in the contract; it is kept, and new files leave it empty"


def quoted(name: str) -> str:
    """A name as SQL takes it literally."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _table(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(contract.table)}"


def _view(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted('current_' + contract.table)}"


def photos_view(contract: Contract) -> str:
    """The name of the view of the line's claims with their photos."""
    return f"image_of_{contract.table}"


def _photos(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(photos_view(contract))}"


def _event_index(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(contract.table + '_by_event')}"


def complete_photos(contract: Contract) -> tuple[str, ...]:
    """What joins the line's claims with their photos, where it is missing: the view, and an index unless the
    primary key does.

    Current claims are told by NOT EXISTS here, for then one event id is found by the index, and one claim by
    the primary key. The columns are the same whatever the contract says, so that the view can be replaced.
    """
    column = contract.event_column
    identifier, name = quoted(contract.identifier.name), quoted(column.name)
    event_id = f'c.{name}::text COLLATE "C"'
    view = (
        f"CREATE OR REPLACE VIEW {_photos(contract)} AS\n"
        f"SELECT c.{identifier} AS claim_id, {event_id} AS event_id, "
        f"{', '.join(f'i.{photo}' for photo in PHOTO_COLUMNS)}\n"
        f"FROM {_table(contract)} AS c JOIN {SCHEMA}.file AS f ON f.file_id = c.file_id\n"
        f"LEFT JOIN {SCHEMA}.current_claim_image AS i ON i.event_id = {event_id}\n"
        "WHERE f.status = 'committed' AND NOT EXISTS (\n"
        f"    SELECT FROM {_table(contract)} AS later JOIN {SCHEMA}.file AS g ON g.file_id = later.file_id\n"
        f"    WHERE later.{identifier} = c.{identifier} AND g.status = 'committed'\n"
        '      AND (g.received_at, g.sequencer COLLATE "C", g.file_id, later.row_number)\n'
        '        > (f.received_at, f.sequencer COLLATE "C", f.file_id, c.row_number)\n'
        ")"
    )
    if column == contract.identifier and column.sql_type == "text":
        return (view,)
    index = quoted(f"{contract.table}_by_event")
    return (
        f'CREATE INDEX IF NOT EXISTS {index} ON {_table(contract)} (({name}::text) COLLATE "C")',
        view,
    )


def _create_table(contract: Contract) -> str:
    """Nothing but the key is NOT NULL: cells are checked when they are loaded, by the contract of the day.

    The file is named once for each COPY instead of in every row, by a setting of the session.
    """
    columns = [f"{quoted(column.name)} {_type_in_new_table(column)}" for column in contract.columns]
    columns += [
        "file_id bigint NOT NULL DEFAULT current_setting('claimwatch.file_id')::bigint",
        "row_number bigint NOT NULL",
        "extra jsonb",
        f"PRIMARY KEY ({quoted(contract.identifier.name)}, file_id, row_number)",
    ]
    return f"CREATE TABLE {_table(contract)} (\n    " + ",\n    ".join(columns) + "\n)"


def _type_in_new_table(column: Column) -> str:
    # A claim id is looked up and compared byte by byte, several times faster than by a language's rules.
    bytewise = column.role is Role.IDENTIFIER and column.sql_type == "text"
    return f'{column.sql_type} COLLATE "C"' if bytewise else column.sql_type


def _create_index(contract: Contract) -> str:
    """Rows of a file lie together, and so do those of a chunk of it; a few kilobytes find them."""
    return (
        f"CREATE INDEX {quoted(contract.table + '_by_file')} ON {_table(contract)}"
        " USING brin (file_id, row_number) WITH (pages_per_range = 32, autosummarize = on)"
    )


def _create_view(contract: Contract) -> str:
    """The newest committed row of each claim.

    The columns are the table's in the table's order: what is added comes last, and CREATE OR REPLACE takes
    that without disturbing what stands on the view. One claim is found by the primary key, for a condition on
    the columns of DISTINCT ON goes below it.
    """
    identifier = quoted(contract.identifier.name)
    return (
        f"CREATE OR REPLACE VIEW {_view(contract)} AS\n"
        f"SELECT DISTINCT ON (c.{identifier}) c.*\n"
        f"FROM {_table(contract)} AS c JOIN {SCHEMA}.file AS f ON f.file_id = c.file_id\n"
        "WHERE f.status = 'committed'\n"
        f'ORDER BY c.{identifier}, f.received_at DESC, f.sequencer COLLATE "C" DESC, f.file_id DESC, '
        "c.row_number DESC"
    )


def _comments(contract: Contract) -> list[str]:
    told = []
    for column in contract.columns:
        words = [column.description, "Stored as a keyed hash." if column.hashed else ""]
        text = " ".join(word for word in words if word)
        literal = _literal(text) if text else "NULL"
        told.append(f"COMMENT ON COLUMN {_table(contract)}.{quoted(column.name)} IS {literal}")
    return told
