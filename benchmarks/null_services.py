"""Replacements for services that a benchmark does not use."""

from claimwatch.aws.objects import ObjectRef


class NullServices:
    """Alerts and executions that do nothing: a benchmark calls the steps of the pipeline itself."""

    def publish(self, subject: str, message: str) -> None:
        """Send no alert."""

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start no execution."""
