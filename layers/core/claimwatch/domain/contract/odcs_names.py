"""Reading of the names that a contract lists: purposes of requests and grounds of decisions."""

from collections import Counter
from dataclasses import dataclass

from claimwatch.domain.contract.grounds import DEFAULT_GROUNDS, MOST_GROUNDS
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES, MOST_PURPOSES, PURPOSE, PURPOSE_RULE
from claimwatch.domain.contract.strict_yaml import YamlValue


@dataclass(frozen=True)
class NamedList:
    """A property that lists names.

    ``usual`` are the names of a contract without the property; ``without`` says so in words.
    """

    title: str
    usual: tuple[str, ...]
    most: int
    example: str
    without: str


PURPOSES = NamedList(
    "purposes",
    DEFAULT_PURPOSES,
    MOST_PURPOSES,
    "[claim_handling, audit]",
    "the usual purposes are allowed",
)
GROUNDS = NamedList(
    "grounds",
    DEFAULT_GROUNDS,
    MOST_GROUNDS,
    "[staged_event, inflated_amount, other]",
    "the usual grounds are offered",
)


def read_names(listed: NamedList, value: YamlValue, place: str, problems: list[str]) -> tuple[str, ...]:
    """Return the names, in the contract's order."""
    if value is None:
        return listed.usual
    title = f"{place}{listed.title}"
    if not isinstance(value, list) or not 1 <= len(value) <= listed.most:
        problems.append(
            f"{title} must be a list of 1 to {listed.most} names, for example {listed.example}; "
            f"without it, {listed.without}"
        )
        return listed.usual
    named = [str(name) for name in value]
    problems += [
        f"{title}: '{name}' is not a valid name; use {PURPOSE_RULE}"
        for name in named
        if not PURPOSE.fullmatch(name)
    ]
    problems += [
        f"{title}: '{name}' is duplicated; keep one" for name, times in Counter(named).items() if times > 1
    ]
    return tuple(named)
