"""What the live model would say about a claim if some of its values were different."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from claimwatch.aws.api_events import ON_BEHALF_OF, WHAT_IF, signed_event
from claimwatch.aws.function_versions import Called
from claimwatch.aws.http_api import RequestProblem
from claimwatch.domain.access.masking import masked_reasons
from claimwatch.storage.case_api import Caller

_NO_SCORE = "the model does not answer: repeat the request"


@dataclass(frozen=True)
class Scorer:
    """The function that scores claims; ``call`` sends it an event and waits for its answer."""

    call: Callable[[object], Called]
    now: Callable[[], datetime]


def what_if(scorer: Scorer, found: Mapping[str, Any], person: Caller) -> dict[str, Any]:
    """Return what the live model says about a changed claim, and ``before`` about the claim as it is stored.

    ``found`` is what the database has admitted: the ``line``, both ``claims`` with the columns that a score
    needs, and the ``masked`` columns. The scorer records both scores for the person; neither is stored with
    the scores of the claim. Raises ``RequestProblem``, and ``TransientFault`` if Lambda does not respond.
    """
    event = signed_event(
        WHAT_IF,
        {"line": found["line"]},
        caller=None,
        request_id=person.request_id,
        at=scorer.now(),
        headers={"x-purpose": person.purpose or "", ON_BEHALF_OF: person.actor},
        body=json.dumps({"claims": found["claims"]}),
    )
    before, after = _results(scorer.call(event))
    return {
        "probability": after["probability"],
        "percentile": after["percentile"],
        "refer": after["refer"],
        "reasons": masked_reasons(after["reasons"], found["masked"]),
        "before": {"probability": before["probability"], "percentile": before["percentile"]},
    }


def _results(called: Called) -> Sequence[Mapping[str, Any]]:
    status, document = called.http_answer()
    if called.error is None and (status, document.get("code")) == (HTTPStatus.CONFLICT, "no_model"):
        raise RequestProblem(HTTPStatus.CONFLICT, "no_model", "no model of this line is live: promote one")
    results = document.get("results")
    if called.error is not None or status != HTTPStatus.OK or not isinstance(results, list):
        raise RequestProblem.unavailable(_NO_SCORE)
    before, after = results
    if before["status"] != "scored":
        raise _refused("the claim does not fit the contract of its line any more", before)
    if after["status"] != "scored":
        raise _refused("the contract of the line does not allow this", after)
    return before, after


def _refused(why: str, result: Mapping[str, Any]) -> RequestProblem:
    problems = [f"{each['column'] or 'claim'}: {each['message']}" for each in result["problems"]]
    return RequestProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", f"{why}: {'; '.join(problems)}")
