"""The stack that a database belongs to.

Two stacks in one database would not only mix their claims: each deployment of one renews the passwords of the
other's logins, and migrates the schema to code that the other does not have.
"""

from claimwatch.storage.connection import Database
from claimwatch.storage.logins import UnusableDatabase
from claimwatch.storage.queries import queries

_SQL = queries("owning_stack")


def check_stack(database: Database, stack_id: str) -> None:
    """Raise ``UnusableDatabase`` if the database belongs to another stack; call it before the migrations.

    ``stack_id`` is the ARN of a stack. A stack that was deleted and created again under its name is the same.
    """
    stack = _without_number(stack_id)
    with database.transaction() as cursor:
        cursor.execute(_SQL["has_settings"])
        if cursor.fetchone() != (True,):
            return
        cursor.execute(_SQL["find_stack"])
        found = cursor.fetchone()
    if found is not None and found[0] != stack:
        raise UnusableDatabase(
            f"the database belongs to {found[0]}: give each stack a database of its own; if that stack does"
            " not use it any more, run as its owner: DELETE FROM claimwatch.setting WHERE name = 'stack'"
        )


def keep_stack(database: Database, stack_id: str) -> None:
    """Store the stack that the database belongs to, unless it has one; raises as ``check_stack`` does."""
    with database.transaction() as cursor:
        cursor.execute(_SQL["keep_stack"], {"stack": _without_number(stack_id)})
    check_stack(database, stack_id)


def _without_number(stack_id: str) -> str:
    """Return the ARN of a stack without the part that each creation draws anew."""
    return stack_id.rsplit("/", 1)[0]
