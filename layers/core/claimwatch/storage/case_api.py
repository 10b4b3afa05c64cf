"""The functions of the database that the API calls: each checks, answers, and records who asked.

A function writes one access event in the caller's transaction, also if it refuses. So the caller has to
commit before it hands the document out, and commits refusals too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

type Outcome = Literal["answered", "refused", "not_found"]
type Via = Literal["v1", "app"]

PAGE = 100
"""Access events of a page."""

_SQL = queries("case_api")


@dataclass(frozen=True)
class Caller:
    """Who asks, and what for.

    ``actor`` is the verified ARN of a machine, or the name of a person who signed in; ``groups`` are those of
    the person. ``purpose`` is what the request says, or None.
    """

    actor: str
    purpose: str | None
    request_id: str
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """What a function of the database returned.

    A document of a refusal, or of something that was not found, has a ``code``: ``purpose`` (with the
    ``purposes`` that are allowed), ``forbidden``, ``malformed``, ``conflict`` (``conflicts_with`` names the
    other permission) or ``not_found``.
    """

    outcome: Outcome
    document: dict[str, Any]


def me(cursor: Cursor, actor: str, groups: Sequence[str]) -> Answer:
    """Return what a person may do; it needs no purpose and is no access event.

    The document has ``actor``, ``groups``, ``permissions`` (each with ``lines``), ``conflicts`` (each with
    ``permissions`` and ``why``), ``separation_of_duties``, ``lines`` for which the person has a permission
    (each with ``purposes``), and the ``purposes`` of requests that are about no line.
    """
    return _call(cursor, "me", actor=actor, groups=list(groups))


def claim_status(cursor: Cursor, line: str, claim_id: str, caller: Caller) -> Answer:
    """Return ``status`` (received, scored, decided), ``score`` and ``decision`` of a claim, for a machine."""
    return _call(cursor, "claim_status", line=line, claim_id=claim_id, **_asked(caller))


def models(cursor: Cursor, line: str, caller: Caller) -> Answer:
    """Return ``models`` of a line, newest first, each with its live ``roles``, for a machine."""
    return _call(cursor, "models", line=line, **_asked(caller))


def read_claim(cursor: Cursor, line: str, claim_id: str, caller: Caller, *, unmask: bool = False) -> Answer:
    """Return a claim for a person, with its score and decision.

    ``columns`` are in the contract's order, each with ``name``, ``value`` and ``masked``; ``masked`` lists
    the names of those without a value because they are personal or hashed. ``unmask`` shows them, to persons
    with that permission.
    """
    return _call(
        cursor,
        "read_claim",
        line=line,
        claim_id=claim_id,
        unmask=unmask,
        groups=list(caller.groups),
        **_asked(caller),
    )


def audit(cursor: Cursor, filters: Mapping[str, str], caller: Caller, *, limit: int = PAGE) -> Answer:
    """Return access ``events`` for a person, newest first, and the ``cursor`` of the next page or None.

    Filters are ``claim``, ``line``, ``model``, ``actor``, ``purpose``, ``action``, ``since`` (included) and
    ``until`` (excluded), both ISO 8601, and ``cursor``. Others have no effect.
    """
    texts = {name: storable(value) for name, value in filters.items()}
    return _call(
        cursor,
        "audit",
        filters=json.dumps(texts),
        limit=limit,
        groups=list(caller.groups),
        **_asked(caller),
    )


def permissions(cursor: Cursor, caller: Caller) -> Answer:
    """Return all ``permissions``, the pairs that are ``conflicts``, and ``separation_of_duties``."""
    return _call(cursor, "permissions", **_asked(caller))


def grant(cursor: Cursor, grantee: str, permission: str, line: str, why: str, caller: Caller) -> Answer:
    """Grant a permission for a line, or ``*``, to ``group:<name>`` or ``person:<name>``; return the grant.

    Its ``warning`` says that the line has no contract yet; otherwise it is null.
    """
    return _call(
        cursor, "grant", grantee=grantee, permission=permission, line=line, why=why, **_asked(caller)
    )


def revoke(cursor: Cursor, grantee: str, permission: str, line: str, why: str, caller: Caller) -> Answer:
    """Revoke a permission, and return what was granted."""
    return _call(
        cursor, "revoke", grantee=grantee, permission=permission, line=line, why=why, **_asked(caller)
    )


def refused(
    cursor: Cursor,
    action: str,
    caller: Caller,
    *,
    via: Via,
    reason: str,
    line: str | None = None,
    object: str | None = None,
) -> Answer:
    """Record a request that was refused before it reached another function; ``reason`` is its code."""
    return _call(
        cursor, "refused", action=action, line=line, object=object, via=via, reason=reason, **_asked(caller)
    )


def schema(cursor: Cursor) -> Answer:
    """Return the ``version`` of the schema, which is the number of the last migration; no access event."""
    return _call(cursor, "schema")


def _asked(caller: Caller) -> dict[str, str | None]:
    return {"actor": caller.actor, "purpose": caller.purpose, "request_id": caller.request_id}


def _call(cursor: Cursor, name: str, **values: object) -> Answer:
    cursor.execute(_SQL[name], {key: storable(value) for key, value in values.items()})
    row = cursor.fetchone()
    assert row is not None  # a function that returns a composite value has one row
    return Answer(*row)


def storable(value: Any) -> Any:
    """Return a value whose texts are without NUL and halves of characters, which PostgreSQL cannot store."""
    if isinstance(value, Mapping):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
