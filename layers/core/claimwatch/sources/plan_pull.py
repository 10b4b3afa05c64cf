"""Planning of a pull: an execution takes a source, and the next window is stored before it is read."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.pull_events import PullRequest
from claimwatch.domain.sources.object_keys import key_of_file, key_of_rows
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Mode, Source
from claimwatch.domain.sources.windows import (
    is_storable_path,
    rows_of_window,
    seconds_until_settled,
)
from claimwatch.sources.notifications import notify_deletions
from claimwatch.sources.reader import Column, Cycle, FileReader, Key, RefusedSource, RemoteFile, TableReader
from claimwatch.storage import sources
from claimwatch.storage.connection import Database
from claimwatch.storage.sources import NewWindow, SeenFile, State, Window

LEASE = timedelta(minutes=20)
"""How long a step may keep a source; a Lambda function ends after 15 minutes."""

MOST_WINDOWS = 50
"""Windows of one execution, which has at most 25,000 events, whatever fails. Then it starts the next one."""

LONGEST_WAIT = timedelta(minutes=5)
"""Longest time that an execution waits for files to settle; otherwise the next one looks again."""

type Status = Literal["extract", "wait", "continue", "idle", "busy", "paused", "removed"]


@dataclass(frozen=True)
class Plan:
    """Result of planning.

    ``extract``: the window ``number`` is to be read. ``wait``: files may have settled after ``seconds``.
    ``continue``: another execution is to go on. ``idle``: the source was pulled to its end. ``busy``: another
    execution has it. ``paused`` and ``removed`` are what the file of the source says. ``changed`` names
    columns that the cycle before did not have, or that are gone or have another type; ``skipped`` is the
    number of files that cannot be objects.
    """

    status: Status
    source: str
    number: int = 0
    generation: int = 0
    seconds: int = 0
    changed: tuple[str, ...] = ()
    skipped: int = 0

    def to_event(self) -> dict[str, object]:
        """Return what the state machine needs."""
        return {
            "status": self.status,
            "source": self.source,
            "number": self.number,
            "generation": self.generation,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``plan_pull``; ``open_reader`` connects to a source."""

    database: Database
    alerts: Alerts
    open_reader: Callable[[Source], TableReader | FileReader]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class _Taken:
    """A source that this plan has taken, as it was then."""

    source: Source
    state: State
    generation: int
    taken_at: datetime
    execution: str
    window: Window | None
    rows: int
    """The limit of rows of the next window."""

    @property
    def name(self) -> str:
        return self.source.name


def plan_pull(deps: Dependencies, request: PullRequest) -> Plan:
    """Take a source for an execution and return its next window, which is stored before it is read.

    A window that was planned and not committed is returned again. Every plan has a higher generation, and
    steps of earlier plans change nothing. Raises ``SourceUnreachable`` or ``RefusedSource``.
    """
    taken = _take(deps, request)
    if isinstance(taken, Plan):
        return taken
    window = taken.window
    if window is not None and (
        window.extracted_at is not None or (window.path is None and not request.narrow)
    ):
        return _plan_again(deps, taken, window)
    if window is not None and window.path is not None and request.narrow:
        raise RefusedSource(
            f"source {taken.name}: a file of {window.size_bytes:,} bytes cannot be read in the time of a "
            "step; have it sent in smaller files"
        )
    reader = deps.open_reader(taken.source)
    with closing(reader):
        reader.refuse_writers()
        if taken.source.mode is Mode.FILES:
            return _plan_file(deps, taken, cast("FileReader", reader))
        if window is not None:
            return _narrow(deps, taken, window, cast("TableReader", reader))
        return _plan_rows(deps, taken, cast("TableReader", reader))


def _take(deps: Dependencies, request: PullRequest) -> _Taken | Plan:
    name, now = request.source, deps.now()
    with deps.database.transaction() as cursor:
        state = sources.lock(cursor, name)
        if state is None or state.removed:
            return Plan("removed", name)
        mine = state.execution == request.execution
        if not mine and state.lease_until is not None and state.lease_until > now:
            return Plan("busy", name)
        if state.paused:
            sources.release(cursor, name)
            return Plan("paused", name)
        if sources.windows_of(cursor, name, request.execution) >= MOST_WINDOWS:
            sources.release(cursor, name)
            return Plan("continue", name)
        if request.from_start and not mine:
            sources.begin_again(cursor, name, now)
        generation, taken_at = sources.take(cursor, name, request.execution, now, now + LEASE)
        state = sources.find(cursor, name)
        assert state is not None  # it is locked
        source = parse_source(state.text, name)
        return _Taken(
            source,
            state,
            generation,
            taken_at,
            request.execution,
            sources.open_window(cursor, name),
            rows_of_window(source.limits, sources.last_committed(cursor, name)),
        )


def _plan_again(deps: Dependencies, taken: _Taken, window: Window) -> Plan:
    with deps.database.transaction() as cursor:
        sources.hold(cursor, taken.name, taken.generation)
        sources.plan_again(cursor, window, taken.execution)
    return Plan("extract", taken.name, window.number, taken.generation)


def _plan_rows(deps: Dependencies, taken: _Taken, reader: TableReader) -> Plan:
    """Plan the next window of the cycle, or begin a cycle; a cycle without more rows ends."""
    state, columns = taken.state, reader.columns()
    cycle: Cycle = state.cycle if state.cycle is not None else reader.begin_cycle(state.position)
    after = _key(state.after_key) if state.cycle is not None else None
    upto, more = reader.last_key(cycle, after, taken.rows)
    changed = _changed(state.columns, columns) if state.cycle is None else ()
    with deps.database.transaction() as cursor:
        sources.hold(cursor, taken.name, taken.generation)
        cycle_number = state.cycles
        if state.cycle is None:
            written = [[column.name, column.type] for column in columns]
            cycle_number = sources.begin_cycle(cursor, taken.name, cycle, written)
        if upto is None:
            _end_cycle(deps, cursor, taken.source, cycle_number)
            return Plan("idle", taken.name, changed=changed)
        window = NewWindow(
            object_key=key_of_rows(taken.source),
            last=not more,
            cycle=cycle,
            cycle_number=cycle_number,
            after_key=after,
            upto_key=upto,
            row_limit=taken.rows,
        )
        number = sources.add_window(cursor, taken.name, taken.execution, window, deps.now())
    return Plan("extract", taken.name, number, taken.generation, changed=changed)


def _end_cycle(deps: Dependencies, cursor: Cursor, source: Source, cycle_number: int) -> None:
    deleted = sources.end_cycle(cursor, source, cycle_number, deps.now())
    sources.release(cursor, source.name)
    if deleted:
        notify_deletions(deps.alerts, source, deleted)


def _narrow(deps: Dependencies, taken: _Taken, window: Window, reader: TableReader) -> Plan:
    """Halve a window that was too large for the time of a step."""
    rows, after = window.row_limit or taken.source.limits.rows, _key(window.after_key)
    upto: Key | None = _key(window.upto_key)
    before = upto
    while upto == before:
        if rows <= 1:
            raise RefusedSource(
                f"source {taken.name}: a single row cannot be read in the time of a step; raise "
                "limits.seconds, or leave large columns out"
            )
        rows //= 2
        upto, _ = reader.last_key(window.cycle, after, rows)
    with deps.database.transaction() as cursor:
        sources.hold(cursor, taken.name, taken.generation)
        if upto is None:  # all its rows have changed, and belong to the next cycle
            upto, rows = before, window.row_limit or rows
        last = window.last and upto == before
        sources.narrow_window(cursor, window, upto or (), rows, last=last)
        sources.plan_again(cursor, window, taken.execution)
    return Plan("extract", taken.name, window.number, taken.generation)


def _plan_file(deps: Dependencies, taken: _Taken, reader: FileReader) -> Plan:
    """Plan the oldest file that has settled and was not pulled; record how all files look now.

    A file that this execution could not pull is left to the next one.
    """
    listed = reader.files()
    files = [file for file in listed if is_storable_path(file.path)]
    skipped = len(listed) - len(files)
    now, source = deps.now(), taken.source
    with deps.database.transaction() as cursor:
        sources.hold(cursor, taken.name, taken.generation)
        seen = _look(cursor, source, files, now)
        window = taken.window
        if window is not None:
            if any(_is_of(file, window) for file in files):
                sources.plan_again(cursor, window, taken.execution)
                return Plan("extract", taken.name, window.number, taken.generation, skipped=skipped)
            sources.discard_window(cursor, taken.name, now)
        refused = sources.files_refused_by(cursor, taken.name, taken.execution)
        waiting = [file for file in seen if file.pulled_at is None and file.path not in refused]
        settled = [
            file for file in waiting if source.marker is not None or file.seen_at + source.settle <= now
        ]
        if settled:
            number = _add_file(cursor, taken, min(settled, key=_age), last=len(waiting) == 1, now=now)
            return Plan("extract", taken.name, number, taken.generation, skipped=skipped)
        waits = source.settle <= LONGEST_WAIT and now - taken.taken_at < source.settle
        if waiting and waits:
            seconds = seconds_until_settled((file.seen_at for file in waiting), source.settle, now)
            return Plan("wait", taken.name, seconds=seconds, generation=taken.generation, skipped=skipped)
        sources.set_looked(cursor, taken.name, now)
        sources.release(cursor, taken.name)
    return Plan("idle", taken.name, skipped=skipped)


def _look(cursor: Cursor, source: Source, files: Sequence[RemoteFile], now: datetime) -> list[SeenFile]:
    """Compare the files with how they were last seen, store what is new, and return them all."""
    before = sources.seen_files(cursor, source.name)
    seen, changed = [], []
    for file in files:
        known = before.get(file.path)
        if known is None or (known.size_bytes, known.modified_at) != (file.size, file.modified_at):
            known = SeenFile(file.path, file.size, file.modified_at, now)
            changed.append(known)
        seen.append(known)
    if changed:
        sources.see_files(cursor, source.name, changed)
    return seen


def _add_file(cursor: Cursor, taken: _Taken, file: SeenFile, *, last: bool, now: datetime) -> int:
    source = taken.source
    window = NewWindow(
        object_key=key_of_file(source, file.path),
        last=last,
        cycle={},
        cycle_number=taken.state.cycles,
        path=file.path,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
    )
    return sources.add_window(cursor, source.name, taken.execution, window, now)


def _is_of(file: RemoteFile, window: Window) -> bool:
    of_window = (window.path, window.size_bytes, window.modified_at)
    return (file.path, file.size, file.modified_at) == of_window


def _age(file: SeenFile) -> tuple[datetime, str]:
    return file.modified_at, file.path


def _key(stored: Sequence[str] | None) -> Key | None:
    return None if stored is None else tuple(stored)


def _changed(before: list[list[str]] | None, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the names of columns that are new or gone, or have another type."""
    if before is None:
        return ()
    then = {(name, kind) for name, kind in before}
    now = {(column.name, column.type) for column in columns}
    return tuple(sorted({name for name, _ in then ^ now}))
