"""Only an access token that the issuer signed for this application, and that is valid now, is accepted."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.people import GROUP_OF, create_user
from tests.deployed import Deployed
from tests.integration.iam.both_doors import Doors
from tests.sign_in import SignInRefused, sign_in

AUDIENCE = "api://claimwatch"


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """An OpenID Connect issuer with a key of its own, on a loopback port."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key().public_numbers()
        jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "own"}
        keys = {"keys": [jwk | {"n": number(public.n), "e": number(public.e)}]}
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                jwks = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                body = json.dumps(keys if self.path == "/keys" else jwks).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        valid = {"iss": self.url, "aud": AUDIENCE, "sub": "7", "exp": now + 600, "iat": now}
        return valid | {"username": "olga", "cognito:groups": ["fraud lead"], "scope": "openid"} | changes

    def token(self, claims: dict[str, Any], *, key: rsa.RSAPrivateKey | None = None, **header: str) -> str:
        signed = f"{encoded({'alg': 'RS256', 'kid': 'own'} | header)}.{encoded(claims)}"
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def doors(deployed: Deployed) -> Doors:
    return Doors(deployed)


@pytest.fixture(scope="module")
def token(doors: Doors) -> str:
    return doors.person("tom", "investigator")


@pytest.fixture
def own_issuer(deployed: Deployed) -> Iterator[Issuer]:
    """Make another issuer that of the application, as its parameters do, and restore the user pool."""
    gateway, issuer = deployed.client("apigatewayv2"), Issuer()
    [api] = [each["ApiId"] for each in gateway.get_apis()["Items"] if each["Name"] == "claimwatch-api"]
    authorizer = gateway.get_authorizers(ApiId=api)["Items"][0]
    ids = {"ApiId": api, "AuthorizerId": authorizer["AuthorizerId"]}
    own = {"Issuer": issuer.url, "Audience": [AUDIENCE]}
    gateway.update_authorizer(**ids, JwtConfiguration=own)
    try:
        yield issuer
    finally:
        gateway.update_authorizer(**ids, JwtConfiguration=authorizer["JwtConfiguration"])
        issuer.stop()


def test_a_token_of_the_sign_in_page_is_accepted(doors: Doors, token: str) -> None:
    assert doors.with_token(token, "/app/me", {}).document["actor"] == "tom"


def test_a_token_with_other_claims_or_another_signature_is_refused(doors: Doors, token: str) -> None:
    header, claims, signature = token.split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = encoded(content | {"username": "axel", "cognito:groups": ["auditor"]})
    none = encoded({"alg": "none"})

    for tampered in (
        f"{header}.{forged}.{signature}",
        f"{header}.{claims}.{signature[:-4]}AAAA",
        f"{header}.{claims}.",
        f"{none}.{forged}.",
        f"{header}.{claims}",
        "",
    ):
        assert doors.with_token(tampered, "/app/me", {}).status == 401, tampered
    assert doors.send("GET", "/app/me").status == 401


def test_an_id_token_is_not_an_access_token(doors: Doors, deployed: Deployed) -> None:
    pool, client = (deployed.outputs[key] for key in ("UserPoolId", "UserPoolClientId"))
    user = create_user(deployed.client("cognito-idp"), pool, "ina", "auditor")

    tokens = sign_in(deployed.stack.endpoint_url, client, user.name, user.password)

    assert doors.with_token(tokens["access_token"], "/app/me", {}).status == 200
    assert doors.with_token(tokens["id_token"], "/app/me", {}).status == 403


def test_a_token_for_another_client_of_the_pool_is_refused(doors: Doors, deployed: Deployed) -> None:
    cognito, pool = deployed.client("cognito-idp"), deployed.outputs["UserPoolId"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="another",
        CallbackURLs=["http://localhost:8400/"],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        AllowedOAuthFlowsUserPoolClient=True,
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    user = create_user(cognito, pool, "carl", "auditor")

    tokens = sign_in(deployed.stack.endpoint_url, client, user.name, user.password)

    assert doors.with_token(tokens["access_token"], "/app/me", {}).status == 401


def test_a_wrong_password_and_an_unknown_name_sign_nobody_in(deployed: Deployed) -> None:
    user = create_user(deployed.client("cognito-idp"), deployed.outputs["UserPoolId"], "uwe")
    for name, password in (("uwe", user.password[:-1]), ("unknown", user.password), ("uwe", "")):
        with pytest.raises(SignInRefused):
            sign_in(deployed.stack.endpoint_url, deployed.outputs["UserPoolClientId"], name, password)


def test_another_issuer_names_the_person_and_the_groups_even_with_blanks_in_a_name(
    doors: Doors, own_issuer: Issuer
) -> None:
    me = doors.with_token(own_issuer.token(own_issuer.claims()), "/app/me", {})

    assert (me.status, me.document["actor"], me.document["groups"]) == (200, "olga", ["fraud lead"])
    assert me.document["permissions"] == []  # it is not the group lead


def test_a_token_of_another_issuer_is_valid_only_now_and_for_this_application(
    doors: Doors, own_issuer: Issuer, token: str
) -> None:
    now = int(time.time())
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def status(changes: dict[str, Any], **of_token: Any) -> int:
        made = own_issuer.token(own_issuer.claims(**changes), **of_token)
        return doors.with_token(made, "/app/me", {}).status

    assert status({}) == 200
    assert status({"exp": now - 1}) == 401
    assert status({"nbf": now + 600}) == 401
    assert status({"aud": "api://another"}) == 401
    assert status({"iss": "https://elsewhere.example.com"}) == 401
    assert status({}, key=stranger) == 401
    assert status({}, kid="another") == 401
    assert status({"username": None}) == 403
    # The pool's tokens are not accepted besides.
    assert doors.with_token(token, "/app/me", {}).status == 401


def test_the_laptop_has_a_user_for_each_group_and_only_its_owner_reads_the_passwords(
    doors: Doors, deployed: Deployed
) -> None:
    file = deployed.stack.folder / "stack.json"
    users = json.loads(file.read_text("utf-8"))["users"]

    assert file.stat().st_mode & 0o077 == 0
    assert {user["name"]: user["group"] for user in users} == GROUP_OF
    assert len({user["password"] for user in users}) == len(users)
    for user in users:
        tokens = sign_in(
            deployed.stack.endpoint_url, deployed.outputs["UserPoolClientId"], user["name"], user["password"]
        )
        me = doors.with_token(tokens["access_token"], "/app/me", {}).document
        assert (me["actor"], me["groups"]) == (user["name"], [user["group"]])
