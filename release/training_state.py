"""What each line of a stack was trained with last, as the pipeline notes it in Parameter Store."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from release.errors import ReleaseRefused


@dataclass(frozen=True)
class Request:
    """A training to request: one execution of the pipeline of models."""

    line: str
    training_id: str
    why: str
    sha256: str


@dataclass(frozen=True)
class LineState:
    """What a line was trained with last; ``requested`` is a request that may not have been sent."""

    code: str
    contract: str | None
    requested: Request | None = None


type State = Mapping[str, LineState]
"""The state of all lines that a release has seen."""


def state_to_json(state: State) -> str:
    """Return the state as the parameter of the stack holds it."""
    return json.dumps({line: asdict(inputs) for line, inputs in state.items()}, sort_keys=True)


def state_from_json(text: str) -> State:
    """Parse the parameter of the stack; raises ``ReleaseRefused``."""
    try:
        return {line: _line_state(values) for line, values in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ReleaseRefused(
            "the state of the last release cannot be read: correct the parameter, or delete it to make this"
            " release the baseline"
        ) from None


def _line_state(values: Mapping[str, Any]) -> LineState:
    requested = values["requested"]
    return LineState(values["code"], values["contract"], Request(**requested) if requested else None)
