"""Dependencies of the functions that check a release before it gets traffic; they have no database.

The check of the API of cases has no layer with numpy, so what needs it is imported with the check of scores.
"""

import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from claimwatch.access.lines_in_force import Contracts
from claimwatch.aws.clients import client, hook_client
from claimwatch.aws.function_versions import LambdaVersions
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.published import PointerParameters
from claimwatch.releases import check_case_api
from claimwatch.settings import settings

if TYPE_CHECKING:
    from claimwatch.releases import check_scores


def code_deploy() -> Any:
    """Return the client of CodeDeploy."""
    return hook_client("codedeploy")


@cache
def versions() -> LambdaVersions:
    """Return the versions of functions."""
    return LambdaVersions(hook_client("lambda"))


@cache
def caller() -> str:
    """Return the ARN of the role that this process has assumed."""
    return str(hook_client("sts").get_caller_identity()["Arn"])


def scores() -> "check_scores.Dependencies":
    """Return the dependencies of the check of scores."""
    from claimwatch.releases import check_scores  # noqa: PLC0415 - see above
    from claimwatch.releases.golden_records import GoldenRecords, Subject  # noqa: PLC0415 - as above
    from claimwatch.scoring.bundle_store import read_bundle  # noqa: PLC0415 - as above

    live = PointerParameters(f"{settings.published_parameters}/live")
    contracts = PointerParameters(f"{settings.published_parameters}/contracts")
    objects = S3Objects(client("s3"))

    def subject(line: str) -> Subject | None:
        champion, contract = live.read(line), contracts.read(line)
        return None if champion is None or contract is None else Subject(contract, champion)

    return check_scores.Dependencies(
        versions=versions(),
        lines=lambda: [line for line in live.lines() if subject(line) is not None],
        subject=subject,
        contract=Contracts(objects.newest).get,
        bundle=lambda champion: read_bundle(objects, champion.uri, champion.sha256),
        records=GoldenRecords(objects, settings.artifact_bucket),
        actor=caller,
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )


def case_api(deadline: float) -> check_case_api.Dependencies:
    """Return the dependencies of the check of the API of cases; ``deadline`` is a time of ``monotonic``."""
    return check_case_api.Dependencies(
        versions=versions(),
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
        seconds_left=lambda: deadline - time.monotonic(),
    )
