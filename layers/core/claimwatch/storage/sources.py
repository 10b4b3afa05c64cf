"""Storage of sources: their files, windows and rows, and the lease of the execution that pulls."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class
from psycopg2.extras import execute_values

from claimwatch.domain.sources.source import Mode, Source
from claimwatch.errors import Superseded, TransientFault
from claimwatch.storage.queries import queries

_SQL = queries("sources")

PAGE = 1_000
"""Rows of one INSERT."""

LONGEST_KEY = 500
"""Characters of a key that is stored as it is; an index holds no texts of any length."""

type VersionStatus = Literal["applied", "refused", "superseded", "removed"]


@dataclass(frozen=True)
class Submission:
    """An object version with the file of a source, or the marker of its deletion with an empty text."""

    source: str
    bucket: str
    key: str
    version_id: str
    received_at: datetime
    sequencer: str
    text: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """Result of a submission; ``error`` is the reason if it was refused."""

    source_version_id: int
    source: str
    status: VersionStatus
    error: str | None
    notified: bool


@dataclass(frozen=True)
class State:
    """The running version of a source, how far it was pulled, and by which execution."""

    source: str
    text: str
    reads_sha256: str
    received_at: datetime
    sequencer: str
    paused: bool
    removed: bool
    position: Mapping[str, Any] | None
    cycle: Mapping[str, Any] | None
    after_key: list[str] | None
    cycles: int
    windows: int
    columns: list[list[str]] | None
    execution: str | None
    generation: int
    lease_until: datetime | None
    taken_at: datetime | None
    looked_at: datetime | None
    rows_at: datetime | None
    applied_at: datetime
    failing_since: datetime | None
    error: str | None
    failure_notified: bool
    silence_notified: bool


@dataclass(frozen=True)
class Window:
    """What one object has of a source: a range of keys of a cycle, or one version of one file."""

    source: str
    number: int
    cycle_number: int
    cycle: Mapping[str, Any]
    after_key: list[str] | None
    upto_key: list[str] | None
    path: str | None
    size_bytes: int | None
    modified_at: datetime | None
    row_limit: int | None
    last: bool
    object_key: str
    rows_read: int | None
    rows_pulled: int | None
    object_bytes: int | None
    version_id: str | None
    sha256: str | None
    extracted_at: datetime | None
    seconds: float | None
    committed_at: datetime | None
    refusal: str | None


@dataclass(frozen=True)
class NewWindow:
    """A window to be stored: it ends with ``upto_key``, or is the file ``path``."""

    object_key: str
    last: bool
    cycle: Mapping[str, Any]
    cycle_number: int
    after_key: Sequence[str] | None = None
    upto_key: Sequence[str] | None = None
    row_limit: int | None = None
    path: str | None = None
    size_bytes: int | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True)
class SeenFile:
    """A file as it was last seen; ``seen_at`` is when it first had this size and time."""

    path: str
    size_bytes: int
    modified_at: datetime
    seen_at: datetime
    pulled_at: datetime | None = None


@dataclass(frozen=True)
class Extraction:
    """What was written of a window; without a new row there is no object, and no version."""

    rows_read: int | None
    rows_pulled: int | None
    object_bytes: int
    version_id: str | None
    sha256: str | None
    seconds: float
    refusal: str | None = None
    """Why a file could not be pulled."""


def lock_name(cursor: Cursor, source: str) -> None:
    """Lock the file of the source until the transaction ends."""
    cursor.execute(_SQL["lock_source_name"], {"source": source})


def find_version(cursor: Cursor, submission: Submission) -> Entry | None:
    """Return the entry of this object version, or None if it is new."""
    cursor.execute(_SQL["find_version"], vars(submission))
    row = cursor.fetchone()
    return Entry(*row) if row else None


def add_version(
    cursor: Cursor, submission: Submission, status: VersionStatus, error: str | None = None
) -> Entry:
    """Record the result of a submission."""
    values = vars(submission) | {"status": status, "sha256": submission.sha256, "error": error}
    cursor.execute(_SQL["add_version"], values)
    return Entry(*_row(cursor))


def set_version_notified(cursor: Cursor, source_version_id: int) -> None:
    """Record that the refusal was notified."""
    cursor.execute(_SQL["set_version_notified"], {"source_version_id": source_version_id})


def apply(cursor: Cursor, submission: Submission, source: Source, now: datetime) -> None:
    """Make this version the running one."""
    values = vars(submission) | {
        "line": source.line,
        "kind": source.kind,
        "paused": source.paused,
        "reads_sha256": source.reads_sha256,
        "now": now,
    }
    cursor.execute(_SQL["apply"], values)


def remove(cursor: Cursor, submission: Submission) -> None:
    """Record that the source has no file any more; a running execution loses it."""
    cursor.execute(_SQL["remove"], vars(submission))


def find(cursor: Cursor, source: str) -> State | None:
    """Return the state of the source, or None if there is none."""
    cursor.execute(_SQL["get"], {"source": source})
    row = cursor.fetchone()
    return State(*row) if row else None


def lock(cursor: Cursor, source: str) -> State | None:
    """Return the state of the source, locked until the transaction ends, or None if there is none."""
    cursor.execute(_SQL["lock"], {"source": source})
    row = cursor.fetchone()
    return State(*row) if row else None


def hold(cursor: Cursor, source: str, generation: int) -> State:
    """Return the state of the source, locked; raise ``Superseded`` unless it was last planned as this one."""
    state = lock(cursor, source)
    if state is None or state.generation != generation or state.removed:
        raise Superseded(f"source {source} was planned again or changed after this step's plan")
    return state


def take(
    cursor: Cursor, source: str, execution: str, now: datetime, lease_until: datetime
) -> tuple[int, datetime]:
    """Give the source to an execution; return the generation of the plan, and since when it has it."""
    values = {"source": source, "execution": execution, "now": now, "lease_until": lease_until}
    cursor.execute(_SQL["take"], values)
    generation, taken_at = _row(cursor)
    return generation, taken_at


def renew(cursor: Cursor, source: str, lease_until: datetime) -> None:
    """Extend the lease of the execution that has the source."""
    cursor.execute(_SQL["renew"], {"source": source, "lease_until": lease_until})


def release(cursor: Cursor, source: str) -> None:
    """Take the source from its execution, which is done with it."""
    cursor.execute(_SQL["release"], {"source": source})


def begin_again(cursor: Cursor, source: str, now: datetime) -> None:
    """Forget how far the source was pulled: the next plan begins with all rows or files."""
    cursor.execute(_SQL["begin_again"], {"source": source})
    discard_window(cursor, source, now)
    cursor.execute(_SQL["forget_rows"], {"source": source})
    cursor.execute(_SQL["forget_pulled_files"], {"source": source})


def discard_window(cursor: Cursor, source: str, now: datetime) -> None:
    """Give up the window that is not committed, if there is one."""
    cursor.execute(_SQL["discard_window"], {"source": source, "now": now})
    cursor.execute(_SQL["forget_window_rows"], {"source": source})


def begin_cycle(
    cursor: Cursor, source: str, cycle: Mapping[str, Any], columns: Sequence[Sequence[str]]
) -> int:
    """Store a new cycle and its columns; return its number."""
    values = {"source": source, "cycle": json.dumps(cycle), "columns": json.dumps(columns)}
    cursor.execute(_SQL["begin_cycle"], values)
    (number,) = _row(cursor)
    return int(number)


def end_cycle(cursor: Cursor, source: Source, cycle_number: int, now: datetime) -> int:
    """End the cycle of a source, which was pulled to its end; return how many rows it no longer has.

    Only mode difference reads all rows and so finds deleted ones.
    """
    values = {"source": source.name, "cycle_number": cycle_number, "now": now}
    deleted = 0
    if source.mode is Mode.DIFFERENCE:
        cursor.execute(_SQL["add_deletions"], values)
        deleted = cursor.rowcount
    if source.mode in (Mode.DIFFERENCE, Mode.OVERLAP):
        cursor.execute(_SQL["forget_earlier_rows"], values)
    cursor.execute(_SQL["end_cycle"], values)
    set_looked(cursor, source.name, now)
    return deleted


def set_looked(cursor: Cursor, source: str, now: datetime) -> None:
    """Record that the source was pulled to its end, and so that it works."""
    cursor.execute(_SQL["looked"], {"source": source, "now": now})
    set_healthy(cursor, source)


def set_healthy(cursor: Cursor, source: str) -> None:
    """End an episode of failures."""
    cursor.execute(_SQL["set_healthy"], {"source": source})


def set_rows_at(cursor: Cursor, source: str, now: datetime) -> None:
    """Record that the source has new rows or a new file; an episode of silence ends."""
    cursor.execute(_SQL["set_rows_at"], {"source": source, "now": now})


def set_failing(cursor: Cursor, source: str, error: str, now: datetime) -> None:
    """Record a failure and take the source from the execution that failed."""
    cursor.execute(_SQL["set_failing"], {"source": source, "error": error, "now": now})


def set_failure_notified(cursor: Cursor, source: str, now: datetime) -> None:
    """Record that this episode of failures was notified."""
    cursor.execute(_SQL["set_failure_notified"], {"source": source, "now": now})


def set_silence_notified(cursor: Cursor, source: str, now: datetime) -> None:
    """Record that this episode of silence was notified."""
    cursor.execute(_SQL["set_silence_notified"], {"source": source, "now": now})


def open_window(cursor: Cursor, source: str) -> Window | None:
    """Return the window of the source that is not committed, or None."""
    cursor.execute(_SQL["open_window"], {"source": source})
    row = cursor.fetchone()
    return Window(*row) if row else None


def get_window(cursor: Cursor, source: str, number: int) -> Window:
    """Return a window. Raises ``Superseded`` if it does not exist any more."""
    cursor.execute(_SQL["window"], {"source": source, "number": number})
    row = cursor.fetchone()
    if row is None:
        raise Superseded(f"window {number} of source {source} was given up")
    return Window(*row)


def last_committed(cursor: Cursor, source: str) -> tuple[int, float] | None:
    """Return the limit of rows of the last committed window, and the seconds that it took; None if none."""
    cursor.execute(_SQL["last_committed_window"], {"source": source})
    row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def windows_of(cursor: Cursor, source: str, execution: str) -> int:
    """Return how many windows an execution has planned."""
    cursor.execute(_SQL["windows_of_execution"], {"source": source, "execution": execution})
    (count,) = _row(cursor)
    return int(count)


def files_refused_by(cursor: Cursor, source: str, execution: str) -> set[str]:
    """Return the paths of files that an execution could not pull."""
    cursor.execute(_SQL["files_refused_by"], {"source": source, "execution": execution})
    return {path for (path,) in cursor.fetchall()}


def was_refused_before(cursor: Cursor, window: Window) -> bool:
    """Return whether an earlier window could not pull the same version of the file."""
    cursor.execute(_SQL["was_refused_before"], vars(window))
    (refused,) = _row(cursor)
    return bool(refused)


def add_window(cursor: Cursor, source: str, execution: str, window: NewWindow, now: datetime) -> int:
    """Store a window and return its number; ``{number}`` in its object key is replaced by the number."""
    cursor.execute(_SQL["count_window"], {"source": source})
    (number,) = _row(cursor)
    values = vars(window) | {
        "source": source,
        "number": number,
        "execution": execution,
        "cycle": json.dumps(window.cycle),
        "after_key": _json(window.after_key),
        "upto_key": _json(window.upto_key),
        "object_key": window.object_key.replace("{number}", f"{number:08d}")
        if not window.path
        else window.object_key,
        "now": now,
    }
    cursor.execute(_SQL["add_window"], values)
    return int(number)


def plan_again(cursor: Cursor, window: Window, execution: str) -> None:
    """Record which execution works on a window now."""
    values = {"source": window.source, "number": window.number, "execution": execution}
    cursor.execute(_SQL["plan_window_again"], values)


def narrow_window(cursor: Cursor, window: Window, upto: Sequence[str], rows: int, *, last: bool) -> None:
    """Give a window an earlier end; what was extracted of it does not count."""
    values = {"upto_key": _json(upto), "row_limit": rows, "last": last}
    cursor.execute(_SQL["narrow_window"], values | {"source": window.source, "number": window.number})


def begin_attempt(cursor: Cursor, window: Window) -> int:
    """Begin to read a window, and return the number of the attempt; earlier attempts change nothing more."""
    cursor.execute(_SQL["begin_attempt"], {"source": window.source, "number": window.number})
    (attempt,) = _row(cursor)
    return int(attempt)


def require_attempt(cursor: Cursor, source: str, number: int, attempt: int) -> None:
    """Raise ``TransientFault`` if a later attempt reads the window; the caller has locked the source."""
    cursor.execute(_SQL["attempt"], {"source": source, "number": number})
    if cursor.fetchone() != (attempt,):
        raise TransientFault(f"another attempt reads window {number} of source {source}")


def forget_window_rows(cursor: Cursor, source: str, number: int) -> None:
    """Delete the rows of an earlier attempt at a window."""
    cursor.execute(_SQL["forget_rows_of_window"], {"source": source, "number": number})


def share(cursor: Cursor, source: str, generation: int) -> None:
    """Keep the source from being planned again in this transaction; raise ``Superseded`` if it has been."""
    cursor.execute(_SQL["share"], {"source": source})
    row = cursor.fetchone()
    if row is None or row[0] != generation:
        raise Superseded(f"source {source} was planned again or changed after this step's plan")


def known_hashes(cursor: Cursor, source: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Return the hashes of rows that were pulled, by their keys."""
    cursor.execute(_SQL["hashes_of"], {"source": source, "keys": list(keys)})
    return {key: bytes(row_hash) for key, row_hash in cursor.fetchall()}


def add_window_rows(cursor: Cursor, source: str, number: int, hashes: Sequence[tuple[str, bytes]]) -> None:
    """Store keys and hashes of rows of a window."""
    keys = [key for key, _ in hashes]
    values = {"source": source, "number": number, "keys": keys, "hashes": [found for _, found in hashes]}
    cursor.execute(_SQL["add_window_rows"], values)


def set_extracted(cursor: Cursor, window: Window, extraction: Extraction, now: datetime) -> None:
    """Record what was written of a window."""
    values = vars(extraction) | {"source": window.source, "number": window.number, "now": now}
    cursor.execute(_SQL["set_extracted"], values)


def set_not_extracted(cursor: Cursor, window: Window) -> None:
    """Record that the object of a window is gone, so that the window is read again."""
    cursor.execute(_SQL["set_not_extracted"], {"source": window.source, "number": window.number})


def commit(cursor: Cursor, window: Window, now: datetime) -> None:
    """Commit a window: its end is how far the source was pulled, or its file was pulled or refused."""
    values = {
        "source": window.source,
        "number": window.number,
        "cycle_number": window.cycle_number,
        "path": window.path,
        "size_bytes": window.size_bytes,
        "modified_at": window.modified_at,
        "after_key": _json(window.upto_key),
        "now": now,
    }
    cursor.execute(_SQL["set_committed"], values)
    if window.path is not None:
        if window.refusal is None:
            cursor.execute(_SQL["set_pulled"], values)
    else:
        cursor.execute(_SQL["keep_window_rows"], values)
        forget_window_rows(cursor, window.source, window.number)
        cursor.execute(_SQL["advance"], values)
    set_healthy(cursor, window.source)


def seen_files(cursor: Cursor, source: str) -> dict[str, SeenFile]:
    """Return the files of the source as they were last seen, by path."""
    cursor.execute(_SQL["files"], {"source": source})
    return {row[0]: SeenFile(*row) for row in cursor.fetchall()}


def see_files(cursor: Cursor, source: str, files: Iterable[SeenFile]) -> None:
    """Store files that are new, or that have another size or time."""
    values = ((source, file.path, file.size_bytes, file.modified_at, file.seen_at) for file in files)
    execute_values(cursor, _SQL["see_files"].rstrip(";"), values, page_size=PAGE)


def key_text(key: Sequence[str]) -> str:
    """Return the key of a row as one text; a very long one is replaced by its digest."""
    text = key[0] if len(key) == 1 else json.dumps(list(key), ensure_ascii=False)
    if len(text) > LONGEST_KEY or "\0" in text:
        return "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return text


def _json(key: Sequence[str] | None) -> str | None:
    return None if key is None else json.dumps(list(key))


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("there is no such source")
    return row
