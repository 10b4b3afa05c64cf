"""SQL lives in .sql files beside the modules that run it; each query there has a name."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *(\S+) *$", re.MULTILINE)


@cache
def queries(name: str) -> Mapping[str, str]:
    """The queries of ``storage/<name>.sql``, by the names that their ``-- name: x`` lines give them."""
    return MappingProxyType(
        named_queries(files("claimwatch.storage").joinpath(f"{name}.sql").read_text("utf-8"))
    )


def named_queries(text: str) -> dict[str, str]:
    """The queries of a text; ``ValueError`` when a name is there twice or a query has none."""
    before, *parts = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise ValueError("a query stands before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, query in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"two queries are named {name}")
        found[name] = query.strip()
    return found
