"""Dependencies of functions that answer requests without a database, created on first use and kept.

``claimwatch.runtime`` has those of functions with a database, and ``claimwatch.online_runtime`` those of the
function that scores.
"""

import time
from datetime import UTC, datetime
from functools import cache

from claimwatch.access.lines_in_force import Contracts, LinesInForce
from claimwatch.access.machine_request import Dependencies
from claimwatch.aws.clients import request_client
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.parameters import Parameters
from claimwatch.aws.sqs import SqsSender
from claimwatch.settings import settings


@cache
def objects() -> S3Objects:
    """Return the objects in S3."""
    return S3Objects(request_client("s3"))


@cache
def requests(*, models: bool = True) -> Dependencies:
    """Return the dependencies of requests about a line; without ``models``, of those that score nothing."""
    # The time of the system passes while a process is frozen, and in a snapshot of it.
    parameters = Parameters(request_client("ssm"))
    lines = LinesInForce(parameters.read, settings.published_parameters, time.time, models=models)
    return Dependencies(
        in_force=lines.get,
        contract=Contracts(objects().newest).get,
        send=SqsSender(request_client("sqs"), settings.score_records_queue_url).send,
        code_version=settings.code_version,
        now=lambda: datetime.now(UTC),
    )
