"""Data contracts: what a line's claims look like, read from the Open Data Contract Standard (ODCS) v3."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class LogicalType(StrEnum):
    """The logical types of ODCS that a claim may use."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Role(StrEnum):
    """What a column is for."""

    IDENTIFIER = "identifier"
    EVENT_TIME = "event_time"
    FEATURE = "feature"
    PROTECTED = "protected"
    LABEL = "label"
    TEXT = "text"
    IGNORED = "ignored"


type Bound = Decimal | date | datetime


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Bounds are of the column's own type (Decimal for integers and numbers). ``date_formats`` are strptime
    formats tried after ISO 8601. ``hashed`` columns are stored as keyed hashes and never in clear.
    """

    name: str
    logical_type: LogicalType
    role: Role
    required: bool = False
    unique: bool = False
    personal: bool = False
    hashed: bool = False
    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: Bound | None = None
    exclusive_maximum: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    valid_values: tuple[str, ...] | None = None
    synonyms: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ()
    decimal_separator: str = "."
    thousands_separator: str = ""
    description: str = ""

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type that stores this column."""
        return "text" if self.hashed else SQL_TYPES[self.logical_type]


SQL_TYPES = {
    LogicalType.STRING: "text",
    LogicalType.INTEGER: "bigint",
    LogicalType.NUMBER: "numeric",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: "date",
    LogicalType.TIMESTAMP: "timestamptz",
}


@dataclass(frozen=True)
class Contract:
    """A contract as the rest of Claimwatch sees it; ``text`` is the YAML that it was read from."""

    line: str
    version: str
    table: str
    columns: tuple[Column, ...]
    text: str = field(repr=False, default="")

    @property
    def identifier(self) -> Column:
        """The column that names a claim."""
        return next(column for column in self.columns if column.role is Role.IDENTIFIER)

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)
