"""A call of a Lambda function. A separate module, because the code that reads calls runs without NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """Report of a call. ``failed`` and ``cold_start`` are None if the report does not contain them."""

    billed_seconds: float
    memory_mb: int
    failed: bool | None = None
    cold_start: bool | None = None
