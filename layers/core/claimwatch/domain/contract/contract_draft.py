"""Drafts of contracts, from the header and some rows of a line's first file.

Everything that a person must review has a comment that begins with ``check:``. A column that may name persons
is personal until a person decides otherwise, and no value of a person is in the draft. The same sample always
gives the same text.
"""

from collections.abc import Mapping, Sequence

from claimwatch.domain.contract.contract import MAX_COLUMNS, Role
from claimwatch.domain.contract.draft_column import Guess, guess_columns
from claimwatch.domain.contract.draft_roles import assign_roles
from claimwatch.domain.contract.draft_text import draft_lines
from claimwatch.domain.contract.table_notes import header_rows, is_row_of_values, table_notes

_FEW_ROWS = 20
"""Number of rows below which a draft says that it rests on little."""

_NO_HEADER = (
    "the first row looks like a claim, so the file has no header. Claimwatch needs one:"
    " add a first row with the names of the columns, and rename the columns here"
)


def draft_contract(
    line: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    remarks: Sequence[str] = (),
    found: Mapping[str, str] | None = None,
    tried: int = 0,
) -> str:
    """Return the draft as YAML, from the header and some rows, each as long as the header.

    Columns without a name or without any value are left out; their values go to ``extra`` of each claim.
    ``remarks`` are what else a person should know about the file, and ``found`` says for columns by name
    what else was found: which values the loader refuses, and what the event time determines. ``tried`` is the
    number of rows of the whole file if the draft was tried on all of them.
    """
    names = tuple(header)
    rows = [row for row in rows if tuple(row) != names]
    remarks = list(remarks)
    if is_row_of_values(names, rows):
        # The first row is one of the claims: its values must not become names of columns.
        rows, header = [names, *rows], [f"column_{place}" for place in range(1, len(names) + 1)]
        remarks.insert(0, _NO_HEADER)
    remarks += table_notes(header, rows)
    second = header_rows(rows)
    if second:
        rows = rows[second:]
        remarks.append(f"{_counted(second)} below the header looks like a header, too, and is quarantined")
    if len(rows) < _FEW_ROWS:
        remarks.append(
            f"so few rows ({len(rows)}) show little: types, ranges and required columns may be wrong"
        )
    guesses, left_out = guess_columns(header, rows)
    assign_roles(guesses)
    guesses, too_many = _as_many_as_fit(guesses)
    left_out += too_many
    for guess in guesses:
        if found and guess.name in found:
            guess.checks += (found[guess.name],)
    return "\n".join(draft_lines(line, guesses, left_out, len(rows), tried, remarks)) + "\n"


def _as_many_as_fit(guesses: list[Guess]) -> tuple[list[Guess], list[str]]:
    """Return the columns of the draft that a table has a place for, and why others are left out."""
    excess = len(guesses) - MAX_COLUMNS
    if excess <= 0:
        return guesses, []
    spare = sorted(
        (guess for guess in guesses if guess.role in (Role.FEATURE, Role.IGNORED)),
        key=lambda guess: (guess.role is Role.IGNORED, guess.values.distinct <= 1),
    )
    dropped = spare[len(spare) - excess :]
    kept = [guess for guess in guesses if not any(guess is other for other in dropped)]
    why = f"a table has at most {MAX_COLUMNS:,} columns"
    return kept, [f"'{guess.header}': {why}" for guess in dropped]


def _counted(rows: int) -> str:
    return "the first row" if rows == 1 else f"each of the first {rows} rows"
