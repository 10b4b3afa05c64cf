"""The contract of claims that were stored, as far as a score needs them."""

from dataclasses import replace

from claimwatch.domain.contract.contract import Column, Contract, Role

SCORED_ROLES = frozenset({Role.IDENTIFIER, Role.EVENT_TIME, Role.FEATURE})
"""Roles of the columns that a score can depend on."""


def is_scored(column: Column) -> bool:
    """Return whether a score can depend on a column: no hash is a feature."""
    return column.role in SCORED_ROLES and not column.hashed


def of_stored_claims(contract: Contract) -> Contract:
    """Return a contract that requires only the columns that a score needs.

    All others kept the rules when the claim was stored, and some of them are known as hashes only. What is
    left out cannot change a score.
    """
    columns = (
        column if is_scored(column) else replace(column, required=False) for column in contract.columns
    )
    return replace(contract, columns=tuple(columns))
