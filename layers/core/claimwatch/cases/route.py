"""A route of the API: how its request becomes a question to the database, and the document an answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from claimwatch.aws.event_bus import EventBus
from claimwatch.aws.http_api import JSON, RawRequest, answer_of
from claimwatch.aws.objects import ModelStore
from claimwatch.aws.seal_store import SealStore
from claimwatch.cases.database import CaseDatabase, Question
from claimwatch.cases.what_if import Scorer
from claimwatch.storage import desk
from claimwatch.storage.case_api import Caller
from claimwatch.storage.desk import Function

type Asked = Mapping[str, Any]
"""The fields of the path, the query and the body of a request, which a function of the desk takes."""


@dataclass(frozen=True)
class Services:
    """What some answers need besides the database; what is a function is created when it is called first.

    ``artifacts`` has the cards of models and the reports of weeks, ``seals`` the seals of access events, and
    ``promotions`` takes the events that call PromoteModel.
    """

    scorer: Scorer
    artifacts: Callable[[], ModelStore]
    seals: Callable[[], SealStore]
    promotions: Callable[[], EventBus]


@dataclass(frozen=True)
class Answered:
    """What the database answered to a request; its access event is committed."""

    document: Mapping[str, Any]
    caller: Caller
    database: CaseDatabase
    services: Services


def as_json(answered: Answered) -> dict[str, Any]:
    """Return the document, with a digest of it as entity tag."""
    digest = hashlib.sha256(json.dumps(dict(answered.document)).encode()).hexdigest()[:32]
    return _json(answered.document, f'"{digest}"')


def as_case(answered: Answered) -> dict[str, Any]:
    """Return the document, with the version of its case as entity tag, if there is a case."""
    case = answered.document if "version" in answered.document else answered.document.get("case")
    return _json(answered.document, f'"v{case["version"]}"') if case else as_json(answered)


def as_accepted(answered: Answered) -> dict[str, Any]:
    """Return the document of a request that is carried out later."""
    return answer_of(HTTPStatus.ACCEPTED, JSON, answered.document, _NO_SNIFFING)


@dataclass(frozen=True)
class Route:
    """The action of a route's access events, or None if it has none; how requests are parsed and answered.

    ``parse`` raises ``MalformedEvent``. ``answer`` is called after the event was committed.
    """

    action: str | None
    parse: Callable[[RawRequest, Caller], Question]
    answer: Callable[[Answered], dict[str, Any]] = as_json


def desk_route(
    name: Function,
    action: str,
    parse: Callable[[RawRequest], Asked],
    answer: Callable[[Answered], dict[str, Any]] = as_json,
) -> Route:
    """Return a route that asks a function of the desk; ``parse`` returns the fields of a request."""

    def question(request: RawRequest, caller: Caller) -> Question:
        asked = parse(request)
        return lambda cursor: desk.ask(cursor, name, asked, caller)

    return Route(action, question, answer)


_NO_SNIFFING = {"x-content-type-options": "nosniff"}


def _json(document: Mapping[str, Any], tag: str) -> dict[str, Any]:
    return answer_of(HTTPStatus.OK, JSON, document, {"etag": tag, **_NO_SNIFFING})
