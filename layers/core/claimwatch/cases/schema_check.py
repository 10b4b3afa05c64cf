"""Which schema a version of the API expects, and which it finds with its own login.

Whoever may call a version of the function asks, before that version gets traffic. No request to the API can:
API Gateway wraps each in an event of its own.
"""

from collections.abc import Mapping
from typing import Any

from claimwatch.aws.http_api import RequestProblem
from claimwatch.cases.database import CaseDatabase
from claimwatch.storage import case_api
from claimwatch.storage.migrate import migrations

_EVENT = {"check": "schema"}


def asks_for_schema(event: object) -> bool:
    """Return whether an event asks for the schema; no event of API Gateway does."""
    return event == _EVENT


def schema_versions(database: CaseDatabase, code_version: str) -> Mapping[str, Any]:
    """Return the migration that this code ``expects``, the last one that it ``finds``, and ``code_version``.

    If the database does not answer: the ``problem``, and whether to ``retry``.
    """
    try:
        found = database.ask(case_api.schema, records=False)
    except RequestProblem as problem:
        return {"problem": problem.detail, "retry": problem.retry_after is not None}
    return {"expects": migrations()[-1].number, "finds": found["version"], "code_version": code_version}
