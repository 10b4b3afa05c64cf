"""Check a source from inside the network, or list what its login may read, for the command line."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch.aws.secrets import source_secret
from claimwatch.domain.sources.source import Source
from claimwatch.errors import RefusedData
from claimwatch.ingest.local_draft import draft
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.sources.check_source import Dependencies, Request, check_source
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.reader import Reader, SourceUnreachable, WindowTooLarge


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Return what the source would bring, or why it cannot be pulled."""
    request = Request.parse(event)
    logger.info("source checked", extra={"source": request.source, "discover": request.discover})
    try:
        return check_source(Dependencies(opened, draft), request)
    except (RefusedData, SourceUnreachable, WindowTooLarge) as refusal:
        return {"refused": str(refusal)}


def opened(source: Source) -> Reader:
    """Open a connection to the source with the credentials in its secret."""
    return open_reader(source, source_secret(source.secret))
