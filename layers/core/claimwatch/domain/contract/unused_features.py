"""Columns that a contract declares as features although no model can use them."""

from claimwatch.domain.contract.contract import Contract, Role


def unused_features(contract: Contract) -> dict[str, str]:
    """Return the columns with role feature that no training uses, whatever their values, with the reason.

    A date needs the event time, which every contract in force has.
    """
    return {
        column.name: "it is stored as a hash, from which no model learns; write 'storeAs: plain', or"
        " 'role: ignored'"
        for column in contract.columns
        if column.role is Role.FEATURE and column.hashed
    }
