"""Answers to CodeDeploy, which waits an hour for the answer of a hook before it fails a deployment.

An error of the check, and the end of the function's time, are answered as failures, so there is always an
answer.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.custom_resource import Context
from claimwatch.aws.event_fields import Fields
from claimwatch.errors import ClaimwatchError, place_of

ANSWER_TIME = 20.0
"""Seconds at the end of the function's time that are kept for the answer."""

logger = Logger(child=True)

type Status = Literal["Succeeded", "Failed"]


@dataclass(frozen=True)
class HookEvent:
    """What CodeDeploy asks for: a deployment, and the execution of its hook."""

    deployment_id: str
    execution_id: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse an event of CodeDeploy; raises ``MalformedEvent``."""
        fields = Fields(event, "lifecycle event hook")
        return cls(fields.text("DeploymentId"), fields.text("LifecycleEventHookExecutionId"))


@dataclass
class _Answer:
    """The one answer of a hook; ``client`` is that of CodeDeploy."""

    client: Any
    event: HookEvent
    _once: threading.Lock = field(default_factory=threading.Lock)

    def give(self, status: Status) -> None:
        """Send the answer, unless one was sent before."""
        if not self._once.acquire(blocking=False):
            return
        self.client.put_lifecycle_event_hook_execution_status(
            deploymentId=self.event.deployment_id,
            lifecycleEventHookExecutionId=self.event.execution_id,
            status=status,
        )

    def time_is_up(self) -> None:
        """Answer for a check that is still running."""
        logger.error("release refused", extra={"reason": "the function's time was up before the check ended"})
        try:
            self.give("Failed")
        except (BotoCoreError, ClientError) as error:  # nobody would see it: this runs in another thread
            logger.error("hook not answered", extra={"error": type(error).__name__})


def answer_hook(
    event: object, context: Context, client: Any, check: Callable[[HookEvent], list[str]]
) -> Status:
    """Run the check of a release, tell CodeDeploy the result, and return it.

    ``check`` returns a sentence for each reason against the release. An error that it raises ends here, as a
    failure. Raises ``MalformedEvent`` for an event that is not CodeDeploy's, and the error of CodeDeploy if
    it does not accept the answer.
    """
    hook = HookEvent.parse(event)
    answer = _Answer(client, hook)
    seconds = max(0.0, context.get_remaining_time_in_millis() / 1000 - ANSWER_TIME)
    watch = threading.Timer(seconds, answer.time_is_up)
    watch.daemon = True
    watch.start()
    try:
        reasons = check(hook)
    except ClaimwatchError as error:
        reasons = [str(error)]
    except Exception as error:  # noqa: BLE001 - CodeDeploy waits for an answer, whatever the error is
        code = f" {error.response['Error']['Code']}" if isinstance(error, ClientError) else ""
        reasons = [f"the check itself failed: {place_of(error)}{code}"]
    finally:
        watch.cancel()
    for reason in reasons:
        logger.error("release refused", extra={"reason": reason})
    status: Status = "Failed" if reasons else "Succeeded"
    answer.give(status)
    return status
