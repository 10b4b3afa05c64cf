"""Schema changes: the SQL that turns a line's table into the table that its contract describes.

Stored values never change: a column can be added, or widened if every stored value keeps its meaning, but
never dropped. A column that a contract no longer names is kept, and new files leave it empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from claimwatch.domain.contract.contract import (
    MAX_COLUMNS,
    MAX_NAME,
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
    "taken_at_local",
)
"""Columns of a photo in the view that joins a line's claims with their photos."""

_WIDER = {(LogicalType.INTEGER, LogicalType.NUMBER)}


@dataclass(frozen=True)
class StoredColumn:
    """A column of the table, whether or not the running contract still names it.

    ``event`` marks the column, other than the identifier, that photos are joined on. ``synonyms`` are those
    of all versions of the contract, ``link_group`` is that of the hashes.
    """

    logical_type: LogicalType
    hashed: bool = False
    identifier: bool = False
    event: bool = False
    synonyms: tuple[str, ...] = ()
    link_group: str | None = None


type Stored = Mapping[str, StoredColumn]
"""The columns of a line's table by name; empty if the table does not exist yet."""


@dataclass(frozen=True)
class Change:
    """Statements to run in one transaction, and the columns that the table has afterwards.

    ``notes`` describe the change in words; ``problems`` say why it is impossible, and then there are no
    statements. ``emptied`` are columns that were stored as hashes and are stored in clear from now on.
    """

    statements: tuple[str, ...]
    stored: Stored
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()


def version_problem(running: Contract, new: Contract) -> str | None:
    """Return why the new version cannot replace the running one, or None if it can."""
    if precedence(new.version) > precedence(running.version):
        return None
    return (
        f"the contract has changed, but its version {new.version} is not higher than the running "
        f"{running.version}; raise the version"
    )


def plan_change(stored: Stored, new: Contract) -> Change:
    """Return the change that makes the table match the contract."""
    problems = _problems(stored, new)
    if problems:
        return Change((), stored, problems=tuple(problems))
    target = {column.name: _stored(column, new, stored.get(column.name)) for column in new.columns}
    after = {**{name: replace(column, event=False) for name, column in stored.items()}, **target}
    if not stored:
        return Change(
            (
                _create_table(new),
                _create_index(new),
                *_comments(new),
                _create_view(new),
                *photo_statements(new),
            ),
            after,
            (f"table {new.table} is new, with {len(new.columns)} columns",),
        )
    renamed = {name: _name_of_hashes(name, after) for name in target if _is_emptied(stored, new, name)}
    after |= {hashes: replace(stored[name], synonyms=(), event=False) for name, hashes in renamed.items()}
    added = [column for column in new.columns if column.name not in stored or column.name in renamed]
    widened = [
        name
        for name in target
        if name in stored and name not in renamed and stored[name].logical_type != after[name].logical_type
    ]
    joined, joins = ([name for name in columns if columns[name].event] for columns in (stored, after))
    statements: list[str] = []
    if joined != joins:
        statements.append(f"DROP INDEX IF EXISTS {_event_index(new)}")
    if set(joined) & set(widened):
        statements.append(f"DROP VIEW IF EXISTS {_photos(new)}")
    if widened or renamed:
        # A view depends on the column types and has the names that it was created with.
        statements.append(f"DROP VIEW {_view(new)}")
    statements += [
        f"ALTER TABLE {_table(new)} RENAME COLUMN {quoted(name)} TO {quoted(hashes)}"
        for name, hashes in renamed.items()
    ]
    statements += [f"ALTER TABLE {_table(new)} ALTER COLUMN {quoted(name)} TYPE numeric" for name in widened]
    statements += [
        f"ALTER TABLE {_table(new)} ADD COLUMN {quoted(column.name)} {column.sql_type}" for column in added
    ]
    statements += _comments(new)
    if added or widened:
        statements.append(_create_view(new))
    if joined != joins:
        statements += photo_statements(new)
    notes = (*_notes(stored, target, added, widened), *_notes_on_emptied(renamed))
    return Change(tuple(statements), after, notes, emptied=tuple(renamed))


def _is_emptied(stored: Stored, new: Contract, name: str) -> bool:
    """Return whether a column that is stored as hashes becomes one in clear whose earlier rows are empty."""
    column = new.column(name)
    return column is not None and column.empty_history and name in stored and stored[name].hashed


def _name_of_hashes(name: str, taken: Stored) -> str:
    """Return a name for the hashes of a column whose name is that of its values in clear now."""
    folded = set(map(folded_name, taken))
    base = f"hashes of {name.encode()[: MAX_NAME - 14].decode('utf-8', 'ignore')}"
    names = (base, *(f"{base} {number}" for number in range(2, 1_000)))
    return next(one for one in names if folded_name(one) not in folded)


def _problems(stored: Stored, new: Contract) -> list[str]:
    by_fold = {folded_name(name): name for name in stored}
    found = []
    total = len({*stored, *(column.name for column in new.columns)})
    if total > MAX_COLUMNS:
        found.append(
            f"schema: with the columns of earlier versions the table would have {total:,} columns; "
            f"the maximum is {MAX_COLUMNS:,}"
        )
    for name, existing in stored.items():
        if existing.identifier and new.identifier.name != name:
            found.append(
                f"column '{new.identifier.name}': it cannot become the identifier, because the table's rows "
                f"are identified by '{name}'; keep that name, and add the new name as a synonym"
            )
    for column in new.columns:
        before = stored.get(column.name)
        if before is None:
            same = by_fold.get(folded_name(column.name))
            if same is not None:
                found.append(
                    f"column '{column.name}': the table has it as '{same}', and in files the two names mean "
                    "the same column; keep that name"
                )
        elif before.hashed and column.empty_history:
            if column.role is Role.IDENTIFIER or column.name == new.event_column.name:
                found.append(
                    f"column '{column.name}': rows are found by it, so its history cannot be empty; "
                    "keep storeAs"
                )
        elif before.hashed and not column.hashed:
            found.append(
                f"column '{column.name}': it is stored as hashes and would be stored as plain values, so old "
                "and new values would be indistinguishable; keep storeAs, or add the custom property "
                "'history: empty' to the column: earlier rows have no value then, until their files are "
                "dropped again"
            )
        elif before.hashed != column.hashed:
            found.append(
                f"column '{column.name}': it is stored as plain values and would be stored as hashes, so old "
                "and new values would be indistinguishable; keep storeAs, or give the column another name"
            )
        elif column.hashed and (before.link_group or column.name) != column.hash_group:
            found.append(
                f"column '{column.name}': its hashes are those of group '{before.link_group or column.name}' "
                f"and would be those of '{column.hash_group}', so old and new values could not be compared; "
                "keep linkGroup, or give the column another name"
            )
        elif not column.hashed and not _fits(before.logical_type, column.logical_type):
            found.append(
                f"column '{column.name}': its values are stored as {before.logical_type} and cannot be "
                f"converted to {column.logical_type} reliably; keep the type, or give the column another name"
            )
        if not column.hashed:
            found += _in_clear_now(stored, column)
    return found


def _in_clear_now(stored: Stored, column: Column) -> Iterator[str]:
    """Yield a problem for each column stored as hashes whose values files would now send to this one."""
    names = {folded_name(name): name for name in (column.name, *column.synonyms)}
    for name, before in stored.items():
        if not before.hashed or folded_name(name) == folded_name(column.name):
            continue
        shared = names.keys() & {folded_name(known) for known in (name, *before.synonyms)}
        if shared:
            yield (
                f"column '{column.name}': in files, '{names[min(shared)]}' means column '{name}', whose "
                "values are stored as hashes; store this column as a hash, too, or give it other names"
            )


def _fits(before: LogicalType, after: LogicalType) -> bool:
    return before == after or (before, after) in _WIDER


def _stored(column: Column, contract: Contract, before: StoredColumn | None) -> StoredColumn:
    earlier = before.synonyms if before else ()
    return StoredColumn(
        column.logical_type,
        column.hashed,
        column.role is Role.IDENTIFIER,
        column.name == contract.event,
        tuple(dict.fromkeys((*earlier, *column.synonyms))),
        column.link_group if column.hashed else None,
    )


def _notes(stored: Stored, target: Stored, added: list[Column], widened: list[str]) -> Iterator[str]:
    for column in added:
        if column.name not in stored:
            yield f"column '{column.name}' is new; it is empty in rows loaded earlier"
    for name in widened:
        yield f"column '{name}' accepts any number now instead of whole numbers only"
    for name in stored:
        if name not in target:
            yield f"column '{name}' is not in the contract; it is kept, and new files leave it empty"


def _notes_on_emptied(renamed: Mapping[str, str]) -> Iterator[str]:
    for name, hashes in renamed.items():
        yield (
            f"column '{name}' is stored in clear now; rows loaded earlier have no value until their files "
            f"are dropped again, and their hashes are in column '{hashes}'"
        )


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _table(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(contract.table)}"


def _view(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted('current_' + contract.table)}"


def photos_view(contract: Contract) -> str:
    """Return the name of the view that joins the line's claims with their photos."""
    return f"image_of_{contract.table}"


def _photos(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(photos_view(contract))}"


def _event_index(contract: Contract) -> str:
    return f"{SCHEMA}.{quoted(contract.table + '_by_event')}"


def photo_statements(contract: Contract) -> tuple[str, ...]:
    """Return statements that create the view of the claims with their photos, and its index, if missing.

    The index is omitted if the primary key serves the join. Current claims are selected with NOT EXISTS, so
    that a lookup of one event id uses this index, and a lookup of one claim the primary key. The view has the
    same columns for every contract, so that it can be replaced.
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
    """Return the statement that creates the table.

    Only the key is NOT NULL: cells are validated at loading time by the contract of that time. The file id is
    a session setting, set once per COPY instead of sent with every row.
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
    # Byte-wise comparison of claim ids is several times faster than a language's collation.
    bytewise = column.role is Role.IDENTIFIER and column.sql_type == "text"
    return f'{column.sql_type} COLLATE "C"' if bytewise else column.sql_type


def _create_index(contract: Contract) -> str:
    """Return the statement that creates the index by file.

    The rows of a file, and of each chunk, are stored together, so a BRIN index of a few kilobytes is enough.
    """
    return (
        f"CREATE INDEX {quoted(contract.table + '_by_file')} ON {_table(contract)}"
        " USING brin (file_id, row_number) WITH (pages_per_range = 32, autosummarize = on)"
    )


def _create_view(contract: Contract) -> str:
    """Return the statement that creates the view of the newest committed row of each claim.

    The view has the table's columns in the table's order: new columns come last, so CREATE OR REPLACE works
    without dropping dependent views. A lookup of one claim uses the primary key, because PostgreSQL pushes
    conditions on the DISTINCT ON columns down.
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
    statements = []
    for column in contract.columns:
        sentences = [column.description, "Stored as a keyed hash." if column.hashed else ""]
        text = " ".join(filter(None, sentences))
        literal = _literal(text) if text else "NULL"
        statements.append(f"COMMENT ON COLUMN {_table(contract)}.{quoted(column.name)} IS {literal}")
    return statements
