"""Expand and contract: migrations since the last release only add, so that its code runs on the new schema.

During a canary two versions of the code share one schema, and a rollback brings the earlier code back. What a
release still uses may only be removed by a migration after it, which names that release:
``-- contracts: 0.1.0 stopped using claimwatch.file.error``.
"""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from release.errors import ReleaseRefused
from release.recorded_migrations import hashes_of, migrations_of, recorded_releases

RULES: Mapping[str, str] = {
    "ban-drop-column": "drops a column",
    "ban-drop-table": "drops a table",
    "ban-drop-view": "drops a view",
    "ban-drop-function": "drops a function, or a signature of it",
    "ban-drop-type": "drops a type",
    "ban-drop-schema": "drops a schema",
    "ban-drop-database": "drops a database",
    "ban-drop-domain": "drops a domain",
    "ban-drop-sequence": "drops a sequence",
    "ban-drop-not-null": "lets a column be null that earlier code reads as never null",
    "ban-truncate-cascade": "empties tables",
    "renaming-column": "renames a column",
    "renaming-table": "renames a table",
    "renaming-object": "renames something",
    "changing-column-type": "changes the type of a column",
    "adding-not-nullable-field": "requires a value that earlier code may not write",
    "adding-required-field": "adds a column that earlier code does not fill",
    "constraint-missing-not-valid": "adds a constraint that earlier code may break",
    "adding-foreign-key-constraint": "adds a constraint that earlier code may break",
    "disallowed-unique-constraint": "adds a constraint that earlier code may break",
}
"""Rules of squawk about what earlier code uses, and what a statement that breaks one does.

Its other rules are about locks and style.
"""

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<end>;)|(?P<other>.)",
    re.DOTALL,
)
_CONTRACTS = re.compile(r"^--\s*contracts:\s*v?(?P<release>\d+\.\d+\.\d+)[ \t]+\S.*$", re.MULTILINE)
_CREATED = re.compile(
    r"\bCREATE\s+(?:UNLOGGED\s+)?(?:TABLE|VIEW|FUNCTION|TYPE|SEQUENCE|ROLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"([\w.]+)",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"\b(?:TABLE|VIEW|FUNCTION|TYPE|SEQUENCE|POLICY\s+\w+\s+ON|TRIGGER\s+\w+\s+ON)\s+"
    r"(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?([\w.]+)",
    re.IGNORECASE,
)
_REVOKE = re.compile(
    r"^REVOKE\s+.+?\s+ON\s+(?:(?:SCHEMA|FUNCTION|TABLE|TYPE|SEQUENCE)\s+)?(?P<on>.+?)\s+FROM\s+(?P<whom>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_OWN = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), what)
    for pattern, what in (
        (
            r"^DROP\s+(?:TRIGGER|POLICY|INDEX|ROLE|RULE|OWNED|MATERIALIZED|AGGREGATE|CAST)\b",
            "drops something",
        ),
        (r"^(?:TRUNCATE|DELETE\s+FROM)\b", "deletes rows"),
        (r"^ALTER\s+(?:FUNCTION|VIEW|ROLE)\b.*\bRENAME\b|^ALTER\b.*\bSET\s+SCHEMA\b", "renames something"),
        (r"\bDROP\s+(?:CONSTRAINT|DEFAULT|IDENTITY|EXPRESSION)\b", "drops what earlier code may rely on"),
        (r"^CREATE\s+UNIQUE\s+INDEX\b", "adds a constraint that earlier code may break"),
        (r"^CREATE\s+(?:CONSTRAINT\s+)?TRIGGER\b", "adds a trigger to what earlier code writes"),
    )
)
"""What squawk does not know, and what a statement that matches does."""

_DROPPED_CHECK = re.compile(
    r"^ALTER\s+TABLE\s+(?P<table>[\w.]+)\s+DROP\s+CONSTRAINT\s+(?P<name>\w+_check)$", re.IGNORECASE
)
_LISTED = r"CHECK\s*\(\s*{column}\s+IN\s*\((?P<values>[^()]*)\)\s*\)"

_IN_BODY = re.compile(
    r"\b(?:DROP\s+(?:TABLE|VIEW|COLUMN|FUNCTION|TYPE|SCHEMA|POLICY|TRIGGER|CONSTRAINT)|RENAME\s+(?:TO|COLUMN)|TRUNCATE"
    r"|ALTER\s+COLUMN\s+\S+\s+(?:TYPE|SET\s+NOT\s+NULL)|DELETE\s+FROM)\b",
    re.IGNORECASE,
)
"""In the body of a DO statement, which squawk does not read."""


@dataclass(frozen=True)
class Statement:
    """A statement of a migration without comments, and the line on which it begins and ends, from 1."""

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Destructive:
    """A statement that earlier code may not survive."""

    migration: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.migration}:{self.line} {self.what}"


def check_migrations() -> None:
    """Refuse migrations since the last release that take something away which its code uses."""
    print(checked(Path.cwd()))


def checked(project: Path) -> str:
    """Return a sentence about the migrations of a project; raises ``ReleaseRefused``."""
    releases = recorded_releases(project)
    if not releases:
        return "No release is on record yet: every migration counts as a part of the first one."
    *_, last = releases
    now = migrations_of(project)
    hashes = hashes_of(now)
    changed = [name for name, sha256 in releases[last].items() if hashes.get(name) != sha256]
    problems = [f"{name} is a part of {last} and was changed: write a new migration" for name in changed]
    added = {name: text for name, text in now.items() if name not in releases[last]}
    for found in destructive(added, {name: text for name, text in now.items() if name in releases[last]}):
        reason = _contracts(releases, added[found.migration])
        if reason:
            problems.append(f"{found}: {reason}")
    if problems:
        raise ReleaseRefused(
            "\n".join(
                [f"the code of {last} would not run on the new schema:", *(f"  {each}" for each in problems)]
            )
        )
    return f"{len(added)} migrations since {last}: its code runs on the new schema."


def destructive(
    migrations: Mapping[str, str], released: Mapping[str, str] | None = None
) -> list[Destructive]:
    """Return the destructive statements of migrations that belong to no release yet.

    What these migrations have created themselves, nobody uses yet. ``released`` are those before them: a list
    of allowed values that one of them checks may be replaced by a longer one.
    """
    parsed = {name: list(statements(text)) for name, text in migrations.items()}
    new = {
        found[1].lower() for each in parsed.values() for one in each for found in _CREATED.finditer(one.text)
    }
    before = [one.text for text in (released or {}).values() for one in statements(text)]
    found: list[Destructive] = []
    for name, listed in parsed.items():
        findings = {(line, RULES[rule]) for line, rule in _squawk(migrations[name]) if rule in RULES}
        granted: set[str] = set()
        for statement in listed:
            if statement.text.upper().startswith("GRANT "):
                granted.add(_normal(statement.text.replace("GRANT", "REVOKE", 1).replace(" TO ", " FROM ")))
            if (named := _OBJECT.search(statement.text)) and named[1].lower() in new:
                continue
            if _only_allows_more(statement, listed, before):
                continue
            reasons = {what for line, what in findings if statement.first <= line <= statement.last}
            reasons |= set(_own_reasons(statement, new, granted))
            found += [Destructive(name, statement.first, what) for what in sorted(reasons)]
    return found


def _only_allows_more(dropped: Statement, listed: Iterable[Statement], before: Iterable[str]) -> bool:
    """Return whether a migration drops a check of listed values, and adds it with these values and more."""
    named = _DROPPED_CHECK.match(_normal(dropped.text))
    if named is None:
        return False
    table = named["table"]
    column = named["name"].removeprefix(f"{table.rpartition('.')[2]}_").removesuffix("_check")
    values = re.compile(_LISTED.format(column=re.escape(column)), re.IGNORECASE)
    added = re.compile(
        rf"^ALTER TABLE {re.escape(table)} ADD CONSTRAINT {named['name']} {values.pattern} NOT VALID$",
        re.IGNORECASE,
    )
    now = [match["values"] for one in listed if (match := added.match(_normal(one.text)))]
    then = [
        match["values"]
        for text in before
        if (about := _OBJECT.search(text)) and about[1].lower() == table.lower()
        for match in values.finditer(text)
    ]
    return bool(now and then) and set(_literals(then[-1])) <= set(_literals(now[-1]))


def _literals(listed: str) -> list[str]:
    """Return the texts in a list of SQL, as written."""
    return re.findall(r"'(?:[^']|'')*'", listed)


def _own_reasons(statement: Statement, new: set[str], granted: set[str]) -> Iterator[str]:
    for pattern, what in _OWN:
        if pattern.search(statement.text):
            on = re.search(r"\bON\s+([\w.]+)", statement.text, re.IGNORECASE)
            if on is None or on[1].lower() not in new:
                yield what
    if (revoked := _REVOKE.match(statement.text)) and _normal(statement.text) not in granted:
        objects = {re.sub(r"\(.*", "", each).strip().lower() for each in _parts(revoked["on"])}
        if not objects <= new:
            yield f"revokes a privilege from {_normal(revoked['whom'])}"
    if statement.text.upper().startswith("DO ") and _IN_BODY.search(statement.text):
        yield "may take something away in its body"


def _parts(listed: str) -> list[str]:
    """Return the names in a list such as ``a(int, text), b``."""
    return re.split(r",\s*(?![^()]*\))", listed)


def _normal(text: str) -> str:
    return " ".join(text.split())


def statements(sql: str) -> Iterator[Statement]:
    """Yield the statements of a script."""
    text, first, line = "", 0, 1
    for token in _TOKEN.finditer(sql):
        if token["comment"]:
            text += " "
        elif token["end"]:
            if text.strip():
                yield Statement(text.strip(), first, line)
            text, first = "", 0
        else:
            if not first and token[0].strip():
                first = line
            text += token[0]
        line += token[0].count("\n")
    if text.strip():
        yield Statement(text.strip(), first, line)


def _squawk(sql: str) -> Iterable[tuple[int, str]]:
    """Yield the line, from 1, and the rule of each finding of squawk."""
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("squawk")), "--reporter", "json", "--assume-in-transaction",
         "--no-error-on-unmatched-pattern", "--stdin-filepath", "migration.sql"],
        input=sql, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        read = json.loads(ran.stdout)
    except ValueError:
        raise ReleaseRefused(
            f"squawk could not read a migration: {ran.stderr.strip() or ran.stdout}"
        ) from None
    for finding in read:
        if finding["rule_name"] == "syntax-error":
            raise ReleaseRefused(f"squawk could not read a migration: {finding['message']}")
        yield int(finding["line"]) + 1, str(finding["rule_name"])


def _contracts(releases: Collection[str], sql: str) -> str:
    """Return why a migration may not take something away; empty if it names a release that allows it."""
    named = _CONTRACTS.search(sql)
    if named is None:
        return "add only, and remove it after a release that does not use it; see docs/pipeline.md"
    if named["release"] not in releases:
        return f"it names {named['release']} as the release that stopped using it, which is not on record"
    return ""
