"""Typed inputs of the tasks that pull sources, and of the task that watches them."""

from dataclasses import dataclass
from typing import Self

from claimwatch.aws.event_fields import Fields


@dataclass(frozen=True)
class PullRequest:
    """Input of the task that plans: a source, and the execution of the state machine that pulls it.

    With ``from_start``, the execution begins with all rows; with ``narrow``, the last window was too large.
    """

    source: str
    execution: str
    from_start: bool = False
    narrow: bool = False

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "pull request")
        return cls(
            fields.text("source"),
            fields.text("execution"),
            from_start=fields.has("from_start") and fields.flag("from_start"),
            narrow=fields.has("narrow") and fields.flag("narrow"),
        )


@dataclass(frozen=True)
class WindowRef:
    """Input of the tasks that work on a window; ``generation`` is that of its last plan."""

    source: str
    number: int
    generation: int

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of a task; raises ``MalformedEvent``."""
        fields = Fields(event, "window")
        return cls(fields.text("source"), fields.integer("number"), fields.integer("generation"))


@dataclass(frozen=True)
class FailedPull:
    """Input of the task that records a failed pull: the error's class, and the explanation of it."""

    source: str
    execution: str
    error: str
    cause: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "failed pull")
        return cls(
            fields.text("source"), fields.text("execution"), fields.text("error"), fields.text("cause")
        )


@dataclass(frozen=True)
class WatchedSource:
    """Input of the task that watches whether a source is silent."""

    source: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        return cls(Fields(event, "watched source").text("source"))
