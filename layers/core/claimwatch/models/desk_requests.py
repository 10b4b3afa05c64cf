"""Requests of the desk to change what is live, by the person whom the database has stored.

A function of the database has verified that the person may promote models of the line, and stored the request
in the transaction of its access event. The event only names it, so whoever can publish events can at most
have a request carried out that a person has made.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from claimwatch.aws.event_fields import Fields
from claimwatch.errors import RefusedData
from claimwatch.models.callers import caller_of_person
from claimwatch.models.promote import Dependencies, Promoted, Request, promote, rollback
from claimwatch.models.request_texts import check_id
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.storage import models, promotion_requests
from claimwatch.storage.promotion_requests import End, PromotionRequest

LONGEST_WAIT = timedelta(hours=1)
"""Age from which a request is refused: nobody expects any more that a model goes live."""


@dataclass(frozen=True)
class PromotionRequested:
    """The event that a person has requested something."""

    request_id: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the detail of an event; raises ``MalformedEvent``."""
        return cls(Fields(event, "promotion event").text("request_id"))


@dataclass(frozen=True)
class Ended:
    """What became of a request; ``because`` is the sentence of a refusal."""

    request_id: str
    outcome: End
    because: str | None = None


def carry_out(deps: Dependencies, requested: PromotionRequested, now: datetime) -> Ended:
    """Promote or roll back as a person has requested, once, and store what became of it.

    Raises ``RefusedData`` if nobody has made the request, and ``TransientFault``.
    """
    check_id(requested.request_id)
    with deps.database.transaction() as cursor:
        request = promotion_requests.find(cursor, requested.request_id)
        begun = models.find_promotion(cursor, requested.request_id) is not None
    if request is None:
        raise RefusedData("nobody has made this request")
    if request.ended is not None:
        return Ended(request.request_id, request.ended)
    try:
        if not begun and now - request.at > LONGEST_WAIT:
            raise RefusedData("the request was not carried out within an hour: make it again")
        promoted = _carried_out(deps, request)
        ended = Ended(request.request_id, "carried_out" if promoted.changed else "unchanged")
    except (RefusedData, BundleMismatch) as refusal:
        ended = Ended(request.request_id, "refused", str(refusal))
    with deps.database.transaction() as cursor:
        promotion_requests.end(cursor, ended.request_id, ended.outcome, ended.because)
    return ended


def _carried_out(deps: Dependencies, asked: PromotionRequest) -> Promoted:
    request = Request(
        asked.request_id,
        asked.by,
        asked.why,
        caller_of_person(asked.by),
        asked.as_of,
        tuple(asked.trust),
    )
    if asked.action == "rollback":
        return rollback(deps, request, asked.line, instead_of=asked.version)
    return promote(deps, request, asked.line, asked.version, asked.role)
