"""Validation of single claims in Python, as files are validated by `row_rules_sql`: without an engine.

The same claim is accepted or rejected, with the same values, and for the same reasons; only the messages do
not show the shape of a value.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.column_names import (
    LONGEST_KEY,
    MOST_REMEMBERED,
    MOST_SPELLINGS,
    column_names,
)
from claimwatch.domain.contract.contract import (
    Bound,
    Column,
    Contract,
    LogicalType,
    folded_name,
    is_stated,
)
from claimwatch.domain.contract.date_parts import PART_SEPARATOR, read_date
from claimwatch.domain.files.records import ESCAPED_NUL, MAX_RECORD, NUL_CHARACTER, OVERLONG, Problem
from claimwatch.domain.validation import row_rules
from claimwatch.domain.validation.case_folding import lower, trim
from claimwatch.domain.validation.claim_cells import ClaimCells, parts_of
from claimwatch.domain.validation.claim_json import Claim, Constant, JsonValue, Members, Number
from claimwatch.domain.validation.identifier_text import (
    CLEAN_PATTERN,
    JSON_NUMBER,
    LOST_NUMBER,
    clean_identifier,
    number_as_text,
)
from claimwatch.domain.validation.linear_patterns import matcher
from claimwatch.domain.validation.read_dates import date_reader
from claimwatch.domain.validation.read_numbers import number_reader, whole_number_reader
from claimwatch.domain.validation.row_rules import Rule
from claimwatch.domain.validation.truth_words import truth_words

type Value = str | int | float | bool | datetime | None
"""A stored value. Dates are at midnight, and times are in UTC, both without a time zone."""

type Array = npt.NDArray[Any]

_CLEAN = re.compile(CLEAN_PATTERN)
_HUGE_EXPONENT = re.compile(row_rules.HUGE_EXPONENT, re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")
_BLANK = re.compile("[ \t\n\f\r\u00a0]*")
"""What counts as no value where blanks are not one: white space of RE2, and no-break spaces."""
_LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8."""
_MOST_KNOWN, _LONGEST_KNOWN = 2_000, 40
"""Values of a column whose meaning is remembered, and the characters of the longest of them."""


class _Unsure:
    """What the fast path finds of a value that only the full validation can judge."""


_UNSURE = _Unsure()


@dataclass(frozen=True, slots=True)
class AcceptedClaim:
    """A claim that keeps all rules, with the value of each column as it would be stored.

    Columns that are stored as hashes are left out: no feature is made of them.
    """

    claim_id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RejectedClaim:
    """A claim that breaks rules; the claim id is None if it cannot be read or breaks a rule itself."""

    claim_id: str | None
    problems: tuple[Problem, ...]


class ClaimValidator:
    """Validates claims by a contract. It is made once for a contract, and may be used by one thread."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._names = column_names(contract)
        self._meanings: dict[str, str | None] = {}
        self._columns = tuple(_ColumnRules(contract, column) for column in contract.columns)
        self._identifier = contract.identifier
        self._by_name = {rules.column.name: rules for rules in self._columns}
        self._hashed = tuple(column.name for column in contract.columns if column.hashed)
        self._optional = {
            name: not rules.column.required and not rules.column.date_parts
            for name, rules in self._by_name.items()
        }

    def validate_all(self, claims: Sequence[Claim]) -> list[AcceptedClaim | RejectedClaim]:
        """Validate the claims of a request, in which each claim id may occur once."""
        seen: set[str] = set()
        found: list[AcceptedClaim | RejectedClaim] = []
        for claim in claims:
            result = self.validate(claim)
            if isinstance(result, AcceptedClaim):
                if result.claim_id in seen:
                    result = RejectedClaim(result.claim_id, (row_rules.sent_earlier(self._identifier.name),))
                else:
                    seen.add(result.claim_id)
            found.append(result)
        return found

    def validate(self, claim: Claim) -> AcceptedClaim | RejectedClaim:
        """Validate one claim by itself."""
        members = claim.value
        problem = _unreadable(claim)
        if problem is None and isinstance(members, Members):
            accepted = self._fast_path(claim, members)
            if accepted is not None:
                return accepted
        if problem is not None or not isinstance(members, Members):
            return RejectedClaim(None, (problem or row_rules.NOT_AN_OBJECT,))
        found, extra, problem = self._sort(members)
        if problem is not None:
            return RejectedClaim(None, (problem,))
        cells = ClaimCells(claim)
        texts = {rules.column.name: rules.text(cells, found) for rules in self._columns}
        for rules in self._columns:
            rules.make_date(texts)
        problem = self._problem_of_texts(found, texts) or _problem_of_extra(extra)
        if problem is None and not extra and all(text is None for text in texts.values()):
            problem = row_rules.BLANK
        if problem is not None:
            return RejectedClaim(None, (problem,))
        values: dict[str, Value] = {}
        findings: list[_Finding] = []
        for rules in self._columns:
            value = rules.check(texts[rules.column.name], findings)
            if not rules.column.hashed:
                values[rules.column.name] = value
        claim_id = values[self._identifier.name]
        if not findings:
            return AcceptedClaim(str(claim_id), values)
        sound = claim_id is not None and all(each.column is not self._identifier for each in findings)
        # An explanation costs more than all rules of a column, so only those that are listed are made.
        problems = [each.problem() for each in findings[: row_rules.MOST_REASONS]]
        return RejectedClaim(str(claim_id) if sound else None, row_rules.listed(problems, len(findings)))

    def _fast_path(self, claim: Claim, members: Members) -> AcceptedClaim | None:
        """Return the claim if it keeps all rules beyond doubt: each column at most once, and no odd value.

        None means that the full validation has to decide.
        """
        values: dict[str, Value] = {}
        cells = ClaimCells(claim)
        for key, value in members:
            name = self._meaning(key)
            if name is None:
                if isinstance(value, Members | list) or _problem_of_extra((value,)) is not None:
                    return None
                continue
            if name in values or len(key) > LONGEST_KEY:
                return None
            found = self._by_name[name].sure_value(cells, value)
            if isinstance(found, _Unsure):
                return None
            values[name] = found
        for name, optional in self._optional.items():
            if name not in values:
                if not optional:
                    return None
                values[name] = None
        claim_id = values[self._identifier.name]
        if claim_id is None:
            return None
        for name in self._hashed:
            del values[name]
        return AcceptedClaim(str(claim_id), values)

    def _sort(self, members: Members) -> tuple[dict[str, JsonValue], list[JsonValue], Problem | None]:
        """Return the members by the columns that they mean, the values of the others, and what is wrong."""
        found: dict[str, JsonValue] = {}
        spelt: dict[str, set[str]] = {}
        doubled: set[str] = set()
        extra: list[JsonValue] = []
        misspelt = False
        for key, value in members:
            column = self._meaning(key)
            if column is None:
                extra.append(value)
                continue
            spellings = spelt.setdefault(column, set())
            if key not in spellings and (len(key) > LONGEST_KEY or len(spellings) >= MOST_SPELLINGS):
                misspelt = True
            elif column in found:
                doubled.add(column)
                spellings.add(key)
            else:
                found[column] = value
                spellings.add(key)
        if doubled:
            return found, extra, row_rules.sent_twice(min(doubled))
        return found, extra, row_rules.MISSPELT if misspelt else None

    def _meaning(self, key: str) -> str | None:
        if key in self._meanings:
            return self._meanings[key]
        column = self._names.get(folded_name(key))
        if len(self._meanings) < MOST_REMEMBERED and len(key) <= LONGEST_KEY:
            self._meanings[key] = column
        return column

    def _problem_of_texts(
        self, found: Mapping[str, JsonValue], texts: Mapping[str, str | None]
    ) -> Problem | None:
        """Return the problem of a column of text in which the claim has another value, as text."""
        for rules in self._columns:
            column = rules.column
            value = found.get(column.name)
            if value is None or type(value) is str or column.logical_type is not LogicalType.STRING:
                continue
            text = texts[column.name]
            if text is None:
                continue
            if column.name == self._identifier.name:
                suspicious = text in row_rules.NOT_NUMBERS or text.startswith(("[", "{"))
            else:
                suspicious = text == "NaN"
            if suspicious:
                return row_rules.another_value(self.contract, column)
        return None


def _unreadable(claim: Claim) -> Problem | None:
    """Return why no claim can be read at all, or None."""
    text = claim.text
    has_escapes = "\\u" in text
    if has_escapes and "\\u0000" in text and ESCAPED_NUL.search(text.encode()):
        return NUL_CHARACTER
    if _LONGEST_CHARACTER * len(text) > MAX_RECORD and len(text.encode()) > MAX_RECORD:
        return OVERLONG
    if has_escapes and _may_have_surrogates(text) and not all(map(_is_unicode, parts_of(claim.value))):
        return row_rules.NOT_AN_OBJECT
    return None


def _may_have_surrogates(text: str) -> bool:
    return "\\ud" in text or "\\uD" in text or not text.isascii()


def _is_unicode(part: JsonValue) -> bool:
    """Return whether a value is not a text with half of a surrogate pair."""
    try:
        if isinstance(part, str):
            part.encode()
    except UnicodeEncodeError:
        return False
    return True


def _problem_of_extra(extra: Sequence[JsonValue]) -> Problem | None:
    """Return the problem of values of columns that the contract does not have, which PostgreSQL refuses."""
    lists = 1
    for value in extra:
        for part in parts_of(value):
            lists += isinstance(part, Members | list)
            if isinstance(part, Constant) or (isinstance(part, Number) and _is_out_of_bounds(part)):
                return row_rules.UNSTORABLE_EXTRA
    return row_rules.UNSTORABLE_EXTRA if lists > row_rules.MOST_LISTS else None


def _is_out_of_bounds(number: Number) -> bool:
    if _HUGE_EXPONENT.search(number):
        return True
    most = row_rules.MOST_DIGITS
    return len(number) >= most and any(len(digits) >= most for digits in _DIGITS.findall(number))


@dataclass(frozen=True, slots=True)
class _Finding:
    """A rule that a cell breaks; the message follows the value."""

    column: Column
    rule: str
    message: str
    text: str = ""

    def problem(self) -> Problem:
        beginning = self.text.lstrip(LOST_NUMBER)[: row_rules.longest_shown(self.column)]
        return row_rules.cell_problem(self.column, self.rule, self.message, beginning, with_shape=False)


class _ColumnRules:
    """The rules of one column."""

    def __init__(self, contract: Contract, column: Column) -> None:
        self.column = column
        self._is_id = row_rules.identifies(contract, column)
        self._missing = frozenset({"", *column.missing_values})
        self._is_text = column.logical_type is LogicalType.STRING
        self._read = _reader(contract, column)
        limited = row_rules.indexable(contract, column)
        self._rules = tuple((rule, _breaks(column, rule)) for rule in row_rules.rules_of(limited))
        self._unreadable = (
            row_rules.unreadable_text(contract, column)
            if self._is_text
            else row_rules.unreadable_value(column)
        )
        self._parts = tuple(part for part, _ in column.date_parts)
        self._sources = tuple(source for _, source in column.date_parts)
        # By the type of the value, because a number is also a text. In a column of text, the meaning of
        # other values depends on the whole claim.
        self._known: dict[type, dict[Any, Value]] = {str: {}, type(None): {}}
        if not self._is_text:
            self._known |= {Number: {}, bool: {}}
        self._remembers = not (self._is_id or column.personal or column.hashed)

    def text(self, cells: ClaimCells, found: Mapping[str, JsonValue]) -> str | None:
        """Return the text of the column's cell, or None if it is missing."""
        value = found.get(self.column.name)
        if value is None:
            return None
        text = value if type(value) is str and value[:1] > JSON_NUMBER and "\\" not in value else None
        if text is None:
            text = cells.text(self.column, value, is_id=self._is_id)
        return None if text in self._missing else text

    def sure_value(self, cells: ClaimCells, value: JsonValue) -> Value | _Unsure:
        """Return the value of a cell that keeps all rules, whatever the rest of the claim is."""
        known = self._known.get(type(value))
        if known is None:
            return _UNSURE
        try:
            return known[value]
        except KeyError:
            pass
        if type(value) is str and value and (value[0] <= JSON_NUMBER or "\\" in value):
            return _UNSURE
        findings: list[_Finding] = []
        text = self.text(cells, {self.column.name: value})
        found = self.check(text, findings)
        if findings or (text is None and self._sources):
            return _UNSURE
        if self._remembers and (not isinstance(value, str) or len(value) <= _LONGEST_KNOWN):
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[value] = found
        return found

    def make_date(self, texts: dict[str, str | None]) -> None:
        """Make the date of other columns, if the claim does not have it."""
        if not self._sources or texts[self.column.name] is not None:
            return
        parts = [source if is_stated(source) else _bare(texts[source]) for source in self._sources]
        if all(part is not None for part in parts):
            joined = PART_SEPARATOR.join(part for part in parts if part is not None)
            texts[self.column.name] = read_date(self._parts, joined)

    def check(self, text: str | None, findings: list[_Finding]) -> Value:
        """Return the value of a cell, and add the rules that it breaks to the list."""
        value = None if text is None else self._read(text)
        if text is None or (value is None and not self._is_text and _BLANK.fullmatch(text)):
            if self.column.required:
                findings.append(_Finding(self.column, "required", row_rules.MISSING))
            return None
        if value is None:
            findings.append(_Finding(self.column, "type", self._unreadable, text))
            return None
        findings += [
            _Finding(self.column, rule.name, rule.message, text)
            for rule, is_broken in self._rules
            if is_broken(value)
        ]
        return value


def _bare(text: str | None) -> str | None:
    """Return the text of a part of a date, or None if it has none."""
    return None if text is None else trim(text.lstrip(LOST_NUMBER)) or None


def _reader(contract: Contract, column: Column) -> Callable[[str], Value]:
    """Return a function that returns what a text means in a column, or None if it is not a value."""
    match column.logical_type:
        case LogicalType.STRING if row_rules.identifies(contract, column):
            return lambda text: text if _CLEAN.fullmatch(text) else clean_identifier(text)
        case LogicalType.STRING:
            return lambda text: number_as_text(text) if text.startswith(JSON_NUMBER) else text
        case LogicalType.INTEGER:
            return whole_number_reader(column)
        case LogicalType.NUMBER:
            return number_reader(column)
        case LogicalType.BOOLEAN:
            words = truth_words(column)
            return lambda text: words.get(lower(trim(text)))
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            return date_reader(column)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.lt,
    "maximum": operator.gt,
    "exclusiveMinimum": operator.le,
    "exclusiveMaximum": operator.ge,
}
"""How a value breaks a bound."""


def _breaks(column: Column, rule: Rule) -> Callable[[Any], bool]:
    """Return a function that returns whether a value breaks a rule."""
    match rule.name, rule.limit:
        case (("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"), Decimal() | date() as bound):
            compare, limit = _COMPARISONS[rule.name], _limit(column, bound)
            return lambda value: compare(value, limit)
        case "minLength", int() as least:
            return lambda value: len(value) < least
        case "maxLength", int() as most:
            return lambda value: len(value) > most
        case "pattern", str() as pattern:
            matches = matcher(pattern)
            return lambda value: not matches(value)
        case "validValues", tuple() as values:
            known = frozenset(values)
            return lambda value: (value if type(value) is str else str(value)) not in known
        case _:
            raise AssertionError(f"rule {rule.name} is not checked for single claims")


def _limit(column: Column, bound: Bound) -> Any:
    """Return a bound in the form in which values are compared with it: numbers are doubles."""
    match bound:
        case Decimal():
            return float(bound) if column.logical_type is LogicalType.NUMBER else bound
        case datetime():
            return bound.astimezone(UTC).replace(tzinfo=None) if bound.tzinfo else bound
        case date():
            return datetime(bound.year, bound.month, bound.day)  # noqa: DTZ001 - UTC


_TYPES: Mapping[str, frozenset[type]] = {
    "number": frozenset({int, float, type(None)}),
    "flag": frozenset({bool, type(None)}),
    "category": frozenset({str, type(None)}),
    "days": frozenset({datetime, type(None)}),
    "hour": frozenset({datetime, type(None)}),
    "weekday": frozenset({datetime, type(None)}),
}
"""The types of the values of which a kind of feature is made."""


def columns_of(accepted: Sequence[AcceptedClaim], kinds: Mapping[str, str]) -> dict[str, Array]:
    """Return the columns that a model needs, as ``domain.model.features`` expects them, of these claims.

    They have the bits of the columns that ``scoring.claim_table`` reads from PostgreSQL. Raises
    ``ValueError`` if the claims lack a column, or have it with another type than the model was trained on.
    """
    rows = [claim.values for claim in accepted]
    return {name: _array(name, kind, _values(rows, name)) for name, kind in kinds.items()}


def _values(rows: Sequence[Mapping[str, Value]], name: str) -> list[Value]:
    try:
        return [row[name] for row in rows]
    except KeyError:
        raise ValueError(f"the contract does not have column '{name}' of the model") from None


def _array(name: str, kind: str, values: list[Value]) -> Array:
    if not _TYPES[kind].issuperset(map(type, values)):
        raise ValueError(f"column '{name}' has another type than the model was trained on")
    if kind == "category":
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found
    if kind in ("number", "flag"):
        return np.array(values, dtype=np.float64)  # None becomes nan
    return np.array(values, dtype="datetime64[us]")
