"""Drafts of contracts, from the header and some rows of a line's first file.

Everything that a person must review has a comment that begins with ``check:``. Whether a column of text names
persons is not guessed: unless its name says so, its classification is a question, and ``parse_contract``
refuses the draft until a person has answered it. The same sample always gives the same text.
"""

from collections.abc import Sequence

from claimwatch.domain.contract.draft_column import guess_columns, is_row_of_values
from claimwatch.domain.contract.draft_roles import assign_roles
from claimwatch.domain.contract.draft_text import draft_lines


def draft_contract(line: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the draft as YAML, from the header and some rows, each as long as the header.

    Columns without a name or without any value are left out; their values go to ``extra`` of each claim.
    """
    names = tuple(header)
    rows = [row for row in rows if tuple(row) != names]
    headless = is_row_of_values(names)
    if headless:
        # The first row is one of the claims: its values must not become names of columns.
        rows, header = [names, *rows], [f"column_{place}" for place in range(1, len(names) + 1)]
    guesses, left_out = guess_columns(header, rows)
    assign_roles(guesses)
    return "\n".join(draft_lines(line, guesses, left_out, len(rows), headless=headless)) + "\n"
