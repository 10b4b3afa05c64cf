"""The functions of the database that the desk calls: each checks, answers, and records who asked.

As those of ``case_api``, a function writes one access event in the caller's transaction, also if it refuses.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.case_api import Answer, Caller, storable
from claimwatch.storage.queries import queries

type Function = Literal[
    "queue",
    "next_case",
    "case",
    "decide",
    "undo",
    "case_action",
    "assign",
    "unmask",
    "what_if",
    "links",
    "photos",
    "photo",
    "search",
    "statistics",
    "people",
    "team",
    "desk_models",
    "card",
    "request_promotion",
    "weeks",
    "week_report",
    "seals",
    "verification",
    "note_verification",
]
"""The functions, without the prefix ``api_``."""

FUNCTIONS: tuple[Function, ...] = get_args(Function.__value__)

_CALLS = {
    name: sql.SQL(queries("desk")["ask"]).format(function=sql.Identifier(f"api_{name}")) for name in FUNCTIONS
}


def ask(cursor: Cursor, name: Function, asked: Mapping[str, Any], caller: Caller) -> Answer:
    """Return what a function answers to ``asked``, the fields of a request, which can be written as JSON.

    A refusal has one of the codes that ``cases.database`` describes to people.
    """
    cursor.execute(
        _CALLS[name],
        {
            "asked": json.dumps(storable(asked), allow_nan=False),
            "actor": storable(caller.actor),
            "groups": storable(list(caller.groups)),
            "purpose": storable(caller.purpose),
            "request_id": storable(caller.request_id),
        },
    )
    row = cursor.fetchone()
    assert row is not None  # a function that returns a composite value has one row
    return Answer(*row)
