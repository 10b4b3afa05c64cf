"""A machine that nobody can be asked about."""

from collections.abc import Sequence
from datetime import datetime

from claimwatch.domain.evaluation.invocation import Invocation
from claimwatch.evaluation.checks.inputs import OperationsSources


class NobodyKnows:
    """No logs, no queues."""

    def between(self, since: datetime, until: datetime) -> list[Invocation] | None:  # noqa: ARG002
        """Of calls nothing is known."""
        return None

    def waiting(self, urls: Sequence[str]) -> dict[str, int | None]:
        """Nor of what waits."""
        return dict.fromkeys(urls)

    def oldest_seconds(
        self,
        urls: Sequence[str],
        since: datetime,  # noqa: ARG002
        until: datetime,  # noqa: ARG002
    ) -> dict[str, float | None]:
        """Nor for how long it has."""
        return dict.fromkeys(urls)


NOTHING_SEEN = OperationsSources(NobodyKnows(), NobodyKnows())
