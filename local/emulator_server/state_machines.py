"""Patches for Step Functions. Each removes one of these differences from AWS.

- A Map ignores MaxConcurrencyPath and runs all items at once.
"""

import inspect
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions


def read_map_concurrency_by_path() -> None:
    """Limit a Map to the number that its MaxConcurrencyPath selects from the input."""
    run_items: Callable[..., Any] = stepfunctions._run_map_items
    source = inspect.getsource(run_items)
    if "MaxConcurrencyPath" in source or 'state_def.get("MaxConcurrency", 0)' not in source:
        raise SystemExit("ministack's Map has changed: see local/emulator_server")

    def run_items_within_limit(
        state: dict[str, Any], state_input: Any, execution: Any, context: dict[str, Any]
    ) -> Any:
        if path := state.get("MaxConcurrencyPath"):
            limit = stepfunctions._resolve_path_or_ctx(path, state_input, context)
            state = state | {"MaxConcurrency": limit}
        return run_items(state, state_input, execution, context)

    stepfunctions._run_map_items = run_items_within_limit
