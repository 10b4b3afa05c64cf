"""Persons behind verified callers."""


def same_person(one: str, other: str) -> bool:
    """Return whether two ARNs may belong to one person: they end in the same name.

    The last part of an ARN is the name of the user, or of the session of a role. With IAM Identity Center it
    is the person's user name, whichever role the person uses. Two persons whose sessions have one name count
    as the same, because nothing tells them apart.
    """
    return one.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]
