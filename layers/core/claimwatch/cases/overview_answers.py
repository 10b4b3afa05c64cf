"""Answers of the overviews that are more than the document of the database."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from claimwatch.aws.http_api import RequestProblem, page_of
from claimwatch.aws.objects import ObjectMissing
from claimwatch.cases.route import Answered, as_accepted, as_json
from claimwatch.cases.verification import verify_newest
from claimwatch.domain.evaluation.finding import CHECKS, most_urgent, verdict_of_check
from claimwatch.domain.model.warnings import columns_to_answer_for
from claimwatch.storage import desk

PROMOTION_REQUESTED = "PromotionRequested"
"""The kind of event that PromoteModel is called with; it names a stored request and nothing else."""


def as_page(answered: Answered) -> dict[str, Any]:
    """Return the page at the address that the database answered: the card of a model, or a report."""
    bucket, _, key = str(answered.document["uri"]).removeprefix("s3://").partition("/")
    try:
        page = answered.services.artifacts().newest(bucket, key)
    except ObjectMissing:
        raise RequestProblem(HTTPStatus.NOT_FOUND, "not_found", "this page no longer exists") from None
    return page_of(page.decode("utf-8", "replace"))


def as_models(answered: Answered) -> dict[str, Any]:
    """Return the models, each with the columns that whoever promotes it has to answer for."""
    models = [
        {**model, "to_answer_for": list(columns_to_answer_for(model["warnings"]))}
        for model in answered.document["models"]
    ]
    return as_json(_with(answered, {**answered.document, "models": models}))


def as_requested(answered: Answered) -> dict[str, Any]:
    """Publish the event of a stored request to change what is live, and accept it.

    Without the event nothing is carried out: the request expires.
    """
    answered.services.promotions().publish_event(
        PROMOTION_REQUESTED, {"request_id": answered.document["request_id"]}
    )
    return as_accepted(answered)


def as_weeks(answered: Answered) -> dict[str, Any]:
    """Return the weeks with one verdict for each check and each feature."""
    document = answered.document
    windows = [{**window, "checks": _checks(window)} for window in document["windows"]]
    for window in windows:
        del window["missing"]
    features = [
        {name: value for name, value in cell.items() if name != "verdicts"}
        | {"verdict": most_urgent(cell["verdicts"])}
        for cell in document["features"]
    ]
    return as_json(_with(answered, {**document, "windows": windows, "features": features}))


def as_verification(answered: Answered) -> dict[str, Any]:
    """Verify what the database answered by the seals in S3, and store the result."""
    result = verify_newest(answered.document, answered.services.seals())
    stored = answered.database.ask(
        lambda cursor: desk.ask(cursor, "note_verification", result, answered.caller), records=False
    )
    return as_json(_with(answered, stored))


def _checks(window: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of a window in the order of the report, those without a result included."""
    found = {each["check"]: each for each in window["checks"]}
    missing: Mapping[str, str] = window["missing"]
    return [
        {
            "check": check,
            "verdict": verdict_of_check(found[check]["verdicts"], compared=found[check]["compared"])
            if check in found and check not in missing
            else None,
            "missing": missing.get(check),
        }
        for check in CHECKS
    ]


def _with(answered: Answered, document: Mapping[str, Any]) -> Answered:
    return replace(answered, document=document)
