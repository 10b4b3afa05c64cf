"""Publishing the built web application: files that nobody can mistake for those of another release.

Names in ``assets/`` contain the hash of the content, so browsers keep them for a year. A page that is open
while a release replaces it still asks for its own assets: they stay for a grace period.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from claimwatch.aws.desk_bucket import DeskFile, DeskStore

PACKAGE = "desk_files"
"""The folder of DeskLayer that contains the built files; it is found on Python's path."""

ENTRY = "index.html"
CONFIGURATION = "config.json"

GRACE = timedelta(days=7)
"""How long replaced files stay."""

FOR_EVER = "public, max-age=31536000, immutable"
NEVER = "no-store"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Content types by suffix. A browser that is told not to guess runs nothing of another type."""


@dataclass(frozen=True)
class Published:
    """How many files a deployment wrote and removed."""

    written: int
    removed: int


def publish_desk(
    store: DeskStore, built: Mapping[str, bytes], configuration: bytes, now: datetime
) -> Published:
    """Write the built files by their names, with the configuration; remove files replaced long ago.

    Safe to repeat. The page comes last, so that it never names an asset that is not there yet. Raises
    ``ValueError`` for a file whose content type is not known.
    """
    published = [desk_file(name, content) for name, content in sorted(built.items()) if name != ENTRY]
    published += [desk_file(CONFIGURATION, configuration), desk_file(ENTRY, built[ENTRY])]
    recorded = _recorded(store.record())
    kept, expired = _split({file.name for file in published}, recorded, now)
    # Recorded first: whatever is written from here on is found by the next deployment.
    store.put_record(_record(kept | {name: recorded[name] for name in expired}))
    for file in published:
        store.put(file)
    store.remove(expired)
    store.put_record(_record(kept))
    return Published(len(published), len(expired))


def built_files() -> dict[str, bytes]:
    """Return the built files of this function's layer by their names, such as ``assets/page-1a2b.js``."""
    return dict(_below(files(PACKAGE), PurePosixPath()))


def desk_file(name: str, content: bytes) -> DeskFile:
    """Return a file with its headers; raises ``ValueError`` if its content type is not known."""
    kind = CONTENT_TYPES.get(PurePosixPath(name).suffix)
    if kind is None:
        raise ValueError(f"the content type of {name} is not known: add it to CONTENT_TYPES")
    return DeskFile(name, content, kind, FOR_EVER if name.startswith("assets/") else NEVER)


def _split(
    names: set[str], recorded: Mapping[str, str | None], now: datetime
) -> tuple[dict[str, str | None], list[str]]:
    """Return what stays, with the moment at which each file was replaced, and what has expired."""
    kept: dict[str, str | None] = dict.fromkeys(names)
    expired = []
    for name in sorted(recorded.keys() - names):
        replaced = recorded[name] or now.isoformat()
        if now - datetime.fromisoformat(replaced) > GRACE:
            expired.append(name)
        else:
            kept[name] = replaced
    return kept, expired


def _recorded(record: bytes | None) -> dict[str, str | None]:
    return {} if record is None else json.loads(record)["files"]


def _record(recorded: Mapping[str, str | None]) -> bytes:
    return json.dumps({"files": dict(sorted(recorded.items()))}).encode()


def _below(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):  # Vite's list of what it built
            continue
        if entry.is_dir():
            yield from _below(entry, path / entry.name)
        else:
            yield str(path / entry.name), entry.read_bytes()
