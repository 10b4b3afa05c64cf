"""Opens the reader of a source. Each kind's driver is imported only when a source of this kind is read."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from claimwatch.domain.sources.source import Source
from claimwatch.sources.reader import FileReader, TableReader


def open_reader(source: Source, secret: Mapping[str, Any]) -> TableReader | FileReader:
    """Connect to a source and return its reader, which the caller closes.

    Raises ``SourceUnreachable`` or ``RefusedSource``.
    """
    module = import_module(f"claimwatch.sources.{source.kind}")
    return cast("TableReader | FileReader", getattr(module, f"open_{source.kind}")(source, secret))
