"""Check that a new version of the API of cases fits the schema of the database and refuses strangers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from claimwatch.aws.api_events import signed_event
from claimwatch.aws.function_versions import FunctionVersions, Report
from claimwatch.errors import TransientFault
from claimwatch.releases.version_bounds import run_problems, size_problems

PAUSE = 5.0
"""Seconds between two attempts while the database wakes up, which takes up to a minute."""

SCHEMA_EVENT = {"check": "schema"}
"""Asks the function which schema it expects; only who may call a version of the function can send it."""

_STRANGERS = ("GET /app/me", "GET /v1/permissions")
"""A route for people and one for machines."""

_FORBIDDEN = 403


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``check_case_api``; ``seconds_left`` returns how long it may still take."""

    versions: FunctionVersions
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    seconds_left: Callable[[], float]


def check_case_api(deps: Dependencies, name: str, new_version: str) -> list[str]:
    """Return the reasons against a version; ``name`` tells its requests from those of other deployments."""
    described = deps.versions.describe(new_version)
    reports: list[Report] = []
    refusals = [
        *size_problems(described),
        *_schema_problems(deps, new_version, reports),
        *_stranger_problems(deps, name, new_version, reports),
    ]
    return [*refusals, *run_problems(described, reports)]


def _schema_problems(deps: Dependencies, version: str, reports: list[Report]) -> Iterator[str]:
    """Yield what is wrong with the schema; the database may have to wake up first."""
    while True:
        problem = None
        try:
            called = deps.versions.call(version, SCHEMA_EVENT)
        except TransientFault as fault:
            problem = str(fault)
        else:
            reports += [called.report] if called.report is not None else []
            if called.error is not None:
                yield f"the new version cannot say which schema it finds: it raises {called.error}"
                return
            answer = called.answer if isinstance(called.answer, Mapping) else {}
            expects, finds = answer.get("expects"), answer.get("finds")
            if isinstance(expects, int) and isinstance(finds, int):
                if finds < expects:
                    yield f"the new version expects migration {expects}, and the database has only {finds}"
                return
            problem = str(answer.get("problem", "the answer is not understood"))
            if not answer.get("retry"):
                yield f"the new version cannot say which schema it finds: {problem}"
                return
        if deps.seconds_left() < 2 * PAUSE:
            yield f"the database did not answer in time: {problem}"
            return
        deps.sleep(PAUSE)


def _stranger_problems(deps: Dependencies, name: str, version: str, reports: list[Report]) -> Iterator[str]:
    """Yield the routes that do not refuse a caller whom API Gateway has not verified."""
    for number, route in enumerate(_STRANGERS):
        event = signed_event(route, {}, caller=None, request_id=f"{name}-stranger-{number}", at=deps.now())
        called = deps.versions.call(version, event)
        reports += [called.report] if called.report is not None else []
        if called.error is not None:
            yield f"{route} raises {called.error}"
            continue
        status, document = called.http_answer()
        code = document.get("code")
        if (status, code) != (_FORBIDDEN, "forbidden"):
            yield f"{route} answers {status} {code} to a caller whom nobody has verified, not 403 forbidden"
