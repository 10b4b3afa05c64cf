"""Demo users of the laptop's stack, of every group, with passwords that are drawn at every deployment."""

import contextlib
import secrets
from dataclasses import dataclass
from typing import Any

GROUP_OF = {
    "ida": "investigator",
    "ivo": "investigator",
    "leo": "lead",
    "dana": "data_scientist",
    "axel": "auditor",
    "petra": "privacy_officer",
}
"""Names of the users, and the group of each."""


@dataclass(frozen=True)
class User:
    """A person who can sign in."""

    name: str
    password: str
    group: str


def create_users(cognito: Any, pool: str) -> list[User]:
    """Create the users that the pool does not have, and give all of them new passwords."""
    return [create_user(cognito, pool, name, group) for name, group in GROUP_OF.items()]


def create_user(cognito: Any, pool: str, name: str, *groups: str) -> User:
    """Create a user with these groups, or give an existing user a new password."""
    password = f"{secrets.token_urlsafe(15)}-aA1"  # has every kind of character that the pool requires
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):  # it is of an earlier deployment
        cognito.admin_create_user(
            UserPoolId=pool, Username=name, TemporaryPassword=password, MessageAction="SUPPRESS"
        )
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    return User(name, password, " ".join(groups))
