"""Storage of the records of requests to the API, each with its access events."""

from claimwatch.access.request_record import RequestRecord
from claimwatch.storage import score_requests
from claimwatch.storage.connection import Database
from claimwatch.storage.score_requests import ScoreRequest


def record_scores(database: Database, record: RequestRecord) -> int:
    """Store a record, or a part of one, in one transaction; return the number of claims that were new.

    A record that comes again adds nothing.
    """
    given = vars(record)
    request = ScoreRequest(**{name: given[name] for name in ScoreRequest.__dataclass_fields__})
    with database.transaction() as cursor:
        return score_requests.add(cursor, request)
