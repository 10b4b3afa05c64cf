"""Those whom the pipeline speaks to, where nobody listens."""

from claimwatch.aws.objects import ObjectRef


class NobodyToTell:
    """Alerts and executions of a benchmark: nobody hears, and its steps are called one by one."""

    def publish(self, subject: str, message: str) -> None:
        """Say nothing."""

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start nothing."""
