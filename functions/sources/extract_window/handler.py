"""Stream the rows or the file of a window into one object."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.pull_events import WindowRef
from claimwatch.aws.secrets import source_secret
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings
from claimwatch.sources.extract_window import Dependencies, extract_window
from claimwatch.sources.open_reader import open_reader


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Extract the window."""
    deps = Dependencies(
        runtime.database(),
        runtime.objects(),
        settings.landing_bucket,
        open_reader=lambda source: open_reader(source, source_secret(source.secret)),
        hash_key=runtime.personal_data_key,
    )
    time_left = lambda: context.get_remaining_time_in_millis() / 1000  # noqa: E731
    extracted = extract_window(deps, WindowRef.parse(event), time_left).to_event()
    logger.info("window extracted", extra=extracted)
    return extracted
