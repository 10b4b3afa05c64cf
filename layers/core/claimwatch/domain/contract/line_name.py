"""Names of lines: the one in the text of a contract, and valid ones that are proposed."""

import re
import unicodedata

from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.domain.contract.strict_yaml import YamlMapping, read_yaml


def line_in(text: str) -> str | None:
    """Return the line that a contract names in its custom properties, or None."""
    contract = read_yaml(text)
    entries = contract.get("customProperties") if isinstance(contract, YamlMapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, YamlMapping) and entry.get("property") == "line":
            value = entry.get("value")
            return value if isinstance(value, str) else None
    return None


def proposed_line(name: str) -> str:
    """Return a valid name of a line that is made from any name, such as that of a file."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    folded = re.sub("[^a-z0-9]+", "_", re.sub("[\u0300-\u036f]", "", letters)).strip("_")[:40].rstrip("_")
    return folded if LINE_NAME.fullmatch(folded) else f"line_{folded}".rstrip("_")[:40].rstrip("_")


def differs_in_spelling(name: str) -> bool:
    """Return whether a name differs from a valid one in case and separators only."""
    return LINE_NAME.fullmatch(re.sub(r"[\s.\-]+", "_", name.strip()).lower()) is not None
