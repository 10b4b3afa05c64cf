"""Data contracts: the columns of a line's claims, their types and rules, and how the claims are reviewed.

Contracts are written in the Open Data Contract Standard (ODCS) v3.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from claimwatch.domain.contract.grounds import DEFAULT_GROUNDS
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.invisible import without_invisible


class LogicalType(StrEnum):
    """Logical types of ODCS that are supported."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


NUMERIC = frozenset({LogicalType.INTEGER, LogicalType.NUMBER})
DATED = frozenset({LogicalType.DATE, LogicalType.TIMESTAMP})


class Role(StrEnum):
    """Purpose of a column."""

    IDENTIFIER = "identifier"
    EVENT_TIME = "event_time"
    FEATURE = "feature"
    PROTECTED = "protected"
    LABEL = "label"
    TEXT = "text"
    IGNORED = "ignored"


class ExtraValues(StrEnum):
    """How values of columns that the contract does not have are stored."""

    HASH = "hash"
    PLAIN = "plain"
    DROP = "drop"


class NegativeNumbers(StrEnum):
    """How negative numbers may be written, in addition to a minus in front."""

    TRAILING = "trailing"
    BRACKETS = "brackets"


class Banding(StrEnum):
    """A rule by which a protected number or date is divided into bands."""

    DECADES = "decades"
    QUANTILES = "quantiles"
    VALUES = "values"


class DatePart(StrEnum):
    """Parts of a date that files have in columns of their own.

    A year with ``ISO_WEEK`` is that of ISO 8601. The first ``WEEK_OF_MONTH`` has days 1 to 7. The other weeks
    of a month begin on Monday or on Sunday; the first of them has day 1 of the month, and perhaps few more.
    """

    YEAR = "year"
    YEAR_MONTH = "yearMonth"
    MONTH = "month"
    DAY = "day"
    DAY_OF_YEAR = "dayOfYear"
    ISO_WEEK = "isoWeek"
    WEEK_OF_MONTH = "weekOfMonth"
    MONDAY_WEEK_OF_MONTH = "mondayWeekOfMonth"
    SUNDAY_WEEK_OF_MONTH = "sundayWeekOfMonth"
    WEEKDAY = "weekday"


DEFAULT_GROUP = "Claim"
"""Heading of the columns of a contract that names none."""


type Bound = Decimal | date | datetime


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Bounds have the column's own type (Decimal for integers and numbers). ``date_formats`` are strptime
    formats, tried after ISO 8601. Numbers may have one of the ``units`` before or after them. The words for
    true and false are used in addition to the default ones. ``hashed`` columns are stored as keyed hashes
    only; columns with the same ``link_group`` have the same hash for the same value. ``bands`` are those in
    which a protected number or date is compared: a rule, or the lower ends of all bands but the lowest.
    ``empty_history`` says that rows loaded while the column was stored as hashes have no value.
    ``date_parts`` are the columns that a date is made of if the file does not have it, and perhaps a day that
    is stated. Claims with the same value in columns to ``link_on`` are linked. A ``what_if`` feature may be
    changed to ask what the model would say. ``group`` is the heading under which the desk shows the column.
    """

    name: str
    logical_type: LogicalType
    role: Role
    required: bool = False
    unique: bool = False
    personal: bool = False
    hashed: bool = False
    link_group: str | None = None
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
    units: tuple[str, ...] = ()
    negatives: tuple[NegativeNumbers, ...] = ()
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    bands: Banding | tuple[float, ...] | None = None
    date_parts: tuple[tuple[DatePart, str], ...] = ()
    empty_history: bool = False
    description: str = ""
    link_on: bool = False
    what_if: bool = False
    group: str = DEFAULT_GROUP

    @property
    def hash_group(self) -> str:
        """The group within which hashes are equal: by default the column's own name."""
        return self.link_group or self.name

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type of this column."""
        return "text" if self.hashed else SQL_TYPES[self.logical_type]


SQL_TYPES = {
    LogicalType.STRING: "text",
    LogicalType.INTEGER: "bigint",
    LogicalType.NUMBER: "numeric",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: "date",
    LogicalType.TIMESTAMP: "timestamptz",
}


AUDIT_SOURCES = ("random_audit",)
"""Values of an outcome's source that mark a claim as reviewed by chance, whatever its score."""


@dataclass(frozen=True)
class ReviewSettings:
    """How a line's claims are reviewed and when their outcomes are due."""

    capacity: float = 0.05
    """Share of the claims that the team can review."""
    cost: float | None = None
    """Cost of one review, in the unit of ``amount_column``; without that column, in frauds found."""
    amount_column: str | None = None
    """Column whose value a detected fraud saves. Without one, all frauds count the same."""
    claimant_column: str | None = None
    """Column that identifies the claimant."""
    audit_share: float = 0.005
    """Share of the claims that are reviewed by chance, whatever their score."""
    maturity_days: int = 60
    """Days after its event when a claim's outcome is due."""
    decision_column: str | None = None
    """Column with the time at which the label of a claim was decided."""
    decision_days: int | None = None
    """Days after the event when a label without such a time counts as decided; None means when it is due."""
    review_within_days: int = 14
    """Days after a case was opened when its decision is due."""
    second_look_above: float | None = None
    """Amount, in the unit of ``amount_column``, from which a second person decides too; None means never."""


@dataclass(frozen=True)
class Contract:
    """A parsed contract; ``text`` is the YAML that it was read from.

    ``event`` is the column that holds the event id of photos, if it is not the identifier. ``extra`` says how
    values of columns that the contract does not have are stored. ``status`` is that of ODCS, as written.
    ``purposes`` are those for which the API may be asked about the line's claims and models. ``grounds`` are
    what an investigator's decision may rest on.
    """

    line: str
    version: str
    table: str
    columns: tuple[Column, ...]
    text: str = field(repr=False, default="")
    event: str | None = None
    review: ReviewSettings = ReviewSettings()
    extra: ExtraValues = ExtraValues.HASH
    status: str = ""
    purposes: tuple[str, ...] = DEFAULT_PURPOSES
    grounds: tuple[str, ...] = DEFAULT_GROUNDS

    @property
    def identifier(self) -> Column:
        """The column that identifies a claim."""
        return next(column for column in self.columns if column.role is Role.IDENTIFIER)

    @property
    def label(self) -> Column | None:
        """The column that says whether a claim was fraud; None if outcomes have their own files."""
        labels = (column for column in self.columns if column.role is Role.LABEL)
        return next((column for column in labels if column.logical_type is LogicalType.BOOLEAN), None)

    @property
    def event_column(self) -> Column:
        """The column that holds the event id of a claim's photos."""
        return self.identifier if self.event is None else self.column(self.event) or self.identifier

    def column(self, name: str) -> Column | None:
        """Return the column with this name, or None."""
        return next((column for column in self.columns if column.name == name), None)


LINE_NAME = re.compile(r"(?!image$)[a-z][a-z0-9_]{0,39}")
"""Valid names of lines. They become part of object keys and table names; claim_image is the photos' table."""

LINE_RULE = "at most 40 lower-case letters, digits and '_', beginning with a letter; 'image' is reserved"
"""What ``LINE_NAME`` allows, in words."""

MAX_COLUMNS = 1500
"""PostgreSQL's limit is 1,600 columns, including dropped ones."""

OUTCOME_TABLE = "outcome"
"""The table of outcomes; tables of claims are called ``claim_<line>``."""

MAX_NAME = 63
"""PostgreSQL's limit for a name, in bytes."""

RESERVED = frozenset({"file_id", "row_number", "extra", "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})
"""Names that no column may have: columns of every claims table, and PostgreSQL's system columns."""

VERSION = re.compile(
    r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
"""Semantic versions (semver.org)."""


def is_stated(source: str) -> bool:
    """Return whether a part is a stated number and not the name of a column, which begins with a letter."""
    return source.isascii() and source.isdigit()


def folded_name(name: str) -> str:
    """Return a name without what exports change and what nobody sees.

    That is case, outer blanks, the separators of words, invisible characters, and Unicode's two forms of a
    letter.
    """
    visible = without_invisible(without_invisible(name).casefold())
    return re.sub(r"[\s_.\-]+", "_", visible.strip())


def precedence(version: str) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
    """Return a key that orders semantic versions (semver.org, 11): 1.0.0-draft comes before 1.0.0.

    Raises ``ValueError`` if the text is not a semantic version.
    """
    found = VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"'{version}' is not a semantic version")
    major, minor, patch, prerelease = found.groups()
    parts = tuple(_part_precedence(part) for part in (prerelease or "").split(".") if part)
    return int(major), int(minor), int(patch), prerelease is None, parts


def _part_precedence(part: str) -> tuple[bool, int, str]:
    """Order numbers by their digits: Python does not convert thousands of digits to an integer."""
    if not part.isdecimal():
        return True, 0, part
    digits = part.lstrip("0")
    return False, len(digits), digits
