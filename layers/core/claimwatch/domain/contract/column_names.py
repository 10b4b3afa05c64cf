"""Names by which files and requests may call the columns of a contract."""

from claimwatch.domain.contract.contract import Contract, folded_name

MOST_SPELLINGS = 16
"""Spellings of a column's name that the objects of a file may use at a time; writers use one or two."""

MOST_REMEMBERED = 10_000
"""Keys whose meaning is remembered."""

LONGEST_KEY = 200
"""Characters of the longest key that is remembered or stored as the spelling of a column's name."""


def column_names(contract: Contract) -> dict[str, str]:
    """Return the contract's columns by every name that a file may use for them, folded.

    A column's own name takes precedence over the synonyms of others.
    """
    names = {folded_name(synonym): column.name for column in contract.columns for synonym in column.synonyms}
    return names | {folded_name(column.name): column.name for column in contract.columns}
