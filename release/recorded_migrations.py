"""The migrations of each release, by their hashes.

An archive that a pipeline hands over has no history, so git cannot say what was released.

Whoever releases a version records it: `python -m release record`.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from release.errors import ReleaseRefused

FOLDER = "layers/core/claimwatch/storage/migrations"
"""Where migrations are, in the tree of every release."""

RECORD = "release/migrations.json"
"""Each release, with the SHA-256 of each of its migrations by the name of its file."""

type Hashes = Mapping[str, str]


def recorded_releases(project: Path) -> dict[str, Hashes]:
    """Return the migrations of all releases, the newest release last."""
    path = project / RECORD
    if not path.exists():
        return {}
    releases: dict[str, Hashes] = json.loads(path.read_text("utf-8"))
    return dict(sorted(releases.items(), key=lambda each: tuple(map(int, each[0].split(".")))))


def migrations_of(project: Path) -> dict[str, str]:
    """Return the text of each migration in a tree, by the name of its file."""
    return {path.name: path.read_text("utf-8") for path in sorted((project / FOLDER).glob("*.sql"))}


def hashes_of(migrations: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each migration."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in migrations.items()}


def record_release() -> None:
    """Record the migrations of this tree as those of the version in pyproject.toml."""
    print(recorded(Path.cwd()))


def recorded(project: Path) -> str:
    """Record the migrations of a tree, and say so.

    Raises ``ReleaseRefused`` if others are on record, or if the numbers of the migrations have gaps.
    """
    version = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    releases, hashes = recorded_releases(project), hashes_of(migrations_of(project))
    numbers = [int(name[:4]) for name in hashes]
    if missing := sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers)):
        raise ReleaseRefused(f"migration {missing[0]:04} is missing: number the migrations without gaps")
    if releases.get(version, hashes) != hashes:
        raise ReleaseRefused(f"{version} is on record with other migrations: set the next version first")
    (project / RECORD).write_text(json.dumps(releases | {version: hashes}, indent=2) + "\n", "utf-8")
    return f"{version} is on record with {len(hashes)} migrations: commit {RECORD}, then tag v{version}."
