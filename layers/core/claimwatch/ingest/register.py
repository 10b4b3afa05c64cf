"""An object has come: enter it in the ledger and start its pipeline."""

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.events import CreatedObject
from claimwatch.aws.executions import Pipeline
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.errors import TransientFault
from claimwatch.ingest.notifications import notify_refused
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database

DATASETS = ("claims", "outcomes")
_SEQUENCER_DIGITS = 32


def register(database: Database, pipeline: Pipeline, alerts: Alerts, created: CreatedObject) -> ledger.File:
    """Enter the object version once, however often its event comes, and start its pipeline once.

    What is no claims or outcomes file by its key is entered as refused, so that nobody looks for it in vain.
    """
    dataset, line, refused_because = _place(created.ref.key)
    dropped = ledger.Dropped(
        dataset=dataset,
        line=line,
        bucket=created.ref.bucket,
        key=created.ref.key,
        version_id=created.ref.version_id,
        sequencer=created.sequencer.rjust(_SEQUENCER_DIGITS, "0"),  # so that text sorts as the number does
        size_bytes=created.size_bytes,
        received_at=created.created_at,
        refused_because=refused_because,
    )
    file = _entered(database, dropped)
    if file.status == "refused" and not file.notified:
        folder_marker = created.ref.key.endswith("/") and created.size_bytes == 0
        if not folder_marker:
            notify_refused(database, alerts, file)
    elif file.status == "received":
        pipeline.start(ObjectRef(file.bucket, file.key, file.version_id), file.file_id, file.attempt)
    return file


def _entered(database: Database, dropped: ledger.Dropped) -> ledger.File:
    """The file's row. Where the connection breaks it is tried once more: the queue would wait six minutes."""
    try:
        with database.transaction() as cursor:
            return ledger.register(cursor, dropped)
    except TransientFault:
        with database.transaction() as cursor:
            return ledger.register(cursor, dropped)


def _place(key: str) -> tuple[str, str | None, str | None]:
    """The dataset and the line that a key names, and why the object is refused if it names none."""
    dataset, _, rest = key.partition("/")
    line, slash, name = rest.partition("/")
    if dataset not in DATASETS or not slash:
        return "unknown", None, "the key names no line: drop files under claims/<line>/ or outcomes/<line>/"
    if not LINE_NAME.fullmatch(line):
        rule = "small letters, digits and _ only, beginning with a letter, 40 characters at most, not 'image'"
        return dataset, None, f"'{line}' cannot be a line: {rule}"
    if not name or name.endswith("/"):
        return dataset, line, "the key names a folder: drop files into it"
    return dataset, line, None
