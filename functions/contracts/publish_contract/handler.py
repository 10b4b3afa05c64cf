"""At deployment: the sample line's contract is put in place, unless there is one already."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.custom_resource import Request, respond
from claimwatch.ingest.publish_contract import publish_contract
from claimwatch.observability import logger
from claimwatch.settings import settings


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer CloudFormation."""
    respond(event, context, publish)


def publish(request: Request) -> Mapping[str, str]:
    """Put the contract in place; it stays when the stack goes, as the bucket does."""
    line = request.properties["Line"]
    if request.kind == "Delete":
        return {}
    published = publish_contract(runtime.objects(), settings().artifact_bucket, line)
    logger.info("sample contract looked for", extra={"line": line, "published": published})
    return {"Published": str(published).lower()}
