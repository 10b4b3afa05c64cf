"""Check that a new version scores golden claims as the version with traffic does, before it gets traffic."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import release_runtime
from claimwatch.aws.deployment_hooks import HookEvent, Status, answer_hook
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.releases.check_scores import Release, check_scores
from claimwatch.releases.wanted_differences import wanted_differences
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> Status:
    """Answer CodeDeploy."""
    return answer_hook(event, context, release_runtime.code_deploy(), reasons_against)


def reasons_against(hook: HookEvent) -> list[str]:
    """Return the reasons against the release of a deployment."""
    release = Release(
        name=hook.deployment_id,
        new_version=settings.new_version,
        live_alias=settings.live_alias,
        wanted=wanted_differences(settings.wanted_differences),
        tree_sha256=settings.tree_sha256,
    )
    findings = check_scores(release_runtime.scores(), release)
    for note in findings.notes:
        logger.info("release checked", extra={"note": note})
    return findings.refusals
