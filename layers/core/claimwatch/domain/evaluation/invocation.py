"""What is known of one call of a function. A module of its own: who reads it has no numpy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """What Lambda reports of a call. ``failed`` and ``cold_start`` are None where it does not say."""

    billed_seconds: float
    memory_mb: int
    failed: bool | None = None
    cold_start: bool | None = None
