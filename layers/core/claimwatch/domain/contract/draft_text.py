"""Text of a draft: YAML with comments on what a person must review."""

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from claimwatch.domain.contract.category_words import is_listable
from claimwatch.domain.contract.contract import DATED, NUMERIC, LogicalType, ReviewSettings, Role
from claimwatch.domain.contract.draft_column import Guess, one_line
from claimwatch.domain.contract.header_words import meanings_of, words_of
from claimwatch.domain.contract.type_inference import MISSING, is_value

_YAML_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_YAML_KEYWORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_ESCAPED = re.compile("[\x7f-\xa0\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_WIDTH = 100
_ENUMERATION_SAMPLE = 20
"""Minimum number of values for proposing an enumeration."""

_MOST_DATES = 8
"""Dates that are listed if none looks like the time of the claim."""

_CODE_ROWS = 5
"""Minimum number of rows of each value of a proposed enumeration: a rarer one may be a person's."""


def draft_lines(
    line: str, guesses: list[Guess], left_out: list[str], rows: int, tried: int, remarks: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of the draft."""
    sample = f"{rows:,} {'row' if rows == 1 else 'rows'}"
    yield f"# Draft of the contract of line {line}, from {sample} of its first file."
    yield "# Review each line with 'check:', correct it if needed, write 'status: active', and store the file"
    yield f"# as contracts/{line}.yaml. This draft is replaced when another file of the line arrives."
    yield "# Required columns were never empty in the sample. Rows that break a rule are quarantined."
    if tried > rows:
        yield f"# All {tried:,} rows of the file were tried with this draft."
    yield from _about_persons(guesses)
    for remark in remarks:
        first, *others = textwrap.wrap(f"check: {remark}", _WIDTH - 4)
        yield f"# {first}"
        yield from (f"#   {part}" for part in others)
    if not any(guess.role is Role.IDENTIFIER for guess in guesses):
        yield "# check: no column looks like the claim id. Give one column required: true, unique: true"
        yield "#   and role identifier; until then this is not a valid contract."
    if not any(guess.role is Role.EVENT_TIME for guess in guesses):
        yield from _without_event_time(guesses)
    if not any(guess.role is Role.LABEL for guess in guesses):
        yield "# No column looks like the label, which says whether a claim was fraud. If one does, give it"
        yield "# logicalType boolean and role label; otherwise send files of outcomes (docs/interfaces.md)."
        asked = ", ".join(f"'{guess.name}'" for guess in guesses if guess.may_be_label)
        yield from (f"# {part}" for part in textwrap.wrap(f"check: it may be {asked}", _WIDTH - 4) if asked)
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: claimwatch-{line}"
    yield f"name: {_scalar(line.replace('_', ' ').capitalize() + ' claims')}"
    yield "version: 1.0.0"
    yield "status: draft"
    yield "domain: claims"
    yield "description:"
    yield f"  purpose: {_scalar(f'Claims of line {line}, one row per claim.')}"
    yield ""
    yield "customProperties:"
    yield f"  - {{property: line, value: {_scalar(line)}}}"
    tokens = [token for token in MISSING if any(token in guess.values.missing_tokens for guess in guesses)]
    if tokens:
        yield "  # check: these cells are read as missing in every column; remove real values"
        yield f"  - {{property: missingValues, value: {_flow(tokens)}}}"
    yield from _decision(guesses)
    yield ""
    yield "schema:"
    yield f"  - name: claim_{line}"
    yield "    physicalType: table"
    yield "    description: One claim."
    if left_out:
        yield "    # check: left out; the values are kept as hashes with each claim, in the column 'extra':"
        yield from (f"    #   {reason}" for reason in left_out)
    yield "    properties:"
    for guess in guesses:
        yield ""
        yield from _column(guess)


def _without_event_time(guesses: Sequence[Guess]) -> Iterator[str]:
    """Yield that no column is the event time, and the dates of which one may be it."""
    dates = [
        f"'{guess.name}'" for guess in guesses if guess.logical_type in DATED and guess.role is Role.FEATURE
    ]
    yield "# check: no column looks like the time of the claim; give a date column role event_time."
    listed = textwrap.wrap(f"Dates: {', '.join(dates[:_MOST_DATES])}.", _WIDTH - 4) if dates else []
    yield from (f"#   {part}" for part in listed)


def _about_persons(guesses: Sequence[Guess]) -> Iterator[str]:
    if any(guess.personal for guess in guesses):
        yield "# Personal columns are stored as hashes, which no model uses; 'storeAs: plain' keeps values."
        yield "# If a column names nobody, write 'classification: internal' and, for models, 'role: feature'."
    if any(guess.role is Role.PROTECTED for guess in guesses):
        yield "# If a protected column may be used by models, write 'role: feature'; if not even by the bias"
        yield "# check, 'role: ignored'."
    kinds = [
        guess.name
        for guess in guesses
        if guess.logical_type is LogicalType.STRING and not guess.personal and guess.role is Role.FEATURE
    ]
    if kinds:
        yield "# check: these texts have few values and are internal; write 'classification: personal' and"
        yield "#   'role: ignored' where a value names a person:"
        listed = textwrap.wrap(", ".join(kinds), _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        yield from (f"#   {part}" for part in listed)


def _decision(guesses: Sequence[Guess]) -> Iterator[str]:
    """Yield when the labels were decided."""
    dated = next((guess for guess in guesses if guess.decision), None)
    if dated is not None:
        yield f"  - {{property: decisionColumn, value: {_scalar(dated.name)}}}"
    elif any(guess.role is Role.LABEL for guess in guesses):
        days = ReviewSettings().maturity_days
        yield f"  # check: no date says when a label was decided, so it counts as decided {days} days after"
        yield "  #   the event; a date of the decision can be named in decisionColumn instead"
        yield f"  - {{property: decisionDays, value: {days}}}"


def _column(guess: Guess) -> Iterator[str]:
    values = guess.values
    # A claim arrives before anybody decides about it.
    decided_later = guess.role is Role.LABEL or guess.decision
    required = values.missing == 0 and values.number > 0 and not decided_later
    yield f"      - name: {_scalar(guess.name)}"
    yield f"        logicalType: {guess.logical_type}"
    if guess.role is Role.IDENTIFIER:
        required = True
        yield "        required: true"
        yield "        unique: true"
    else:
        yield f"        required: {str(required).lower()}"
    yield f"        classification: {'personal' if guess.personal else 'internal'}"
    about_persons = guess.about_persons if guess.personal or guess.role is Role.PROTECTED else ()
    yield from (f"        # check: {check}" for check in (*about_persons, *guess.checks))
    if guess.name != guess.header:
        yield f"        synonyms: [{{synonym: {_quoted(guess.header)}}}]"
    if guess.role is not Role.IDENTIFIER and not guess.personal:
        yield from _rules(guess)
    yield from _properties(guess)


def _rules(guess: Guess) -> Iterator[str]:
    values = guess.values
    if values.other_reading:
        yield f"        # check: {one_line(values.other_reading)}"
    if guess.logical_type in NUMERIC and values.least is not None and values.most is not None:
        seen = f"seen from {_rounded(values.least, ROUND_FLOOR)} to {_rounded(values.most, ROUND_CEILING)}"
        if values.least == 0 and values.most == 1:
            yield "        # check: only 0 and 1 occur; it may be a boolean"
        if not values.negative:
            yield f"        logicalTypeOptions: {{minimum: 0}} # check: {seen}"
        elif values.negative <= values.number / 20:
            share = f"{values.negative} of {values.number}"
            yield f"        # check: {seen}; {share} are negative, which this would reject:"
            yield "        # logicalTypeOptions: {minimum: 0}"
        else:
            yield f"        # check: {seen}"
    meanings = meanings_of(words_of(guess.header))
    listable = len(values.few) > 1 and all(
        is_listable(value, meanings) and not is_value(value) and values.counts[value] >= _CODE_ROWS
        for value in values.few
    )
    if listable and values.number >= _ENUMERATION_SAMPLE and guess.logical_type is LogicalType.STRING:
        yield "        quality: # check: only the values of the sample are valid"
        yield "          - type: library"
        yield "            metric: invalidValues"
        yield from _wrapped(
            "            arguments: {validValues: [", [_scalar(value) for value in values.few], "]}"
        )
        yield "            mustBe: 0"


def _rounded(value: Decimal, rounding: str) -> str:
    """Return a bound of a range with two significant digits: it shows the size, and no value of a claim."""
    return f"{value.normalize(Context(prec=2, rounding=rounding)):f}"


def _properties(guess: Guess) -> Iterator[str]:
    values = guess.values
    properties = [f"{{property: role, value: {guess.role}}}"]
    if guess.plain:
        properties.append("{property: storeAs, value: plain}")
    if guess.date_parts:
        parts = ", ".join(f"{part}: {_scalar(name)}" for part, name in guess.date_parts)
        properties.append(f"{{property: dateParts, value: {{{parts}}}}}")
    if guess.logical_type in DATED and values.date_formats:
        formats = values.date_formats
        written = _quoted(formats[0]) if len(formats) == 1 else _flow(formats)
        properties.append(f"{{property: dateFormat, value: {written}}}")
    if guess.logical_type in NUMERIC:
        if values.decimal_separator != "." and (
            guess.logical_type is LogicalType.NUMBER or values.thousands_separator == "."
        ):
            properties.append(f"{{property: decimalSeparator, value: {_quoted(values.decimal_separator)}}}")
        if values.thousands_separator:
            properties.append(
                f"{{property: thousandsSeparator, value: {_quoted(values.thousands_separator)}}}"
            )
        if values.signs.unit:
            properties.append(f"{{property: numberUnit, value: {_quoted(values.signs.unit)}}}")
        if values.signs.negatives:
            properties.append(f"{{property: negativeNumbers, value: {_flow(values.signs.negatives)}}}")
    if guess.logical_type is LogicalType.BOOLEAN:
        for name, words in (("trueValues", values.true_words), ("falseValues", values.false_words)):
            if words:
                properties.append(f"{{property: {name}, value: {_flow(words)}}}")
    if values.own_missing_tokens and guess.logical_type is not LogicalType.STRING:
        properties.append(f"{{property: missingValues, value: {_flow(values.own_missing_tokens)}}}")
    if len(properties) == 1:
        yield f"        customProperties: [{properties[0]}]"
        return
    yield "        customProperties:"
    yield from (f"          - {entry}" for entry in properties)


def _wrapped(start: str, items: Sequence[str], end: str) -> Iterator[str]:
    """Yield a flow sequence, wrapped to several lines if needed."""
    line = start
    for number, item in enumerate(items):
        part = item + (", " if number + 1 < len(items) else end)
        if len(line) + len(part.rstrip()) > _WIDTH and line.strip():
            yield line.rstrip()
            line = " " * (len(start) - len(start.lstrip()) + 2)
        line += part
    yield line.rstrip()


def _flow(items: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, items)) + "]"


def _scalar(text: str) -> str:
    """Return a text as YAML, unquoted if every YAML parser reads it as this text."""
    if _YAML_WORD.fullmatch(text) and text.lower() not in _YAML_KEYWORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
