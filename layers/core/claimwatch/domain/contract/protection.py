"""Protected attributes that a new version of a contract no longer protects."""

from collections.abc import Mapping

from claimwatch.domain.contract.contract import Contract, Role


def no_longer_protected(before: Contract, after: Contract) -> dict[str, str | None]:
    """Return the columns that only the earlier contract protects, each with its role now, if it has one."""
    now = {column.name: column.role for column in after.columns}
    return {
        column.name: now.get(column.name)
        for column in before.columns
        if column.role is Role.PROTECTED and now.get(column.name) is not Role.PROTECTED
    }


def described(columns: Mapping[str, str | None]) -> str:
    """Return the columns with what became of each."""
    return ", ".join(
        f"{name} ({f'now {role}' if role else 'no longer in the contract'})" for name, role in columns.items()
    )
