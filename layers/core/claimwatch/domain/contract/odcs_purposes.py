"""Reading of the purposes that a contract allows."""

from collections import Counter

from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES, MOST_PURPOSES, PURPOSE, PURPOSE_RULE
from claimwatch.domain.contract.strict_yaml import YamlValue


def read_purposes(value: YamlValue, place: str, problems: list[str]) -> tuple[str, ...]:
    """Return the purposes for which a line's claims and models may be used, in the contract's order."""
    if value is None:
        return DEFAULT_PURPOSES
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_PURPOSES:
        problems.append(
            f"{place}purposes must be a list of 1 to {MOST_PURPOSES} names, "
            "for example [claim_handling, audit]; without it, the usual purposes are allowed"
        )
        return DEFAULT_PURPOSES
    named = [str(purpose) for purpose in value]
    problems += [
        f"{place}purposes: '{purpose}' is not a valid name; use {PURPOSE_RULE}"
        for purpose in named
        if not PURPOSE.fullmatch(purpose)
    ]
    problems += [
        f"{place}purposes: '{purpose}' is duplicated; keep one"
        for purpose, times in Counter(named).items()
        if times > 1
    ]
    return tuple(named)
