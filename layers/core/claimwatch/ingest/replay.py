"""New attempts at files."""

from claimwatch.aws.executions import Pipeline
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import RefusedData
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database


def replay(database: Database, pipeline: Pipeline, file_id: int) -> ledger.File:
    """Begin a new attempt at a file; work of earlier attempts is rejected from now on.

    Raises ``RefusedData`` if the file is committed, because visible rows must not change, or if its key does
    not name a line, because a new attempt could not succeed.
    """
    with database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.status == "committed":
            raise RefusedData(f"file {file_id} is committed; drop a corrected file to replace its rows")
        if file.line is None:
            raise RefusedData(f"file {file_id} cannot be loaded from its key: {file.error}")
        ledger.begin_attempt(cursor, file_id)
        file = ledger.get(cursor, file_id)
    pipeline.start(ObjectRef(file.bucket, file.key, file.version_id), file.file_id, file.attempt)
    return file


def resume(database: Database, pipeline: Pipeline, file_id: int) -> bool:
    """Begin a new attempt at a parked file; return whether there was anything to do.

    An earlier call may have crashed after beginning the attempt and before starting it, so the attempt is
    started here too: starting the same attempt twice has no effect.
    """
    with database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.status == "parked":
            ledger.begin_attempt(cursor, file_id)
            file = ledger.get(cursor, file_id)
        elif not (file.status == "received" and file.attempt > 1):
            return False
    pipeline.start(ObjectRef(file.bucket, file.key, file.version_id), file.file_id, file.attempt)
    return True
