"""Which cells surely keep their column's rules, and are written as PostgreSQL reads them.

The rules are those of `row_rules_sql`. Many cells may keep them and not be sure: other notations
of a value, patterns that are more than a row of characters.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce

import numpy as np

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.validation.fast_path.cells import FIRST_BYTES, WORD, Cells, Mask, Words
from claimwatch.domain.validation.fast_path.simple_regex import Step, steps
from claimwatch.domain.validation.fast_path.swar_parse import Values, days, numbers, seconds, whole_numbers
from claimwatch.domain.validation.row_rules_sql import FALSE_WORDS, LONGEST_IDENTIFIER, TRUE_WORDS

type Check = Callable[[Cells], Mask]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HIGHS = np.uint64(0x8080808080808080)
_LONGEST_SHAPE = 64
_FEW = 8
_LONGEST_MATCHED, _MOST_REPEATS = 80, 3
"""Characters, and repetitions of no fixed number: Python's regular expressions may try every split."""


def column_predicate(column: Column) -> Check | None:
    """What tells which cells of a column are sure; None where it could not tell of any."""
    keeps = _keeping(column)
    if column.hashed and (column.logical_type is not LogicalType.STRING or column.role == "identifier"):
        return None
    if keeps is None or any('"' in token for token in column.missing_values):  # in a cell it is doubled
        return None
    missing = [token.encode() for token in column.missing_values if token]
    # A token that would pass for a value says that there is none.
    tokens = [token for token in missing if keeps(Cells.of([token]))[0]]
    missing_words = _Words(tokens) if tokens else None

    def sure(cells: Cells) -> Mask:
        there = cells.lengths > 0
        found = there & keeps(cells)
        if missing_words:
            found &= ~missing_words.hold(cells)
        if not column.required:
            found |= ~(there | cells.quoted)  # PostgreSQL reads two quotes as a text that is empty
        return found

    return sure


def _keeping(column: Column) -> Check | None:
    """What tells which of the cells that are there keep the rules."""
    if column.valid_values is not None and column.logical_type is not LogicalType.STRING:
        return None
    match column.logical_type:
        case LogicalType.STRING:
            return _string(column)
        case LogicalType.BOOLEAN:
            words = (*TRUE_WORDS, *FALSE_WORDS)
            return _Words(form.encode() for word in words for form in (word, word.upper(), word.title())).hold
        case LogicalType.INTEGER:
            read = whole_numbers
        case LogicalType.NUMBER:
            # With other separators a point may be anything, and has to be written anew.
            plain = (column.decimal_separator, column.thousands_separator) == (".", "")
            read = numbers if plain else whole_numbers
        case LogicalType.DATE:
            read = days
        case LogicalType.TIMESTAMP:
            read = seconds
    within = _within(column)
    if within is None:
        return None
    plain_digits = column.role == "identifier"

    def keeps(cells: Cells) -> Mask:
        found, values = read(cells)
        if plain_digits:  # 7, 07 and -0 and 0 are the same claims
            found &= cells.byte(cells.starts) > b"0"[0]
        return found & within(values)

    return keeps


def _within(column: Column) -> Callable[[Values], Mask] | None:
    """What tells which values are within the bounds; None where these are of another type than the column."""
    bounds = (
        (column.minimum, np.greater_equal),
        (column.maximum, np.less_equal),
        (column.exclusive_minimum, np.greater),
        (column.exclusive_maximum, np.less),
    )
    kind = _BOUNDS[column.logical_type]
    if any(type(bound) is not kind for bound, _ in bounds if bound is not None):
        return None
    limits = [(_as_number(bound), holds) for bound, holds in bounds if bound is not None]
    return lambda values: reduce(
        np.logical_and, (holds(values, limit) for limit, holds in limits), np.ones(len(values), np.bool_)
    )


_BOUNDS = {
    LogicalType.INTEGER: Decimal,
    LogicalType.NUMBER: Decimal,
    LogicalType.DATE: date,
    LogicalType.TIMESTAMP: datetime,
}


def _as_number(bound: Decimal | date) -> float:
    """A bound as `swar_parse` reads values."""
    match bound:
        case Decimal():
            return float(bound)
        case datetime():
            utc = bound.astimezone(UTC) if bound.tzinfo else bound
            # A fraction of a second lies between that second and the next; it does not matter where.
            return float(f"{utc:%Y%m%d%H%M%S}") + (0.5 if utc.microsecond else 0.0)
        case date():
            return float(f"{bound:%Y%m%d}")


def _string(column: Column) -> Check | None:
    rule_query: list[Check] = []
    longest = column.max_length
    if column.role == "identifier":
        longest = min(longest or LONGEST_IDENTIFIER, LONGEST_IDENTIFIER)
        if not _excludes_blanks(column.pattern):
            rule_query.append(_stands_as_it_is)
    if longest is not None:
        rule_query.append(_at_most(longest))
    if column.hashed:
        rule_query.append(lambda cells: ~cells.with_quotes)
    if column.min_length:
        rule_query.append(_at_least(column.min_length))
    if column.valid_values is not None:
        rule_query.append(_Words(word.encode() for word in column.valid_values if '"' not in word).hold)
    if column.pattern is not None:
        matching = _matching(column.pattern)
        if matching is None:
            return None
        rule_query.append(matching)
    return lambda cells: reduce(np.logical_and, (kept(cells) for kept in rule_query), cells.lengths > 0)


def _excludes_blanks(pattern: str | None) -> bool:
    """Whether a cell that this pattern takes for sure holds no blank (a quote it never does)."""
    found = steps(pattern) if pattern else None
    return found is not None and all(min(step.allowed) > b" "[0] for step in found)


def _stands_as_it_is(cells: Cells) -> Mask:
    """Has no blank at an end, which would be cut off, and no quote, which would be doubled."""
    last = np.maximum(cells.ends - 1, cells.starts)
    ends = np.stack((cells.byte(cells.starts), cells.byte(last)))
    plain: Mask = ((ends > b" "[0]) & (ends < 0x80)).all(axis=0)
    return plain & ~cells.with_quotes


def _at_most(longest: int) -> Check:
    def kept(cells: Cells) -> Mask:
        few: Mask = cells.lengths <= longest
        return few if few.all() else few | (cells.characters <= longest)

    return kept


def _at_least(shortest: int) -> Check:
    if shortest > _FEW:
        return lambda cells: cells.characters >= np.where(cells.quoted, 2 * shortest, shortest)
    # In as many words there is room for twice as many characters, of four bytes each.
    return lambda cells: cells.characters_in(shortest) >= np.where(cells.quoted, 2 * shortest, shortest)


def _matching(pattern: str) -> Check | None:
    found = steps(pattern)
    if found is None:
        return None
    if all(step.least == step.most for step in found[:-1]):
        return _Shape(found).fit
    if sum(step.least != step.most for step in found) > _MOST_REPEATS:
        return None
    fitting = _Lines(b"".join(map(_expression, found)))

    def matching(cells: Cells) -> Mask:
        short: Mask = cells.lengths <= _LONGEST_MATCHED
        texts = cells.texts
        if not short.all():
            texts = [text[:_LONGEST_MATCHED] for text in texts]
        return short & fitting.which(texts)

    return matching


class _Lines:
    """A regular expression for one line, asked about many of them at once: a call for each takes twice as
    long."""

    def __init__(self, expression: bytes) -> None:
        # What a line has matched is not tried in another way; one that does not match ends the run.
        self._run = re.compile(b"(?:(?>%b\n|\n))*+" % expression).match

    def which(self, texts: list[bytes]) -> Mask:
        """Which of the texts match, or are empty; none that has a line break does."""
        lines = b"\n".join([*texts, b""])
        if lines.count(b"\n") != len(texts):
            lines = b"\n".join([*(text.replace(b"\n", b"\r") for text in texts), b""])
        matching = np.ones(len(texts), np.bool_)
        index = place = 0
        while (end := self._end(lines, place)) < len(lines):
            index += lines.count(b"\n", place, end)
            matching[index] = False
            index, place = index + 1, lines.index(b"\n", end) + 1
        return matching

    def _end(self, lines: bytes, place: int) -> int:
        found = self._run(lines, place)
        assert found is not None  # no line is a run, too
        return found.end()


def _expression(step: Step) -> bytes:
    allowed = b"".join(b"\\x%02x" % code for code in sorted(step.allowed))
    most = b"" if step.most is None else b"%d" % step.most
    return b"[%b]{%d,%b}" % (allowed, step.least, most)


class _Words:
    """Words that a cell may be."""

    def __init__(self, words: Iterable[bytes]) -> None:
        known = sorted(set(words)) or [b""]
        self._width = max(1, -(-max(map(len, known)) // WORD))
        parts = self._parts(Cells.of(known))
        keys = _key(parts)
        order = np.argsort(keys)
        self._keys, self._parts_of = keys[order], [part[order] for part in parts]

    def hold(self, cells: Cells) -> Mask:
        """Which cells are one of them."""
        parts = self._parts(cells)
        found = np.minimum(np.searchsorted(self._keys, _key(parts)), len(self._keys) - 1)
        equal: Mask = cells.lengths <= WORD * self._width
        for part, known in zip(parts, self._parts_of, strict=True):
            equal &= known[found] == part
        return equal

    def _parts(self, cells: Cells) -> list[Words]:
        return [cells.word(WORD * place) for place in range(self._width)]


def _key(parts: list[Words]) -> Words:
    """One word for all parts. Should that be the same for two, only one of them is ever found."""
    return reduce(lambda key, part: key * _FACTOR + part, parts)


class _Shape:
    """A row of characters, each from a set; the last one is repeated."""

    def __init__(self, found: tuple[Step, ...]) -> None:
        sets: list[frozenset[int]] = []
        for step in found:
            most = _LONGEST_SHAPE if step.most is None else step.most
            sets += [step.allowed] * min(most, _LONGEST_SHAPE - len(sets))
        self._least, self._most = sum(step.least for step in found), len(sets)
        self._ranges = [_ranges(sets[at : at + WORD]) for at in range(0, len(sets), WORD)]

    def fit(self, cells: Cells) -> Mask:
        """Which cells have this shape."""
        fitting: Mask = (cells.lengths >= self._least) & (cells.lengths <= self._most)
        for place, ranges in enumerate(self._ranges):
            word = cells.word(WORD * place)
            inside = np.zeros(len(word), np.uint64)
            for (
                low,
                high,
            ) in ranges:  # added to a byte, they set its eighth bit from the first on, and behind the last
                inside |= (word + low) & ~(word + high)
            behind = ~FIRST_BYTES[cells.inside(WORD * place)]
            fitting &= ((inside | behind) & ~word & _HIGHS) == _HIGHS
        return fitting


def _ranges(sets: list[frozenset[int]]) -> list[tuple[np.uint64, np.uint64]]:
    """For the first run of codes of each set, then the second, and so on: what has to be added to a word."""
    runs = [
        list(
            zip(
                [code for code in sorted(allowed) if code - 1 not in allowed],
                [code for code in sorted(allowed) if code + 1 not in allowed],
                strict=True,
            )
        )
        for allowed in sets
    ]
    found = []
    for number in range(max(map(len, runs))):
        chosen = [run[min(number, len(run) - 1)] for run in runs]
        low = bytes(0x80 - first for first, _ in chosen)
        high = bytes(0x7F - last for _, last in chosen)
        found.append((np.uint64(int.from_bytes(low, "little")), np.uint64(int.from_bytes(high, "little"))))
    return found
