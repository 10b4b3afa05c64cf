"""Columns of a draft: their names, and their types judging by the name and the sample."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from claimwatch.domain.contract.contract import MAX_NAME, RESERVED, LogicalType, Role, folded_name
from claimwatch.domain.contract.type_inference import Values, infer_type, is_value

NUMERIC = (LogicalType.INTEGER, LogicalType.NUMBER)
DATED = (LogicalType.DATE, LogicalType.TIMESTAMP)

NUMBERED = {
    "id",
    "identifier",
    "number",
    "no",
    "nr",
    "num",
    "nbr",
    "ref",
    "reference",
    "key",
    "uuid",
    "guid",
}
_CODES = {"zip", "postcode", "postal", "code", "phone", "mobile", "fax", "vin", "iban", "ssn", "plate"}
_MONEY = {
    "amount", "premium", "price", "cost", "value", "sum", "paid", "reserve", "salary", "income", "limit",
    "deductible", "deductable", "gain", "gains", "loss", "claim",
}  # fmt: skip

_NAME_PART = re.compile(r"[^\w.-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass
class Guess:
    """A column of the draft."""

    header: str
    name: str
    words: tuple[str, ...]
    values: Values
    logical_type: LogicalType
    role: Role = Role.FEATURE
    personal: bool = False
    plain: bool = False
    checks: tuple[str, ...] = ()

    @property
    def unique(self) -> bool:
        """Whether no value is missing or duplicated."""
        return self.values.missing == 0 and self.values.distinct == self.values.number > 0


def guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[Guess], list[str]]:
    """Return the columns of the draft, and the reasons for which other columns are left out."""
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(len(header))]
    values = [infer_type(cells) for cells in columns]
    if any(found.decimal_separator == "," and not found.other_reading for found in values):
        # One column that can only be read with decimal commas decides for the ambiguous columns.
        values = [infer_type(cells, decimal_comma=True) for cells in columns]
    shared = Counter(folded_name(one_line(name)) for name in header)
    nothing_seen = not any(found.number for found in values)
    guesses: list[Guess] = []
    left_out: list[str] = []
    taken: set[str] = set()
    for place, (header_name, found) in enumerate(zip(header, values, strict=True), 1):
        title = one_line(header_name)
        if not title:
            left_out.append(f"column {place}: it has no name")
        elif shared[folded_name(title)] > 1:
            left_out.append(f"column {place}, '{title}': another column has this name; make names unique")
        elif not found.number and not nothing_seen:
            left_out.append(f"'{title}': it is empty in every row of the sample")
        else:
            name = _column_name(title, taken)
            taken |= {folded_name(title), folded_name(name)}
            guesses.append(_guess(title, name, found))
    return guesses, left_out


def is_row_of_values(header: Sequence[str]) -> bool:
    """Return whether a header is a claim: it has a date, an address or a number, and no name of an id."""
    names = [_words(cell) for cell in header]
    certain = any(len(words) > 1 and words[-1] in NUMBERED | {"date"} for words in names)
    return not certain and any(map(is_value, header))


def _words(title: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+", title))


def one_line(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _column_name(title: str, taken: set[str]) -> str:
    name = title
    if not re.fullmatch(r"[^\W\d][\w .-]*", title) or len(title.encode()) > MAX_NAME:
        name = _NAME_PART.sub("_", title).strip("_.-")
        name = name if re.match(r"[^\W\d]", name) else f"c_{name}".rstrip("_")
        name = name.encode()[: MAX_NAME - 4].decode("utf-8", "ignore")
    if name.casefold() in RESERVED:
        name = f"source_{name}"
    base, number = name, 2
    while folded_name(name) in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _guess(title: str, name: str, values: Values) -> Guess:
    words = _words(title)
    kind = values.logical_type
    if (
        kind is LogicalType.DATE
        and values.date_format == "%Y%m%d"
        and not {"date", "day", "dob"} & set(words)
    ):
        kind, values = LogicalType.INTEGER, replace(values, date_format="")
    if kind in NUMERIC and words and words[-1] in NUMBERED | _CODES:
        kind = LogicalType.STRING  # nobody calculates with it, and a value may begin with a zero
    if kind is LogicalType.INTEGER and len(words) > 1 and words[-1] in _MONEY:
        kind = LogicalType.NUMBER
    return Guess(title, name, words, values, kind)
