"""Named queries, read from .sql files next to the modules that run them."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *(\S+) *$", re.MULTILINE)


@cache
def queries(name: str, package: str = "claimwatch.storage") -> Mapping[str, str]:
    """Return the queries of ``<name>.sql`` in a package by the names in their ``-- name: x`` lines."""
    return MappingProxyType(named_queries(files(package).joinpath(f"{name}.sql").read_text("utf-8")))


def named_queries(text: str) -> dict[str, str]:
    """Return the queries of a text. Raises ``ValueError`` if a name is missing or duplicated."""
    before, *parts = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise ValueError("a query comes before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, query in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"two queries are named {name}")
        found[name] = query.strip()
    return found
