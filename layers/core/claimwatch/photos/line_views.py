"""Views that join the claims of each line with their photos."""

from claimwatch.domain.contract.schema_change import PHOTO_COLUMNS, photo_statements, photos_view
from claimwatch.storage import contracts
from claimwatch.storage.connection import Database


def complete_lines(database: Database) -> list[str]:
    """Create or replace the photo views of lines whose contracts were applied by an earlier release.

    Returns the completed lines. Can be repeated, and can run while contracts are being applied.
    """
    with database.transaction() as cursor:
        lines = contracts.lines(cursor)
    completed = []
    for line in lines:
        with database.transaction() as cursor:
            contracts.lock_line(cursor, line)
            running = contracts.find_running(cursor, line)
            if running is None:
                continue
            if contracts.has_column(cursor, photos_view(running.contract), PHOTO_COLUMNS[-1]):
                continue
            contracts.change_line(cursor, line, photo_statements(running.contract))
        completed.append(line)
    return completed
