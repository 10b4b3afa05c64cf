"""Parsing of the file that defines a source, with a report of all its problems."""

import re
from datetime import timedelta
from typing import Any

from claimwatch.domain.contract.contract import LINE_NAME, LINE_RULE
from claimwatch.domain.contract.strict_yaml import YamlMapping, read_yaml
from claimwatch.domain.sources.fields import Fields
from claimwatch.domain.sources.schedule import interval_of, schedule_problem
from claimwatch.domain.sources.selection import (
    column_problem,
    glob_problem,
    host_key_problem,
    marker_problem,
    query_problem,
    table_problem,
)
from claimwatch.domain.sources.source import Kind, Limits, Mode, Source
from claimwatch.domain.sources.source_name import NAME_RULE, is_source_name
from claimwatch.errors import RefusedContract, RefusedSourceFile

SECRET_NAME = re.compile(r"claimwatch/[A-Za-z][A-Za-z0-9-]{0,127}/sources/[A-Za-z0-9/_+=.@-]{1,200}")
"""Valid names of secrets: the functions may read no others."""

KEYS = (
    "kind",
    "line",
    "dataset",
    "table",
    "query",
    "files",
    "columns",
    "key",
    "watermark",
    "schedule",
    "secret",
    "mode",
    "overlap",
    "limits",
    "silentAfter",
    "paused",
    "hostKeys",
    "marker",
    "settle",
)
"""Keys of the file."""

DATASETS = ("claims", "outcomes")

MOST_KEY_COLUMNS = 8
MOST_COLUMNS = 1_600

SILENT_INTERVALS = 3
"""Intervals of a schedule without a new row after which a source is silent by default."""

_ROWS = (1, 5_000_000)
_SECONDS = (10, 780)
_OVERLAP = (timedelta(0), timedelta(days=30))
_SETTLE = (timedelta(seconds=1), timedelta(hours=24))
_SILENT_AFTER = (timedelta(minutes=1), timedelta(days=365))

_NOT_FOR_FILES = ("columns", "key", "watermark", "overlap")
_FOR_FILES_ONLY = ("hostKeys", "marker", "settle")


def parse_source(text: str, name: str) -> Source:
    """Parse the text of ``sources/<name>.yaml``.

    Raises ``RefusedSourceFile`` with all problems; each names the key, and says what to do.

    Applied files are stored as text and parsed again for each pull. A text that was accepted once must
    therefore be accepted by all later versions of this function.
    """
    if not is_source_name(name):
        raise RefusedSourceFile([f"'{name}' is not a valid name of a source: use {NAME_RULE}"])
    try:
        raw = read_yaml(text)
    except RefusedContract as refusal:
        raise RefusedSourceFile(refusal.problems) from None
    if not isinstance(raw, YamlMapping):
        raise RefusedSourceFile(["the file is not a source; a source has keys such as kind and schedule"])
    problems: list[str] = []
    source = _read(Fields(raw, problems), name)
    if problems or source is None:
        raise RefusedSourceFile(problems)
    return source


def _read(fields: Fields, name: str) -> Source | None:
    """Return the source; None if there are problems and what it reads is unclear."""
    fields.refuse_unknown(KEYS)
    kind = fields.choice("kind", tuple(Kind))
    line = fields.text("line")
    if line is not None and not LINE_NAME.fullmatch(line):
        fields.report("line", f"'{line}' is not a valid name of a line: use {LINE_RULE}")
    dataset = fields.choice("dataset", DATASETS, "claims")
    secret = fields.text("secret")
    if secret is not None and not SECRET_NAME.fullmatch(secret):
        fields.report(
            "secret",
            "must be the name of a secret such as claimwatch/<stack>/sources/policy-system; "
            "the functions may read no others",
        )
    schedule, silent_after = _read_times(fields)
    limits = _read_limits(fields)
    paused = fields.flag("paused")
    if kind is None:
        return None
    selected = _read_files(fields) if kind is Kind.SFTP else _read_rows(fields, kind)
    if line is None or secret is None or schedule is None or dataset is None or selected is None:
        return None
    return Source(
        name=name,
        kind=kind,
        line=line,
        dataset=dataset,
        secret=secret,
        schedule=schedule,
        silent_after=silent_after,
        limits=limits,
        paused=paused,
        **selected,
    )


def _read_times(fields: Fields) -> tuple[str | None, timedelta | None]:
    schedule = fields.text("schedule")
    if schedule is None:
        return None, None
    schedule = " ".join(schedule.split())
    problem = schedule_problem(schedule)
    if problem:
        fields.report("schedule", problem)
        return None, None
    if fields.value("silentAfter") == "never":
        return schedule, None
    silent_after = fields.duration("silentAfter", _SILENT_AFTER)
    interval = interval_of(schedule)
    if silent_after is None and not fields.has("silentAfter"):
        if interval is None:
            fields.report(
                "silentAfter",
                "is missing; add the time without a new row after which you want to be alerted, "
                "for example '26 hours', or 'never'",
            )
            return schedule, None
        silent_after = min(SILENT_INTERVALS * interval, _SILENT_AFTER[1])
    return schedule, silent_after


def _read_limits(fields: Fields) -> Limits:
    inner = fields.mapping("limits")
    if inner is None:
        return Limits()
    inner.refuse_unknown(("rows", "seconds"))
    rows = inner.integer("rows", _ROWS)
    seconds = inner.integer("seconds", _SECONDS)
    default = Limits()
    return Limits(rows or default.rows, seconds or default.seconds)


def _read_rows(fields: Fields, kind: Kind) -> dict[str, Any] | None:
    """Return the fields of a source that reads a table or a query."""
    for other in _FOR_FILES_ONLY:
        if fields.has(other):
            fields.report(other, f"is for sources of kind sftp, and this one is {kind}; remove it")
    if fields.has("files"):
        fields.report("files", f"is for sources of kind sftp, and this one is {kind}; write table or query")
    table, query = fields.text("table", required=False), fields.text("query", required=False)
    if fields.has("table") == fields.has("query"):
        both = "both are given" if fields.has("table") else "both are missing"
        fields.report("table, query", f"{both}; write one of them")
    if table is not None and (problem := table_problem(table)):
        fields.report("table", problem)
    if query is not None and (problem := query_problem(query, kind)):
        fields.report("query", problem)
    columns, key = fields.texts("columns"), fields.texts("key")
    watermark = fields.text("watermark", required=False)
    if not key and not fields.reported("key"):
        fields.report(
            "key", "is missing; add the columns that identify a row, which never change, as 'key: [claim_id]'"
        )
    _check_columns(fields, "columns", columns, MOST_COLUMNS)
    _check_columns(fields, "key", key, MOST_KEY_COLUMNS)
    if watermark is not None:
        _check_columns(fields, "watermark", (watermark,), 1)
    if columns:
        named = [("key", column) for column in key] + ([("watermark", watermark)] if watermark else [])
        for where, column in named:
            if column not in columns:
                fields.report(where, f"'{column}' is not among the columns to read; add it to columns")
    mode = _read_mode(fields, kind, table, watermark)
    overlap = fields.duration("overlap", _OVERLAP)
    if overlap is not None and mode not in (Mode.OVERLAP, None):
        fields.report("overlap", f"is for mode overlap, and this source has mode {mode}; remove it")
    found: dict[str, Any] = {
        "mode": mode,
        "table": table,
        "query": query.strip() if query else None,
        "columns": columns,
        "key": key,
        "watermark": watermark,
    }
    return None if mode is None else found | ({"overlap": overlap} if overlap is not None else {})


def _read_mode(fields: Fields, kind: Kind, table: str | None, watermark: str | None) -> Mode | None:
    horizon = kind is Kind.POSTGRESQL and table is not None
    default = Mode.HORIZON if horizon else Mode.OVERLAP if watermark else Mode.DIFFERENCE
    choices = (Mode.HORIZON, Mode.OVERLAP, Mode.DIFFERENCE)
    mode = fields.choice("mode", choices, default)
    if mode is Mode.HORIZON and not horizon:
        instead = "overlap with a watermark, or difference"
        fields.report("mode", f"horizon is for tables of kind postgresql only; write {instead}")
    if mode is Mode.OVERLAP and watermark is None and not fields.has("watermark"):
        fields.report(
            "watermark",
            "is missing; mode overlap needs the column with the time of the last change of a row. "
            "Without one, write 'mode: difference'",
        )
    if mode is Mode.DIFFERENCE and watermark is not None:
        fields.report("watermark", "is not used by mode difference, which compares all rows; remove one")
    return mode


def _read_files(fields: Fields) -> dict[str, Any] | None:
    """Return the fields of a source that reads files."""
    for key in (*_NOT_FOR_FILES, "table", "query"):
        if fields.has(key):
            fields.report(key, "is for tables, and a source of kind sftp has files; remove it")
    fields.choice("mode", (Mode.FILES,), Mode.FILES)
    files = fields.text("files")
    if files is not None and (problem := glob_problem(files)):
        fields.report("files", problem)
    host_keys = fields.texts("hostKeys")
    if not host_keys and not fields.reported("hostKeys"):
        fields.report(
            "hostKeys",
            "is missing; add the server's public keys as its administrator gives them to you, as "
            "'hostKeys: [ssh-ed25519 AAAA…]': no key is accepted on first use",
        )
    for number, host_key in enumerate(host_keys, 1):
        if problem := host_key_problem(host_key):
            fields.report(f"hostKeys, number {number}", problem)
    marker = fields.text("marker", required=False)
    if marker is not None and (problem := marker_problem(marker)):
        fields.report("marker", problem)
    settle = fields.duration("settle", _SETTLE)
    if settle is not None and marker is not None:
        fields.report("settle", "is not used with marker, which says that a file is complete; remove one")
    if files is None:
        return None
    found: dict[str, Any] = {"mode": Mode.FILES, "files": files, "host_keys": host_keys, "marker": marker}
    return found | ({"settle": settle} if settle is not None else {})


def _check_columns(fields: Fields, where: str, names: tuple[str, ...], most: int) -> None:
    for column in names:
        if problem := column_problem(column):
            fields.report(where, problem)
    if len(names) > most:
        fields.report(where, f"has {len(names):,} columns; at most {most:,} are possible")
    if len({name.casefold() for name in names}) < len(names):
        fields.report(where, "a column is duplicated; remove one")
