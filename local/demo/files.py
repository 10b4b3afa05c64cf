"""Step 1: a week of claims with bad rows arrives twice, with its first outcomes."""

import contextlib

from rich.table import Table

from claimwatch.storage import quarantine
from local.demo.book import FIRST, MotorBook
from local.demo.context import DemoContext, FileRow


def run(demo: DemoContext, book: MotorBook) -> None:
    """Drop the week, wait for it and print how many rows were loaded and quarantined."""
    demo.heading(f"1. A week of claims arrives twice: {book.name(FIRST)}, with one bad row in fifty")
    files = demo.wait_for_files(demo.drop(book.dirty_week()))
    demo.out.print(summary(files))
    reasons = _reasons(demo, files)
    if reasons.row_count:
        demo.out.print(reasons)
    demo.out.print("Every row is either loaded or in quarantine.")


def summary(files: list[FileRow]) -> Table:
    """Return a table with the status and the row counts of each file."""
    table = Table(title="Files", title_justify="left")
    table.add_column("file", justify="right")
    table.add_column("key", overflow="fold")
    table.add_column("status")
    for name in ("read", "loaded", "quarantined", "seconds"):
        table.add_column(name, justify="right")
    for row in files:
        counts = (row.rows_read, row.rows_loaded, row.rows_quarantined)
        table.add_row(
            str(row.file_id),
            row.key,
            row.status,
            *("" if count is None else f"{count:,}" for count in counts),
            "" if row.seconds is None else f"{row.seconds:.1f}",
        )
    return table


def _reasons(demo: DemoContext, files: list[FileRow]) -> Table:
    """Return a table of the reasons for quarantined rows of the first file, the most frequent first."""
    table = Table(title="Reasons for quarantine", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("column")
    table.add_column("reason", overflow="fold")
    with contextlib.closing(demo.stack.connect()) as connection, connection.cursor() as cursor:
        for reason in quarantine.most_frequent_reasons(cursor, files[0].file_id):
            table.add_row(str(reason["rows"]), reason["column_name"] or "", reason["example"])
    return table
