"""The layout of a file, and of the lines for PostgreSQL's COPY that are made from it."""

from dataclasses import dataclass

from claimwatch.domain.contract.contract import Contract


@dataclass(frozen=True)
class Layout:
    """The position of each column in records.

    For CSV, ``fields`` names the column at each position of a record: a column of the contract, or an extra
    column. For NDJSON, ``keys`` pairs columns of the contract with the keys that mean them, ``other_keys``
    names keys that mean none, ``doubled`` the columns that some object has more than once, and
    ``misspelt`` says whether there are keys that mean a column and are too many for ``keys``,
    ``has_nan`` whether the records may contain NaN, and ``all_valid`` whether all of them are valid JSON.

    ``doubles`` names the columns of the contract that the dropped file holds as floating-point numbers.

    ``routed`` is the line to which the stream routed the objects: the member that names it is no extra
    column, and an object that names another line is refused.
    """

    contract: Contract
    fields: tuple[str, ...] = ()
    delimiter: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    other_keys: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    misspelt: bool = False
    has_nan: bool = False
    all_valid: bool = False
    doubles: tuple[str, ...] = ()
    routed: str | None = None

    @property
    def extra(self) -> tuple[str, ...]:
        """The names in the file that the contract does not have; for NDJSON the first ones."""
        unknown = tuple(name for name in self.fields if self.contract.column(name) is None)
        return unknown if self.delimiter is not None else self.other_keys


def copy_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns of a line for COPY, in order."""
    return ("row_number", *(column.name for column in contract.columns), "extra")
