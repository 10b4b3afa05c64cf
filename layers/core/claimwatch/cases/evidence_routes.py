"""Routes about the claim of a case: personal values, what-if, links, photos; and the search for claims."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from claimwatch.aws.http_api import JPEG, RawRequest, encoded_answer_of
from claimwatch.cases import request_fields as of
from claimwatch.cases.route import Answered, Asked, as_json, desk_route
from claimwatch.cases.what_if import what_if
from claimwatch.domain.photos.evidence import ClaimTimes, PhotoFacts, evidence_of
from claimwatch.errors import MalformedEvent

MOST_CHANGES = 50
"""Columns that one what-if may change."""

LONGEST_VALUE = 2000
"""Characters of a value in a what-if."""

MOST_HOPS = 2

_SOUGHT = ("q", "column", "value", "line")

_IMAGE_ID = re.compile(r"[1-9][0-9]{0,17}")


def _unmask(request: RawRequest) -> Asked:
    reason = of.required(of.content(request), "reason", of.LONGEST_TEXT)
    return {"case_id": of.case_id(request), "reason": reason}


def _what_if(request: RawRequest) -> Asked:
    changes = of.content(request).mapping("changes")
    if not 0 < len(changes) <= MOST_CHANGES:
        raise MalformedEvent(f"HTTP request: field 'changes' must have 1 to {MOST_CHANGES} columns")
    for value in changes.values():
        if not isinstance(value, str | int | float | None) or len(str(value)) > LONGEST_VALUE:
            raise MalformedEvent("HTTP request: a value in 'changes' must be a short text, a number or null")
    return {"case_id": of.case_id(request), "changes": dict(changes)}


def _links(request: RawRequest) -> Asked:
    return {"case_id": of.case_id(request), "hops": of.number(request, "hops", 1, MOST_HOPS, otherwise=1)}


def _photo(request: RawRequest) -> Asked:
    image_id = request.path.get("image_id", "")
    if not _IMAGE_ID.fullmatch(image_id):
        raise MalformedEvent("path: 'image_id' must be the number of a photo")
    return {"case_id": of.case_id(request), "image_id": int(image_id)}


def _search(request: RawRequest) -> Asked:
    body = of.content(request)
    asked = of.given({name: of.short(body, name, of.LONGEST_FILTER) for name in _SOUGHT})
    if asked.keys() - {"line"} not in ({"q"}, {"column", "value"}):
        raise MalformedEvent("HTTP request: send either field 'q', or fields 'column' and 'value'")
    return asked


def _as_what_if(answered: Answered) -> dict[str, Any]:
    found = what_if(answered.services.scorer, answered.document, answered.caller)
    return as_json(replace(answered, document=found))


def _as_photos(answered: Answered) -> dict[str, Any]:
    document = answered.document
    claim = ClaimTimes(_moment(document["happened"]), _moment(document["received_at"]))
    photos = [
        {name: value for name, value in photo.items() if name != "matches"}
        | {"evidence": evidence_of(_facts(photo), claim)}
        for photo in document["photos"]
    ]
    return as_json(replace(answered, document={"photos": photos, "more": document["more"]}))


def _facts(photo: Mapping[str, Any]) -> PhotoFacts:
    local = photo["taken_at_local"]
    return PhotoFacts(
        format=photo["format"],
        width=photo["width"],
        height=photo["height"],
        taken_at=_moment(photo["taken_at"]),
        taken_at_local=None if local is None else datetime.fromisoformat(local),
        has_place=photo["latitude"] is not None,
        matches=photo["matches"],
    )


def _moment(text: str | None) -> datetime | None:
    """Return a time of the database, or a day as its beginning; None for what is neither, such as a hash."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _as_picture(answered: Answered) -> dict[str, Any]:
    return encoded_answer_of(HTTPStatus.OK, JPEG, answered.document["content"])


EVIDENCE_ROUTES = {
    "POST /app/cases/{case_id}/unmask": desk_route("unmask", "claim.unmask", _unmask),
    "POST /app/cases/{case_id}/what-if": desk_route("what_if", "claim.what_if", _what_if, _as_what_if),
    "GET /app/cases/{case_id}/links": desk_route("links", "claim.links", _links),
    "GET /app/cases/{case_id}/photos": desk_route("photos", "photo.list", of.only_case, _as_photos),
    "GET /app/cases/{case_id}/photos/{image_id}": desk_route("photo", "photo.view", _photo, _as_picture),
    "POST /app/search": desk_route("search", "claim.search", _search),
}
