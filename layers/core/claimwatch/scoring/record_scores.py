"""Storage of the records of requests to the API, each with its access events."""

from collections.abc import Callable
from dataclasses import dataclass

from claimwatch.access.request_record import RequestRecord
from claimwatch.storage import score_requests
from claimwatch.storage.connection import Database
from claimwatch.storage.score_requests import ScoreRequest


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``record_scores``; ``request_seal`` has the access events sealed that follow."""

    database: Database
    request_seal: Callable[[], None]


def record_scores(deps: Dependencies, record: RequestRecord) -> int:
    """Store a record, or a part of one, in one transaction; return the number of claims that were new.

    A record that comes again adds nothing.
    """
    given = vars(record)
    request = ScoreRequest(**{name: given[name] for name in ScoreRequest.__dataclass_fields__})
    deps.request_seal()
    with deps.database.transaction() as cursor:
        return score_requests.add(cursor, request)
