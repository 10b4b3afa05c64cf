"""Who calls the API: a machine at the door ``/v1``, or a person at the door ``/app``.

API Gateway has verified the signature of a machine, or the token of a person, before it calls a function.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.http_api import RawRequest, UnknownCaller
from claimwatch.errors import MalformedEvent

type Door = Literal["v1", "app"]

LONGEST_NAME = 200
"""Characters of the name of a person or a group."""

_PREFIX = "bearer "
_NO_PERSON = "the request has no verified person: sign in, and send the access token as a bearer token"


@dataclass(frozen=True)
class IdentityClaims:
    """The claims of an access token that name a person and list the person's groups."""

    name: str
    groups: str


@dataclass(frozen=True)
class VerifiedCaller:
    """A machine with its ARN, or a person with a name and groups, and the door of the request."""

    actor: str
    door: Door
    groups: tuple[str, ...] = ()


def verified_caller(event: object, claims: IdentityClaims) -> VerifiedCaller:
    """Return who calls; raises ``UnknownCaller`` if API Gateway has verified nobody, and ``MalformedEvent``.

    API Gateway joins the groups of a token to a text such as ``[investigator lead]``, in which a group named
    ``fraud lead`` could not be told from the groups ``fraud`` and ``lead``. So groups are read from the token
    itself, once it has turned out to be the token that API Gateway has verified.
    """
    request = RawRequest.parse(event)
    if " /v1/" in request.route:
        return VerifiedCaller(request.verified_caller(), "v1")
    try:
        verified = Fields(event, "HTTP request").object("requestContext").object("authorizer").object("jwt")
        of_token = verified.mapping("claims")
    except MalformedEvent:
        raise UnknownCaller(_NO_PERSON) from None
    payload = _payload(request.headers.get("authorization", ""))
    if not _same_token(payload, of_token):
        raise UnknownCaller(_NO_PERSON)
    return VerifiedCaller(_name(payload.get(claims.name)), "app", _groups(payload.get(claims.groups)))


def _payload(authorization: str) -> Mapping[str, Any]:
    """Return the claims of a bearer token, whose signature API Gateway has verified; empty if unreadable."""
    token = authorization[len(_PREFIX) :] if authorization.lower().startswith(_PREFIX) else authorization
    match token.strip().split("."):
        case [_, body, _]:
            pass
        case _:
            return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _same_token(payload: Mapping[str, Any], verified: Mapping[str, object]) -> bool:
    """Return whether a token has the claims that API Gateway has verified; it passes texts on as they are."""
    texts = {name: value for name, value in payload.items() if isinstance(value, str)}
    return (
        "iss" in texts
        and texts["iss"] == verified.get("iss")
        and all(verified[name] == value for name, value in texts.items() if name in verified)
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not value.isprintable():
        raise UnknownCaller("the access token does not name a person: see the parameter IdentityNameClaim")
    return value


def _groups(value: object) -> tuple[str, ...]:
    """Return the names of groups; a text is one group."""
    names = value if isinstance(value, list) else [value]
    return tuple(
        dict.fromkeys(name for name in names if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME)
    )
