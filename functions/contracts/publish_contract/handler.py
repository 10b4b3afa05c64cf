"""Write the sample line's contract to the bucket at deployment, unless the line has one, and announce it."""

from collections.abc import Mapping

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.custom_resource import Request, respond
from claimwatch.ingest.publish_contract import publish_contract
from claimwatch.observability import logger, without_messages
from claimwatch.settings import settings


@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Answer CloudFormation."""
    respond(event, context, publish)


def publish(request: Request) -> Mapping[str, str]:
    """Write the contract; it outlives the stack, as the bucket does."""
    if request.kind == "Delete":
        return {}
    line = request.property("Line")
    published = publish_contract(runtime.objects(), runtime.contracts_queue(), settings.artifact_bucket, line)
    logger.info("sample contract checked", extra={"line": line, "published": published})
    return {"Published": str(published).lower()}
