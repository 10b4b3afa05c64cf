"""Secrets in the tree: what detect-secrets finds must be in a list that says why it is none."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release.analysis.tools import run_tool
from release.errors import ReleaseRefused
from release.recorded_migrations import RECORD

NOT_SECRETS = Path("requirements", "not_secrets.toml")

_HASHES = ("requirements.txt", "package-lock.json")
"""Names of files that consist of hashes, as requirements/*.txt, the record of migrations and the list do."""


@dataclass(frozen=True, order=True)
class Finding:
    """A text that looks like a secret: the file, the line, the kind, and the SHA-1 by which it is known."""

    file: str
    line: int
    kind: str
    sha1: str


_NAMES = r"^arn:aws:secretsmanager:|^(true|false)$"
"""What stands beside words such as `Secret`, but is its name or a setting."""

_LINES = (
    r"^[\s-]*(Action: )?secretsmanager:[A-Za-z*]+( #.*)?$",
    r"^[\s-]*(!Sub )?arn:\$\{AWS::Partition\}:secretsmanager:[\w${}:*-]+$",
)
"""Whole lines of a template that consist of an action or of the name of a secret."""

_GENERAL = ("Secret Keyword", "Base64 High Entropy String", "Hex High Entropy String")
"""Detectors of passwords by the name beside them, and of random texts. Tests are full of both, made up; there
only the detectors of keys, tokens and addresses of known forms count."""


def scanned(project: Path, files: Iterable[Path]) -> list[Path]:
    """Return the files to scan, of paths relative to the project: all that do not consist of hashes."""
    return [
        path
        for path in files
        if not (project / path).is_symlink()
        and path.name not in _HASHES
        and path not in (Path(RECORD), NOT_SECRETS)
        and not (path.parent == Path("requirements") and path.suffix == ".txt")
    ]


def scan(project: Path, files: Sequence[Path]) -> list[Finding]:
    """Return what detect-secrets finds in files, relative to the project; nothing is sent to a service."""
    lines = [option for line in _LINES for option in ("--exclude-lines", line)]
    done = run_tool(
        "detect-secrets",
        ["scan", "--no-verify", "--exclude-secrets", _NAMES, *lines, *map(str, files)],
        timeout=600,
        folder=project,
    )
    if done.returncode:
        raise ReleaseRefused(f"detect-secrets failed: {done.stderr.strip()[-500:]}")
    return sorted(
        finding
        for finding in (
            Finding(file, found["line_number"], found["type"], found["hashed_secret"])
            for file, all_found in json.loads(done.stdout)["results"].items()
            for found in all_found
        )
        if not (finding.file.startswith("tests/") and finding.kind in _GENERAL)
    )


def known(project: Path) -> Mapping[tuple[str, str], str]:
    """Return the reasons for texts that are no secrets, by file and SHA-1."""
    reasons: dict[tuple[str, str], str] = {}
    for entry in tomllib.loads((project / NOT_SECRETS).read_text("utf-8"))["not_secret"]:
        if len(entry.get("reason", "")) < 15:
            raise ReleaseRefused(f"{NOT_SECRETS}: an entry for {entry['file']} has no reason")
        reasons |= {(entry["file"], sha1): entry["reason"] for sha1 in entry["sha1"]}
    return reasons


def findings(found: Iterable[Finding], reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """Return a sentence for each text without a reason and each reason without a text; no text is quoted."""
    all_found = list(found)
    unused = reasons.keys() - {(each.file, each.sha1) for each in all_found}
    return [
        *(
            f"{each.file}:{each.line}: looks like a secret ({each.kind}, SHA-1 {each.sha1})"
            for each in all_found
            if (each.file, each.sha1) not in reasons
        ),
        *(f"{NOT_SECRETS}: an entry for {file} has no use" for file, _ in sorted(unused)),
    ]
