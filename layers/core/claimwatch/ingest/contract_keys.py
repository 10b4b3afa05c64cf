"""Keys of contracts and their drafts in the artifact bucket."""

import re

_CONTRACT = re.compile(r"contracts/(?P<line>[^/]+?)(?P<draft>\.draft)?\.ya?ml")


def contract_key(line: str) -> str:
    """Return the key of a line's contract."""
    return f"contracts/{line}.yaml"


def draft_key(line: str) -> str:
    """Return the key of a line's draft, next to the contract."""
    return f"contracts/{line}.draft.yaml"


def line_of(key: str) -> str | None:
    """Return the line whose contract has this key, or None for other keys, such as those of drafts."""
    found = _CONTRACT.fullmatch(key)
    return None if found is None or found["draft"] else found["line"]
