"""Publish the web application at deployment: its built files and its configuration, in the desk's bucket."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.custom_resource import Request, respond
from claimwatch.desk.configuration import configuration
from claimwatch.desk.publish import built_files, publish_desk
from claimwatch.observability import logger, without_messages


@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Answer CloudFormation."""
    respond(event, context, publish)


def publish(request: Request) -> Mapping[str, str]:
    """Publish the files of this release; when the stack is deleted, empty the bucket, which goes with it."""
    if request.kind == "Delete":
        runtime.desk_store().clear()
        return {}
    document = configuration(*(request.property(name) for name in ("Issuer", "ClientId", "SignIn", "Scope")))
    published = publish_desk(runtime.desk_store(), built_files(), document, datetime.now(UTC))
    logger.info("desk published", extra={"written": published.written, "removed": published.removed})
    return {"Written": str(published.written)}
