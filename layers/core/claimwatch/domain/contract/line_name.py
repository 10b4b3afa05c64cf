"""Find the line that the text of a contract names."""

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
