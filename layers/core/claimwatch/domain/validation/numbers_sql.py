"""Numbers as SQL: which texts are numbers in the notation of a column, and how PostgreSQL reads them."""

from collections.abc import Iterator

from claimwatch.domain.contract.contract import Column, LogicalType, NegativeNumbers
from claimwatch.domain.validation.sql_text import literal

LONGEST_NUMBER = 400
"""Characters: many more than the digits of a float, many fewer than PostgreSQL's numeric allows."""

BLANKS = " \u00a0\u202f\u2009"
"""Characters that look like a blank: blank, no-break space, narrow no-break space, thin space."""

APOSTROPHES = "'\u2019"
"""Characters that look like an apostrophe between groups of digits."""

MINUS = "\u2212"
"""The minus of typography."""

EXTREME_EXPONENT = "[eE][+-]?[0-9]{4}"
"""An exponent with which a number that is not zero may be read as zero (RE2)."""

_GAP = rf"[\s{BLANKS}]*"


def group_separators(column: Column) -> str:
    """Return the characters that may separate groups of digits: all that look like the contract's one."""
    separator = column.thousands_separator
    return next((alike for alike in (BLANKS, APOSTROPHES) if separator and separator in alike), separator)


def has_own_signs(column: Column) -> bool:
    """Return whether numbers of the column may have a unit, or a minus in another place than in front."""
    return bool(column.units or column.negatives)


def signed_forms(column: Column) -> list[tuple[str, str]]:
    """Return the forms of a number with a sign or a unit: a pattern (RE2), and what to put before its groups.

    The groups of a pattern are the sign, if it may have one, and the digits.
    """
    gap, unit = _GAP, "|".join(map(_escaped, sorted(column.units, key=len, reverse=True)))
    before, after = (f"(?:(?:{unit}){gap})?", f"(?:{gap}(?:{unit}))?") if unit else ("", "")
    decimal = _escaped(column.decimal_separator)
    number = f"({_digits(column)}(?:{decimal}[0-9]*)?(?:[eE][+-]?[0-9]+)?)"
    forms = [(rf"{before}([+{MINUS}-]?){gap}{before}{number}{after}", "")]
    if NegativeNumbers.TRAILING in column.negatives:
        forms.append((rf"{before}{number}{after}{gap}[{MINUS}-]{after}", "-"))
    if NegativeNumbers.BRACKETS in column.negatives:
        forms.append((rf"{before}\({gap}{before}{number}{after}{gap}\){after}", "-"))
    return [(rf"\A{gap}{form}{gap}\z", sign) for form, sign in forms]


def signed_number(column: Column, text: str) -> str:
    """Return SQL of a number without its unit and with its sign in front, or NULL if it is not one."""
    branches = []
    for form, sign in signed_forms(column):
        whole, rewritten = literal(form), r"\1" if sign else r"\1\2"
        bare = f"replace(regexp_replace({text}, {whole}, '{rewritten}'), '{MINUS}', '-')"
        branches.append(f"WHEN regexp_matches({text}, {whole}) THEN concat('{sign}', {bare})")
    return f"CASE {' '.join(branches)} END"


def plain_number(column: Column, text: str) -> str:
    """Return SQL of a number without separators of thousands and with a decimal point."""
    plain = text
    for separator in group_separators(column):
        plain = f"replace({plain}, {literal(separator)}, '')"
    if column.decimal_separator != ".":
        plain = f"replace({plain}, {literal(column.decimal_separator)}, '.')"
    return plain


def written_well(column: Column, index: int, text: str) -> Iterator[str]:
    """Yield SQL that is false for texts that DuckDB reads as a number and PostgreSQL or people do not.

    Each condition is true at once for the usual texts, so that the pattern is for the others.
    """
    value = f"value_{index}"
    if column.logical_type is LogicalType.INTEGER:
        # The cast rounds 12.5 and reads 0x1F, so a text in another than the canonical form is checked.
        pattern = literal(whole_number_pattern(column))
        yield f"(digits_{index} = {text} OR ({value} IS NOT NULL AND regexp_full_match({text}, {pattern})))"
        return
    yield f"strlen({text}) <= {LONGEST_NUMBER}"
    yield f"({value} <> 0 OR NOT regexp_matches({text}, '{EXTREME_EXPONENT}'))"
    # The cast reads +-5 and 1_2_3. Digits, '.' and '-' are not less than '-'; '+' and blanks are.
    usual = " AND ".join(f"NOT contains({text}, {literal(sign)})" for sign in suspicious_signs(column))
    pattern = literal(number_pattern(column))
    yield f"(({text} >= '-' AND {usual}) OR regexp_full_match({text}, {pattern}))"


def suspicious_signs(column: Column) -> tuple[str, ...]:
    """Return the characters in a number that DuckDB's cast would misread or ignore."""
    signs = ["_", *group_separators(column), *("." if column.decimal_separator == "," else "")]
    return tuple(dict.fromkeys(signs))


def whole_number_pattern(column: Column) -> str:
    """Return the pattern (RE2) of whole numbers in the notation of the column, with a sign in front only."""
    return rf"\s*[+-]?{_digits(column)}(?:{_escaped(column.decimal_separator)}0*)?\s*"


def number_pattern(column: Column) -> str:
    """Return the pattern (RE2) of numbers in the notation of the column, with a sign in front only."""
    decimal = _escaped(column.decimal_separator)
    mantissa = f"(?:{_digits(column)}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)"
    return rf"\s*[+-]?{mantissa}(?:[eE][+-]?[0-9]+)?\s*"


def _digits(column: Column) -> str:
    """Return a pattern of the digits before the decimal separator: all in one, or in groups of three."""
    separators = group_separators(column)
    if not separators:
        return "[0-9]+"
    between = "|".join(map(_escaped, separators))
    return rf"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:(?:{between})[0-9]{{3}})+)"


def _escaped(text: str) -> str:
    return "".join(
        rf"\{character}" if character.isascii() and not character.isalnum() else character
        for character in text
    )
