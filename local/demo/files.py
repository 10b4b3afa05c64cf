"""The first act: a dirty week of claims comes in, twice, with its first outcomes."""

import contextlib

from rich.table import Table

from claimwatch.storage import quarantine
from local.demo.book import FIRST, MotorBook
from local.demo.context import FileRow, Stage


def play(stage: Stage, book: MotorBook) -> None:
    """Drop the week, wait for it and print what became of each row."""
    stage.act(f"1. A week of claims comes in: {book.name(FIRST)}, one row in fifty bad, and twice")
    files = stage.ended(stage.drop(book.dirty_week()))
    stage.out.print(summary(files))
    reasons = _reasons(stage, files)
    if reasons.row_count:
        stage.out.print(reasons)
    stage.out.print("Every row that was read is either loaded or in quarantine.")


def summary(files: list[FileRow]) -> Table:
    """What became of each file."""
    table = Table(title="What became of the files", title_justify="left")
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


def _reasons(stage: Stage, files: list[FileRow]) -> Table:
    """Why rows were refused, the most frequent reasons of the first file first."""
    table = Table(title="Why rows are in quarantine", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("column")
    table.add_column("reason", overflow="fold")
    with contextlib.closing(stage.stack.connect()) as connection, connection.cursor() as cursor:
        for reason in quarantine.most_frequent_reasons(cursor, files[0].file_id):
            table.add_row(str(reason["rows"]), reason["column_name"] or "", reason["example"])
    return table
