"""Columns of a draft: their names, and their types judging by the name and the sample."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from claimwatch.domain.contract.column_words import (
    names_a_date,
    names_a_number,
    plain_words,
    words_of,
)
from claimwatch.domain.contract.contract import (
    MAX_NAME,
    NUMERIC,
    RESERVED,
    DatePart,
    LogicalType,
    Role,
    folded_name,
)
from claimwatch.domain.contract.type_inference import Values, infer_type
from claimwatch.domain.contract.value_shapes import is_person

_CODES = {"zip", "postcode", "postal", "code", "phone", "mobile", "fax", "vin", "iban", "ssn", "plate"}
_MONEY = {
    "amount", "premium", "price", "cost", "value", "sum", "paid", "reserve", "salary", "income", "limit",
    "deductible", "deductable", "gain", "gains", "loss", "claim",
}  # fmt: skip

_NAME_PART = re.compile(r"[^\w.-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass
class Guess:
    """A column of the draft; ``in_doubt`` if it is personal only because it may be.

    ``checks`` and ``about_persons`` are what a person should know about it.
    """

    header: str
    name: str
    words: tuple[str, ...]
    plain_words: tuple[str, ...]
    """The words without accents, and apart if they are written together."""
    values: Values
    logical_type: LogicalType
    role: Role = Role.FEATURE
    personal: bool = False
    in_doubt: bool = False
    plain: bool = False
    may_be_label: bool = False
    """Whether a check line asks if it is the label."""
    decision: bool = False
    """Whether it is the date at which the label was decided."""
    checks: tuple[str, ...] = ()
    about_persons: tuple[str, ...] = ()
    cells: Sequence[str] = field(default=(), repr=False)
    """The cells of the sample, in the order of the file."""
    date_parts: tuple[tuple[DatePart, str], ...] = ()
    """The columns that this date is made of, and perhaps a stated day; the file does not have it."""

    @property
    def placeholder(self) -> bool:
        """Whether the file gives the column no name: the reader has named it after its position."""
        return re.fullmatch(r"column_\d+", self.header) is not None

    @property
    def unique(self) -> bool:
        """Whether no value is missing or duplicated."""
        return self.values.missing == 0 and self.values.distinct == self.values.number > 0


def guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[Guess], list[str]]:
    """Return the columns of the draft, and the reasons for which other columns are left out."""
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(len(header))]
    values = _inferred(columns)
    twins: dict[str, list[str]] = {}
    for title in map(one_line, header):
        twins.setdefault(folded_name(title), []).append(title)
    nothing_seen = not any(found.number for found in values)
    guesses: list[Guess] = []
    left_out: list[str] = []
    taken = set(twins)
    for place, (header_name, found) in enumerate(zip(header, values, strict=True), 1):
        title = one_line(header_name)
        same = twins[folded_name(title)]
        if not title:
            left_out.append(f"column {place}: it has no name")
        elif is_person(title):
            left_out.append(f"column {place}: its name looks like personal data; give it another name")
        elif len(same) > 1:
            left_out.append(f"column {place}, '{title}': {_twins(title, same)}; make names unique")
        elif not found.number and not nothing_seen:
            left_out.append(f"'{title}': it is empty in every row of the sample")
        else:
            name = _column_name(title, taken)
            taken.add(folded_name(name))
            guesses.append(_guess(title, name, found, columns[place - 1]))
    return guesses, left_out


def _twins(title: str, same: Sequence[str]) -> str:
    others = sorted({f"'{other}'" for other in same if other != title})
    if not others:
        return "another column has this name"
    return f"it differs from {' and '.join(others)} only in case or separators"


def _inferred(columns: Sequence[Sequence[str]]) -> list[Values]:
    values = [infer_type(cells) for cells in columns]
    # One column that can only be read with decimal commas decides for the ambiguous columns; so does one of
    # dates that can only be read with the day first.
    comma = any(found.decimal_separator == "," and not found.other_reading for found in values)
    orders = {found.dates.order for found in values if found.dates}
    day_first = "day" in orders and "month" not in orders
    if comma or day_first:
        values = [infer_type(cells, decimal_comma=comma, day_first=day_first) for cells in columns]
    return values


def one_line(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _column_name(title: str, taken: set[str]) -> str:
    """Return a name for the column that is neither the title of another column nor made for one."""
    name = title
    if not re.fullmatch(r"[^\W\d][\w .-]*", title) or len(title.encode()) > MAX_NAME:
        name = _NAME_PART.sub("_", title).strip("_.-")
        name = name if re.match(r"[^\W\d]", name) else f"c_{name}".rstrip("_")
        name = name.encode()[: MAX_NAME - 4].decode("utf-8", "ignore")
    if name.casefold() in RESERVED:
        name = f"source_{name}"
    base, number = name, 2
    while folded_name(name) in taken and folded_name(name) != folded_name(title):
        name, number = f"{base}_{number}", number + 1
    return name


def _guess(title: str, name: str, values: Values, cells: Sequence[str]) -> Guess:
    words = words_of(title)
    plain = plain_words(words)
    kind = values.logical_type
    if kind is LogicalType.INTEGER and names_a_date(plain):
        read = infer_type(cells, dated=True)
        if read.dates:
            kind, values = read.logical_type, read
    if kind in NUMERIC and words and (plain[-1] in _CODES or names_a_number(plain)):
        kind = LogicalType.STRING  # nobody calculates with it, and a value may begin with a zero
    if kind is LogicalType.INTEGER and len(words) > 1 and words[-1] in _MONEY:
        kind = LogicalType.NUMBER
    return Guess(title, name, words, plain, values, kind, cells=cells)
