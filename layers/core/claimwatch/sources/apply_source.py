"""Application of the file of a source: it becomes the running version, and its schedules follow it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.events import CreatedObject, DeletedObject, sortable, storable_key
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore, read_whole
from claimwatch.aws.schedules import Schedules
from claimwatch.domain.contract.strict_yaml import MAX_TEXT, decode_text
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.schedule import rate_of
from claimwatch.domain.sources.source import Source
from claimwatch.domain.sources.source_name import is_source_name
from claimwatch.errors import RefusedSourceFile
from claimwatch.sources.notifications import notify_refused
from claimwatch.storage import sources
from claimwatch.storage.connection import Database
from claimwatch.storage.sources import Entry, State, Submission

FOLDER = "sources/"
SUFFIX = ".yaml"

type Status = Literal["applied", "refused", "superseded", "removed", "ignored"]


class SourceFiles(ObjectStore, Protocol):
    """An object store that knows the current version of a key."""

    def latest(self, bucket: str, key: str) -> tuple[ObjectRef, datetime] | None:
        """Return the current version of a key and when it was stored; None if it is missing or deleted."""


@dataclass(frozen=True)
class Applied:
    """Result of applying the file of a source.

    ``superseded``: a newer version is running. ``removed``: the file was deleted. ``ignored``: the object is
    not the file of a source, or was deleted and stored again meanwhile. ``began_again`` is whether the source
    reads something else than before, and so begins with all rows.
    """

    status: Status
    source: str = ""
    began_again: bool = False


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``apply_source``."""

    database: Database
    objects: SourceFiles
    alerts: Alerts
    schedules: Schedules
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def apply_source(deps: Dependencies, changed: CreatedObject | DeletedObject) -> Applied:
    """Apply the file of a source, or its deletion, exactly once even if called several times.

    Events may come in any order: the newest version runs. A file that cannot be applied is recorded with the
    reasons and notified once; the running version stays. Raises ``TransientFault`` if the same call may
    succeed later.
    """
    key = storable_key(changed.ref.key)
    if not key.startswith(FOLDER) or not key.endswith(SUFFIX):
        return Applied("ignored")
    name = key.removeprefix(FOLDER).removesuffix(SUFFIX)
    if isinstance(changed, DeletedObject):
        return _remove(deps, name, key, changed)
    try:
        text, problems = _read(deps.objects, changed.ref)
    except ObjectMissing:
        return Applied("ignored", name)
    submission = Submission(
        source=name,
        bucket=changed.ref.bucket,
        key=key,
        version_id=changed.ref.version_id,
        received_at=changed.created_at,
        sequencer=sortable(changed.sequencer),
        text=text,
    )
    source: Source | None = None
    if not problems:
        try:
            source = parse_source(text, name)
        except RefusedSourceFile as refusal:
            problems = refusal.problems
    with deps.database.transaction() as cursor:
        sources.lock_name(cursor, name)
        entry, began_again = _record(deps, cursor, submission, source, problems)
    if entry.status == "refused" and not entry.notified:
        # Before it is recorded: after a crash in between, two notifications are better than none.
        notify_refused(deps.alerts, submission, entry)
        with deps.database.transaction() as cursor:
            sources.set_version_notified(cursor, entry.source_version_id)
    if entry.status == "applied":
        _keep_schedules(deps, name)  # also after a crash, because the message comes again
    return Applied(entry.status, name, began_again)


def _record(
    deps: Dependencies,
    cursor: Cursor,
    submission: Submission,
    source: Source | None,
    problems: list[str],
) -> tuple[Entry, bool]:
    """Apply or refuse a version; return the entry, and whether the source begins again."""
    known = sources.find_version(cursor, submission)
    if known is not None:
        return known, False
    if source is None:
        return sources.add_version(cursor, submission, "refused", "\n".join(problems)), False
    running = sources.lock(cursor, submission.source)
    if running is not None and _is_older(submission, running):
        return sources.add_version(cursor, submission, "superseded"), False
    sources.apply(cursor, submission, source, deps.now())
    begins_again = running is not None and running.reads_sha256 != source.reads_sha256
    if begins_again:
        sources.begin_again(cursor, submission.source, deps.now())
    return sources.add_version(cursor, submission, "applied"), begins_again


def _remove(deps: Dependencies, name: str, key: str, deleted: DeletedObject) -> Applied:
    """Remove a source whose file has no current version."""
    if not is_source_name(name) or deps.objects.latest(deleted.ref.bucket, key) is not None:
        return Applied("ignored", name)  # an old version was deleted, or a new one was stored
    submission = Submission(
        source=name,
        bucket=deleted.ref.bucket,
        key=key,
        version_id=deleted.ref.version_id,
        received_at=deleted.deleted_at,
        sequencer=sortable(deleted.sequencer),
    )
    with deps.database.transaction() as cursor:
        sources.lock_name(cursor, name)
        running = sources.lock(cursor, name)
        if running is None:
            return Applied("ignored", name)
        if sources.find_version(cursor, submission) is None:
            if _is_older(submission, running):
                sources.add_version(cursor, submission, "superseded")
            else:
                sources.remove(cursor, submission)
                sources.add_version(cursor, submission, "removed")
    _keep_schedules(deps, name)
    return Applied("removed", name)


def _keep_schedules(deps: Dependencies, name: str) -> None:
    """Give the source the schedules of its running version, whichever that is now.

    The lock keeps two calls from writing their schedules in the other order.
    """
    with deps.database.transaction() as cursor:
        sources.lock_name(cursor, name)
        running = sources.find(cursor, name)
        if running is None:
            return
        source = None if running.removed or running.paused else parse_source(running.text, name)
        if source is None:
            deps.schedules.delete(name)
        else:
            watch = None if source.silent_after is None else rate_of(source.silent_after)
            deps.schedules.put(name, source.schedule, watch)


def _is_older(submission: Submission, running: State) -> bool:
    return (submission.received_at, submission.sequencer) < (running.received_at, running.sequencer)


def _read(objects: ObjectStore, ref: ObjectRef) -> tuple[str, list[str]]:
    """Return the text, made storable, and the reasons why it is not the file of a source."""
    content = read_whole(objects, ref, MAX_TEXT)
    if content is None:
        return "", [f"the file is larger than {MAX_TEXT:,} bytes; the file of a source is much smaller"]
    return decode_text(content)
