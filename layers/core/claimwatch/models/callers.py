"""Persons behind verified callers."""

_PERSON = "person:"


def caller_of_person(name: str) -> str:
    """Return the caller of a request of the desk: the name in the access token of the person."""
    return f"{_PERSON}{name}"


def same_person(one: str, other: str) -> bool:
    """Return whether two verified callers may be one person: their names are equal.

    The last part of an ARN is the name of the user, or of the session of a role. With IAM Identity Center it
    is the person's user name, whichever role the person uses. The name of a person who signed in at the desk
    counts in the same way. Two persons whose sessions have one name count as the same, because nothing tells
    them apart.
    """
    return _name(one) == _name(other)


def _name(caller: str) -> str:
    return caller.rsplit("/", 1)[-1].removeprefix(_PERSON)
