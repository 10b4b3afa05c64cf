"""Answer requests for claims, models, permissions and the record of who asked, at both doors of the API."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.api_callers import IdentityClaims
from claimwatch.aws.http_api import code_of
from claimwatch.cases.routes import CaseApi
from claimwatch.cases.schema_check import asks_for_schema, schema_versions
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> Mapping[str, Any]:
    """Answer a request, or the check of a new version before it gets traffic."""
    if asks_for_schema(event):
        return schema_versions(runtime.case_database(), settings.code_version)
    claims = IdentityClaims(settings.identity_name_claim, settings.identity_groups_claim)
    answer = CaseApi(runtime.case_database(), claims, runtime.case_services()).answer(event)
    # An alarm watches the answers 503 of this line while requests move to a new version.
    logger.info("request answered", extra={"status": answer["statusCode"], "code": code_of(answer)})
    return answer
