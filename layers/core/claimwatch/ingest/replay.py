"""Trying a file again, on purpose."""

from claimwatch.aws.executions import Pipeline
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import RefusedData
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database


def replay(database: Database, pipeline: Pipeline, file_id: int) -> ledger.File:
    """Begin a new attempt at a file; what an earlier attempt may still do is refused from now on.

    Raises ``RefusedData`` for a file that is committed, for what people have seen does not change under them,
    and for one whose key names no line, for that does not change either.
    """
    with database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.status == "committed":
            raise RefusedData(f"file {file_id} is committed; drop a corrected file to replace its rows")
        if file.line is None:
            raise RefusedData(f"file {file_id} cannot be loaded from where it is: {file.error}")
        ledger.begin_attempt(cursor, file_id)
        file = ledger.get(cursor, file_id)
    pipeline.start(ObjectRef(file.bucket, file.key, file.version_id), file.file_id, file.attempt)
    return file


def resume(database: Database, pipeline: Pipeline, file_id: int) -> bool:
    """Begin a new attempt at a parked file; returns whether there was something to do.

    Whoever did this before and died may have begun the attempt without starting it, so it is started here: a
    second start of the same attempt has no effect.
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
