"""Publish the training code at deployment, under the hash of its bytes, for instances to fetch."""

from collections.abc import Mapping

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.custom_resource import Request, respond
from claimwatch.models.training_code import publish_training_code
from claimwatch.observability import logger, without_messages
from claimwatch.settings import settings


@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Answer CloudFormation."""
    respond(event, context, publish)


def publish(request: Request) -> Mapping[str, str]:
    """Publish this version of the code; older versions stay, so that a training can be reproduced."""
    if request.kind == "Delete":
        return {}
    sha256, key = publish_training_code(runtime.objects(), settings.artifact_bucket)
    logger.info("training code published", extra={"key": key})
    return {"Sha256": sha256, "Key": key}
