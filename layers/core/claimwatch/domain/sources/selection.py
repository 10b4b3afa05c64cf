"""Rules for what a source reads: tables, columns, queries, globs of files, and keys of servers."""

import base64
import binascii
import re

from claimwatch.domain.sources.source import Kind

LONGEST_QUERY = 100_000
LONGEST_GLOB = 500
"""Characters; a path becomes part of an object key, which has at most 1,024 bytes."""

_NAME = re.compile(r"[\w$#@](?:[\w$#@ /-]{0,126}[\w$#@])?")
_COLUMN = re.compile(r"[\w$#@%](?:[\w$#@%. /()-]{0,126}[\w$#@%)])?")
_QUERY = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)


def table_problem(table: str) -> str | None:
    """Return what is wrong with ``name`` or ``schema.name``, or None."""
    parts = table.split(".")
    if len(parts) > 2:
        return "has more than two parts; write 'name' or 'schema.name'"
    if not all(_NAME.fullmatch(part) for part in parts):
        return "is not a name; write 'name' or 'schema.name' as the server has it, without quotes"
    return None


def column_problem(column: str) -> str | None:
    """Return what is wrong with the name of a column, or None."""
    if _COLUMN.fullmatch(column):
        return None
    return f"'{column}' is not the name of a column; write it as the server has it, without quotes"


def query_problem(query: str, kind: Kind) -> str | None:
    """Return what is wrong with a query, or None.

    It is read as the table of an outer query, so it must be a single SELECT, and no comment may swallow what
    follows. That it changes nothing is ensured by the rights of its login, not by this.
    """
    if len(query) > LONGEST_QUERY:
        return f"has {len(query):,} characters; at most {LONGEST_QUERY:,} are possible"
    if not _QUERY.match(query):
        return "must begin with SELECT or WITH"
    if ";" in query:
        return "contains ';'; write one statement, without ';'"
    comments = ("--", "/*", "#") if kind is Kind.MYSQL else ("--", "/*")
    for sign in comments:
        if sign in query:
            return f"contains '{sign}', which begins a comment; remove it"
    return None


def glob_problem(glob: str) -> str | None:
    """Return what is wrong with a glob, or None.

    ``*``, ``?`` and ``[…]`` match within the name of a folder or file, and ``**`` matches any folders.
    """
    parts = glob.removeprefix("/").split("/")
    if len(glob) > LONGEST_GLOB:
        return f"has {len(glob):,} characters; at most {LONGEST_GLOB:,} are possible"
    if not glob.isprintable() or "\\" in glob:
        return "contains a control character or '\\'; separate folders by '/'"
    if "" in parts or "." in parts or ".." in parts:
        return "must name files as 'folder/*.csv', without empty parts, '.' and '..'"
    if any("**" in part for part in parts if part != "**"):
        return "contains '**' within a name; it stands alone between slashes, for folders of any depth"
    if glob.count("[") != glob.count("]"):
        return "contains '[' without ']'; close it"
    return None


def marker_problem(marker: str) -> str | None:
    """Return what is wrong with the suffix of marker files, or None."""
    if len(marker) > 32 or "/" in marker or not marker.isprintable() or set(marker) & set("*?[]\\"):
        return "must be a suffix such as '.done', which is added to the name of the complete file"
    return None


def host_key_problem(host_key: str) -> str | None:
    """Return what is wrong with a public key of a server, or None."""
    kind, _, rest = host_key.strip().partition(" ")
    encoded = rest.strip().partition(" ")[0]
    if kind not in _HOST_KEYS:
        return f"must begin with the type of the key: {', '.join(_HOST_KEYS)}"
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    name = kind.encode()
    if not key.startswith(len(name).to_bytes(4) + name) or len(key) < 32:
        return f"is not a key of type {kind}; copy it from the server's file /etc/ssh/ssh_host_*_key.pub"
    return None
