"""Check that a new version of the API of cases fits the schema and refuses strangers."""

import time

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import release_runtime
from claimwatch.aws.deployment_hooks import ANSWER_TIME, Status, answer_hook
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.releases.check_case_api import check_case_api
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> Status:
    """Answer CodeDeploy."""
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - ANSWER_TIME
    return answer_hook(
        event,
        context,
        release_runtime.code_deploy(),
        lambda hook: check_case_api(
            release_runtime.case_api(deadline), hook.deployment_id, settings.new_version
        ),
    )
