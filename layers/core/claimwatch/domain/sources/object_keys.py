"""Keys of the objects that sources are pulled into."""

from claimwatch.domain.sources.source import Source
from claimwatch.domain.sources.source_name import is_source_name
from claimwatch.domain.sources.windows import object_path

PULL = "pull"
"""Folder of a line below which each source has a folder of its own."""


def key_of_rows(source: Source) -> str:
    """Return the key of a window's rows, with ``{number}`` for the number of the window."""
    return f"{source.dataset}/{source.line}/{PULL}/{source.name}/{{number}}.csv"


def key_of_file(source: Source, path: str) -> str:
    """Return the key of a file of the source."""
    return f"{source.dataset}/{source.line}/{PULL}/{source.name}/{object_path(path)}"


def source_of(key: str) -> str | None:
    """Return the source that an object was pulled from, or None if it came in another way."""
    _, _, rest = key.partition("/")
    _, _, below_line = rest.partition("/")
    folder, _, rest = below_line.partition("/")
    name, slash, _ = rest.partition("/")
    return name if folder == PULL and slash and is_source_name(name) else None
