"""Verification of the access events in the database by the seals in S3."""

from pathlib import Path
from tempfile import TemporaryDirectory

from claimwatch.aws.seal_store import SealStore
from claimwatch.domain.audit.verification import StoredSeal, Verification, verify
from claimwatch.storage import audit_seals
from claimwatch.storage.connection import Database


def verify_audit(database: Database, seals: SealStore) -> Verification:
    """Compare all events with all seals.

    Rows are read before seals, and seals before events: what is added meanwhile is no difference. Seals are
    kept in files, because each is read twice.
    """
    with database.transaction() as cursor:
        rows = audit_seals.all_rows(cursor)
    listed = seals.listing()
    with TemporaryDirectory(prefix="claimwatch-seals-") as folder:
        files = {number: Path(folder, str(number)) for number in listed}
        for number, file in files.items():
            file.write_bytes(seals.read(listed[number]))

        def read(number: int) -> StoredSeal:
            return StoredSeal(number, files[number].read_bytes(), listed[number].touched)

        with database.transaction() as cursor, audit_seals.all_events(cursor) as events:
            return verify(listed, read, rows, events)
