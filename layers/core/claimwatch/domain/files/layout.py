"""The layout of a file, and of the lines that COPY reads from it."""

from dataclasses import dataclass

from claimwatch.domain.contract.contract import Column, Contract

COPY_DELIMITERS = (",", ";", "\t", "|")
"""Those that stand in nothing that is written without quotes."""


@dataclass(frozen=True)
class Layout:
    """Where a file has what.

    For CSV, ``fields`` names for each position in a record the contract's column, or the extra column, that
    stands there. For NDJSON, ``keys`` gives the key that holds each of the contract's columns.
    """

    contract: Contract
    fields: tuple[str, ...] = ()
    delimiter: str | None = None
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def extra(self) -> tuple[str, ...]:
        """The fields of a CSV file that the contract does not name."""
        return tuple(name for name in self.fields if self.contract.column(name) is None)


def copy_columns(layout: Layout) -> tuple[str, ...]:
    """The columns of a line for COPY, in their order."""
    return ("row_number", *(column.name for _, column in columns_in_order(layout)), "extra")


def copy_delimiter(layout: Layout) -> str:
    """What stands between the columns of a line for COPY: the file's own delimiter, if it is a common one."""
    return layout.delimiter if layout.delimiter in COPY_DELIMITERS else ","


def columns_in_order(layout: Layout) -> list[tuple[int, Column]]:
    """The contract's columns with their indexes: as the file has them, then those that it does not have."""
    places = {name: place for place, name in enumerate(layout.fields)}
    columns = enumerate(layout.contract.columns)
    return sorted(columns, key=lambda column: places.get(column[1].name, len(places)))
