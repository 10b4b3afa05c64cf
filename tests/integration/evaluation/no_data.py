"""Sources of check ``operations`` without any data."""

from collections.abc import Sequence
from datetime import datetime

from claimwatch.domain.evaluation.invocation import Invocation
from claimwatch.evaluation.checks.inputs import OperationsSources


class NoData:
    """Logs and queues that cannot be read."""

    def between(self, since: datetime, until: datetime) -> list[Invocation] | None:  # noqa: ARG002
        """Return unknown calls."""
        return None

    def waiting(self, urls: Sequence[str]) -> dict[str, int | None]:
        """Return unknown numbers of messages."""
        return dict.fromkeys(urls)

    def oldest_seconds(
        self,
        urls: Sequence[str],
        since: datetime,  # noqa: ARG002
        until: datetime,  # noqa: ARG002
    ) -> dict[str, float | None]:
        """Return unknown ages."""
        return dict.fromkeys(urls)


NO_DATA = OperationsSources(NoData(), NoData())
