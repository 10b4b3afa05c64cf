"""Stands in until this function's use case is written: every call fails."""

from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    """Fail."""
    raise NotImplementedError("this function is not written yet")
