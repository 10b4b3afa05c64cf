"""A machine is its verified ARN; a person is what the verified token says, group by group."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.aws.api_callers import IdentityClaims, VerifiedCaller, verified_caller
from claimwatch.aws.http_api import UnknownCaller

ARN = "arn:aws:sts::123456789012:assumed-role/claims-system/i-1"
COGNITO = IdentityClaims("username", "cognito:groups")
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a"

type Claims = dict[str, Any]


def token(claims: Claims) -> str:
    """A token as API Gateway passes it on; that it verifies the signature is tested on the deployed stack."""
    parts = ({"alg": "RS256"}, claims, "signature")
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )


def flattened(value: Any) -> str:
    """A claim as API Gateway hands it to a function."""
    if isinstance(value, list):
        return "[" + " ".join(map(flattened, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def signed_in(claims: Claims, *, verified: Claims | None = None, **headers: str) -> Claims:
    """A request at the door of people."""
    claims = {"iss": ISSUER, "exp": 1_800_000_000} | claims
    of_gateway = {name: flattened(value) for name, value in (verified or claims).items()}
    return {
        "routeKey": "GET /app/me",
        "headers": {"authorization": f"Bearer {token(claims)}"} | headers,
        "requestContext": {"requestId": "r", "authorizer": {"jwt": {"claims": of_gateway, "scopes": []}}},
    }


def signed(arn: object, route: str = "GET /v1/permissions") -> Claims:
    """A request at the door of machines."""
    return {
        "routeKey": route,
        "headers": {},
        "requestContext": {"requestId": "r", "authorizer": {"iam": {"userArn": arn}}},
    }


def test_a_machine_is_its_verified_arn() -> None:
    assert verified_caller(signed(ARN), COGNITO) == VerifiedCaller(ARN, "v1")


def test_a_person_has_the_name_and_the_groups_of_the_token() -> None:
    event = signed_in({"username": "ida", "cognito:groups": ["investigator", "lead"]})

    assert verified_caller(event, COGNITO) == VerifiedCaller("ida", "app", ("investigator", "lead"))


def test_a_person_without_groups_has_none() -> None:
    assert verified_caller(signed_in({"username": "ida"}), COGNITO).groups == ()


@given(st.lists(st.text(min_size=1, max_size=30).filter(lambda name: name.isprintable()), unique=True))
def test_no_group_is_taken_for_another_whatever_its_name(groups: list[str]) -> None:
    event = signed_in({"username": "ida", "cognito:groups": groups})

    assert verified_caller(event, COGNITO).groups == tuple(groups)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        (["lead"], ("lead",)),
        (["team lead"], ("team lead",)),
        (["lead", "leader", "misleading"], ("lead", "leader", "misleading")),
        (["[lead]"], ("[lead]",)),
        (["investigator lead"], ("investigator lead",)),
        (["", "lead", "lead", 7, None, ["auditor"]], ("lead",)),
        ("lead", ("lead",)),
        ("[investigator lead]", ("[investigator lead]",)),
        ({"auditor": True}, ()),
        (None, ()),
    ],
)
def test_a_group_with_a_name_like_parts_of_others_is_itself_only(groups: object, found: object) -> None:
    event = signed_in({"username": "ida", "cognito:groups": groups})

    assert verified_caller(event, COGNITO).groups == found


def test_claims_of_another_issuer_have_the_names_of_the_parameters() -> None:
    event = signed_in(
        {"email": "ida@example.com", "roles": ["lead"], "username": "x", "cognito:groups": ["y"]}
    )

    caller = verified_caller(event, IdentityClaims("email", "roles"))

    assert caller == VerifiedCaller("ida@example.com", "app", ("lead",))


VERIFIED = {"iss": ISSUER, "username": "ida", "cognito:groups": ["investigator"]}


@pytest.mark.parametrize(
    "claims",
    [
        {"username": "axel"},
        {"username": "ida", "iss": "https://elsewhere.example.com"},
        {"username": "ida", "iss": 7},
    ],
)
def test_a_token_other_than_the_verified_one_is_nobodys(claims: Claims) -> None:
    with pytest.raises(UnknownCaller):
        verified_caller(signed_in(claims, verified=VERIFIED), COGNITO)


@pytest.mark.parametrize("text", ["", "Bearer ", "Bearer a.b.c", "Bearer x", "Basic aTpi", "Bearer a.W10.c"])
def test_a_token_that_cannot_be_read_is_nobodys(text: str) -> None:
    with pytest.raises(UnknownCaller):
        verified_caller(signed_in({"username": "ida"}, authorization=text), COGNITO)


@pytest.mark.parametrize("name", ["", "a" * 201, "ida\n", "\x1b[2J", 7, None, ["ida"]])
def test_a_name_that_nobody_could_read_in_the_audit_is_refused(name: object) -> None:
    with pytest.raises(UnknownCaller, match="IdentityNameClaim"):
        verified_caller(signed_in({"username": name}), COGNITO)


@pytest.mark.parametrize("arn", [None, "", "ida", 7])
def test_a_machine_without_a_verified_arn_is_nobody(arn: object) -> None:
    with pytest.raises(UnknownCaller):
        verified_caller(signed(arn), COGNITO)


def test_neither_door_takes_the_identities_of_the_other() -> None:
    with pytest.raises(UnknownCaller):
        verified_caller(signed(ARN, "GET /app/me"), COGNITO)
    with pytest.raises(UnknownCaller):
        verified_caller(signed_in({"username": "ida"}) | {"routeKey": "GET /v1/permissions"}, COGNITO)
