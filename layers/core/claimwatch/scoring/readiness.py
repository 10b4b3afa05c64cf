"""Whether claims of every line can be scored now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from claimwatch.access.machine_request import PURPOSE_HEADER
from claimwatch.aws.http_api import RawRequest, RequestProblem
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.scoring.score_request import Dependencies as ScoringDependencies


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of a check; ``lines`` returns the names of all lines that have a contract."""

    scoring: ScoringDependencies
    lines: Callable[[], Iterable[str]]


def ready(deps: Dependencies, request: RawRequest) -> dict[str, Any]:
    """Return each line with its champion, after loading contract and champion as a request for scores does.

    A line without a champion is not ready, which is no fault. Raises ``RequestProblem`` without a purpose,
    and the error of a contract or a champion that cannot be used.
    """
    request.verified_caller()
    if request.headers.get(PURPOSE_HEADER) not in DEFAULT_PURPOSES:
        raise RequestProblem(
            HTTPStatus.BAD_REQUEST,
            "purpose",
            f"the header {PURPOSE_HEADER} must name a purpose: {', '.join(DEFAULT_PURPOSES)}",
        )
    lines = load_all(deps)
    return {
        "ready": True,
        "lines": [
            {"line": line, "ready": version is not None, "model_version": version}
            for line, version in sorted(lines.items())
        ],
    }


def load_all(deps: Dependencies) -> dict[str, str | None]:
    """Load contract and champion of every line, and return the version of each champion."""
    loaded: dict[str, str | None] = {}
    for line in deps.lines():
        in_force = deps.scoring.access.in_force(line)
        if in_force is None:  # it was deleted a moment ago
            continue
        contract = deps.scoring.access.contract(in_force.contract)
        champion = in_force.champion
        if champion is not None:
            deps.scoring.model(in_force, champion, contract)
        loaded[line] = champion.version if champion else None
    return loaded
