"""The layout of a file, and of the lines for PostgreSQL's COPY that are made from it."""

from dataclasses import dataclass

from claimwatch.domain.contract.contract import Contract


@dataclass(frozen=True)
class Layout:
    """The position of each column in a file.

    For CSV, ``fields`` names the column at each position of a record: a column of the contract, or an extra
    column. For NDJSON, ``keys`` pairs each column of the contract that the file has with its key.
    """

    contract: Contract
    fields: tuple[str, ...] = ()
    delimiter: str | None = None
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def extra(self) -> tuple[str, ...]:
        """The fields of a CSV file that the contract does not name."""
        return tuple(name for name in self.fields if self.contract.column(name) is None)


def copy_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns of a line for COPY, in order."""
    return ("row_number", *(column.name for column in contract.columns), "extra")
