"""The differences that a release says it wants: members of an answer."""

from claimwatch.domain.releases.answers import MEMBERS
from claimwatch.errors import ClaimwatchError

NONE = "none"


class UnknownMember(ClaimwatchError):
    """A wanted difference that is not a member of an answer."""


def wanted_differences(text: str) -> frozenset[str]:
    """Return the members in a list such as ``probability,reasons``; raises ``UnknownMember``."""
    if text.strip() in ("", NONE):
        return frozenset()
    found = frozenset(name.strip() for name in text.split(","))
    if not found <= frozenset(MEMBERS):
        raise UnknownMember(f"WantedDifferences is '{NONE}', or lists some of {', '.join(MEMBERS)}")
    return found
