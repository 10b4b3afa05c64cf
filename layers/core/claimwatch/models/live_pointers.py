"""Publication of each line's champion, for the online scorer, which does not ask the database."""

from claimwatch.aws.published import Pointer, PointerStore
from claimwatch.storage import models
from claimwatch.storage.connection import Database


def publish_champion(database: Database, pointers: PointerStore, line: str) -> None:
    """Publish the champion that the line has now; without one, delete the pointer.

    The lock of the line is held until the pointer is written, so parallel requests end with the champion of
    the last one, whichever of them publishes last.
    """
    with database.transaction() as cursor:
        models.lock_line(cursor, line)
        champion = models.live_models(cursor, line).get("champion")
        if champion is None:
            pointers.delete([line])
        else:
            pointers.put(Pointer(line, champion.version, champion.bundle_uri, champion.bundle_sha256))


def publish_champions(database: Database, pointers: PointerStore) -> list[str]:
    """Publish the champions of all lines, and delete pointers of lines without one; return the lines."""
    with database.transaction() as cursor:
        lines = models.lines_with_champion(cursor)
    for line in sorted({*lines, *pointers.lines()}):
        publish_champion(database, pointers, line)
    return lines
