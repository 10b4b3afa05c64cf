"""Registration of a new object: it is entered in the ledger, and its pipeline is started."""

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.events import CreatedObject, sortable, storable_key
from claimwatch.aws.executions import Pipeline
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore
from claimwatch.domain.contract.contract import LINE_NAME, LINE_RULE
from claimwatch.domain.contract.line_name import differs_in_spelling
from claimwatch.domain.files.side_files import side_file_of
from claimwatch.domain.files.stream_files import is_failed_output, is_undelivered
from claimwatch.domain.files.undelivered import describe_undelivered
from claimwatch.errors import RefusedFile, TransientFault, sentence
from claimwatch.ingest.fail import DELETED
from claimwatch.ingest.notifications import notify_refused
from claimwatch.invisible import INVISIBLE
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database

DATASETS = ("claims", "outcomes")


def register(
    database: Database, pipeline: Pipeline, alerts: Alerts, objects: ObjectStore, created: CreatedObject
) -> ledger.File:
    """Register the object version and start its pipeline, exactly once for repeated events.

    An object whose key is not that of a claims or outcomes file is registered as refused, so that people find
    it in the ledger. So is a side file of a tool, without a notification. ``objects`` are read only to count
    the records that the stream could not route.
    """
    dataset, line, refused_because = _parse_key(created.ref.key)
    if is_undelivered(created.ref.key):
        refused_because = _describe_undelivered(objects, created.ref)
    tool = side_file_of(created.ref.key, created.size_bytes)
    if tool is not None:
        refused_because = (
            f"the name is that of a side file of {tool}, so nobody is notified: drop it under another name "
            "if it is data"
        )
    dropped = ledger.Dropped(
        dataset=dataset,
        line=line,
        bucket=created.ref.bucket,
        key=storable_key(created.ref.key),
        version_id=created.ref.version_id,
        sequencer=sortable(created.sequencer),
        size_bytes=created.size_bytes,
        received_at=created.created_at,
        refused_because=refused_because and sentence(refused_because),
        side_file=tool is not None,
    )
    file = _register_with_retry(database, dropped)
    if file.status == "refused" and not file.notified:
        folder_marker = created.ref.key.endswith("/") and created.size_bytes == 0
        if not folder_marker and tool is None:
            notify_refused(database, alerts, file)
    elif file.status == "received":
        pipeline.start(ObjectRef(file.bucket, file.key, file.version_id), file.file_id, file.attempt)
    return file


def _register_with_retry(database: Database, dropped: ledger.Dropped) -> ledger.File:
    """Register the file; retry once if the connection breaks, because the queue would wait six minutes."""
    try:
        with database.transaction() as cursor:
            return ledger.register(cursor, dropped)
    except TransientFault:
        with database.transaction() as cursor:
            return ledger.register(cursor, dropped)


def _describe_undelivered(objects: ObjectStore, ref: ObjectRef) -> str:
    try:
        return describe_undelivered(objects.read(ref))
    except ObjectMissing:
        return DELETED
    except RefusedFile as refusal:
        return str(refusal)


def _parse_key(key: str) -> tuple[str, str | None, str | None]:
    """Return the dataset and the line of a key, and the reason for refusing the object, or None."""
    if "\0" in key:
        return "unknown", None, "the key contains a NUL character: drop the file again under another key"
    dataset, _, rest = key.partition("/")
    line, slash, name = rest.partition("/")
    if dataset not in DATASETS or not slash:
        return (
            "unknown",
            None,
            "the key does not name a line: drop files under claims/<line>/ or outcomes/<line>/",
        )
    if not LINE_NAME.fullmatch(line):
        unseen = INVISIBLE.search(line)
        hint = f"; it contains the invisible character U+{ord(unseen[0]):04X}" if unseen else ""
        if differs_in_spelling(line):
            # The name is not quoted: a folder may be called after a person, and alerts name nobody.
            hint = "; written in lower case, with _ for blanks, hyphens and dots, it is valid"
        return (
            dataset,
            None,
            f"the folder below {dataset}/ is not a valid name of a line: use {LINE_RULE}{hint}",
        )
    if not name or name.endswith("/"):
        return dataset, line, "the key names a folder: drop files into the folder"
    if is_failed_output(key):
        return (
            dataset,
            line,
            (
                "the folder holds records that a stream of Firehose could not process, wrapped in "
                "descriptions of the errors: correct their sender, and send the records themselves again"
            ),
        )
    return dataset, line, None
