"""Choice of a draft's identifier, by the names and the values of columns; numbers of rows are none."""

from collections.abc import Iterator, Sequence

from claimwatch.domain.contract.column_words import CLAIM, names_a_number
from claimwatch.domain.contract.contract import DATED, LogicalType, Role
from claimwatch.domain.contract.draft_column import Guess

_ROW_WORDS = {"rownames", "rowname", "rownum", "rownumber", "rowid", "row", "rows", "index", "idx", "unnamed"}
_ROW_NAMES = (
    *(("lfd", "nr"), ("lfdnr",), ("laufende", "nummer"), ("x",), ("obs",), ("record", "number"), ("seq",)),
    ("position",),
)
_MOST_MISSING = 0.05
"""Share of rows without a claim id, such as rows of totals, which are quarantined."""

_COUNTED = 200
"""Rows at the beginning of the file that a number of the row counts."""

_NEARLY_ALL = 0.9
_REPEATED = 0.05
"""Least share of different values of a claim's number that repeats: a row may be a payment."""


def assign_identifier(guesses: Sequence[Guess]) -> None:
    """Give the likeliest column role identifier, and columns that only count the rows role ignored."""
    for place, guess in enumerate(guesses):
        _ignore_row_number(guess, first=place == 0)
    identifier = max(guesses, key=_score, default=None)
    if identifier is None or _score(identifier) == 0:
        for guess in guesses:
            if names_a_number(guess.plain_words) and guess.values.distinct < guess.values.number:
                guess.checks += tuple(_repeats(guess, guesses))
        return
    identifier.role = Role.IDENTIFIER
    identifier.personal = identifier.plain = identifier.personal and not identifier.in_doubt
    if identifier.logical_type is not LogicalType.INTEGER:
        identifier.logical_type = LogicalType.STRING
    why = "its values are unique" if identifier.unique else "from its name"
    identifier.checks = (
        f"the identifier is a guess ({why}); it must identify exactly one claim",
        *identifier.checks,
        *_doubts(identifier, guesses),
    )


def counts_rows(guess: Guess) -> bool:
    """Return whether the values are 0, 1, 2, ... or 1, 2, 3, ..., row by row."""
    cells = guess.cells[:_COUNTED]  # a sample may leave out later rows
    if len(cells) < 3 or cells[0].strip() not in ("0", "1"):
        return False
    first = int(cells[0])
    return all(cell.strip() == str(number) for number, cell in enumerate(cells, first))


def _ignore_row_number(guess: Guess, *, first: bool) -> None:
    if guess.role not in (Role.FEATURE, Role.IGNORED) or guess.personal:
        return
    words, counts = guess.plain_words, counts_rows(guess)
    named = words in _ROW_NAMES or (bool(words) and words[0] in _ROW_WORDS)
    if counts and not named and names_a_number(words):
        return  # it may be the identifier
    if (named and (counts or guess.unique)) or (counts and (first or guess.placeholder)):
        guess.role = Role.IGNORED
        guess.checks += (
            "counts or names the rows of this file, so it is neither the identifier nor a feature",
        )
    elif counts:
        guess.checks += ("counts the rows of this file; if it does nothing else, write 'role: ignored'",)


def _score(guess: Guess) -> int:
    words, values = guess.plain_words, guess.values
    if guess.role not in (Role.FEATURE, Role.IGNORED) or guess.logical_type in (
        LogicalType.BOOLEAN,
        LogicalType.NUMBER,
        *DATED,
    ):
        return 0
    of_claim = bool(set(words) & CLAIM)
    if not (names_a_number(words) or words in (("claim",), ("aktenzeichen",))) or (
        guess.personal and not guess.in_doubt and not of_claim
    ):
        return 0
    if of_claim:
        if values.missing > _MOST_MISSING * (values.number + values.missing):
            return 0
        if values.distinct >= _NEARLY_ALL * values.number:
            return 4
        return 3 if values.distinct > max(1, _REPEATED * values.number) else 0
    if guess.unique:
        return 2 if len(words) == 1 else 1
    return 0


def _doubts(identifier: Guess, guesses: Sequence[Guess]) -> tuple[str, ...]:
    values = identifier.values
    found = []
    if identifier.personal:
        found.append("ids of claims are stored and shown in clear: choose another identifier")
    if values.distinct < values.number:
        other = _completes(identifier, guesses)
        with_other = f"; they are unique only with '{other.name}'" if other else ""
        found.append(
            f"its values repeat ({values.distinct} of {values.number} differ{with_other}): if rows are"
            " payments or versions and not claims, only the newest row of each claim counts"
        )
    if values.missing:
        found.append(f"{values.missing} of {len(identifier.cells)} rows have none and are quarantined")
    if counts_rows(identifier):
        found.append(
            "its values count the rows: if the next file counts from 1 again, its claims replace these"
        )
    return tuple(found)


def _repeats(guess: Guess, guesses: Sequence[Guess]) -> Iterator[str]:
    """Yield why a column that is named like an identifier is not the identifier."""
    values, other = guess.values, _completes(guess, guesses)
    repeat = f"its values repeat ({values.distinct} of {values.number} differ), so it identifies no claim"
    if other is None:
        yield repeat
    else:
        yield f"{repeat}; with '{other.name}' they are unique: send both in one column as the claim id"


def _completes(identifier: Guess, guesses: Sequence[Guess]) -> Guess | None:
    """Return a column that, together with the identifier, is unique."""
    rows = len(identifier.cells)
    for guess in guesses:
        if guess is identifier or guess.personal or guess.values.missing or guess.unique:
            continue
        if len(set(zip(identifier.cells, guess.cells, strict=True))) == rows:
            return guess
    return None
