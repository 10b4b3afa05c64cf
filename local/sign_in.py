"""Signs in on the page of the user pool without a browser, by authorization code and PKCE."""

import base64
import hashlib
import json
import secrets
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class SignInRefused(Exception):
    """The page did not accept name and password, or the code was not exchanged for tokens."""


def sign_in(
    address: str, client_id: str, name: str, password: str, *, redirect_uri: str = "http://localhost:8400/"
) -> dict[str, Any]:
    """Return the tokens of a person; ``address`` is that of the page: `SignInUrl`, or the emulator."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": secrets.token_urlsafe(8)}
    form = asked | {"username": name, "password": password}
    _, headers, _ = request(address, "POST", "/login", urlencode(form), FORM)
    answered = parse_qs(urlsplit(headers.get("location", "")).query)
    if answered.get("state") != [asked["state"]]:
        raise SignInRefused(name)
    code = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": redirect_uri}
    code |= {"code": answered["code"][0], "code_verifier": verifier}
    status, _, body = request(address, "POST", "/oauth2/token", urlencode(code), FORM)
    if status != 200:
        raise SignInRefused(name)
    tokens: dict[str, Any] = json.loads(body)
    return tokens


def request(
    address: str, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send a request and return status, headers in lower case, and body; redirects are not followed."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()
