"""Sign-in of a temporary person: at the user pool for the second factor, then on its sign-in page.

Only the page gives tokens that the routes of people accept. It is driven by the forms that it shows, so it
does not matter how many pages it has, nor which fields they carry along.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from smoke.srp import Proof
from smoke.steps import Clock, SmokeFailed
from smoke.totp import Authenticator
from smoke.web import UNANSWERED, Answer, Web

GROUP = "auditor"
"""The group of the temporary person, which may read the audit."""

MOST_PAGES = 10
"""Pages and redirects between the first one and the return to the application."""

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_REDIRECTS = {301, 302, 303, 307, 308}


def new_password() -> str:
    """Return a password with every kind of character that the pool requires."""
    return f"{secrets.token_urlsafe(18)}-aA1"


@dataclass(frozen=True)
class Pool:
    """The user pool of a stack, the client of its application, and how people sign in."""

    pool: str
    client: str
    page: str
    callback: str
    totp: bool


@dataclass
class TemporaryPerson:
    """A person of the pool who exists for one run.

    Whoever runs the smoke test may create people, but neither set the password of a person nor delete one,
    with which it could become somebody else. So the person chooses the password, and deletes itself.
    """

    cognito: Any = field(repr=False)
    pool: Pool
    name: str
    web: Web = field(repr=False)
    clock: Clock
    wall_clock: Callable[[], float]
    password: str = field(default_factory=new_password, repr=False)
    authenticator: Authenticator | None = None
    _own_token: str = field(default="", repr=False)
    _created: bool = False

    def create(self) -> None:
        """Create the person with a temporary password, and have the person choose another."""
        temporary = new_password()
        self.cognito.admin_create_user(
            UserPoolId=self.pool.pool,
            Username=self.name,
            TemporaryPassword=temporary,
            MessageAction="SUPPRESS",
        )
        self._created = True
        self.cognito.admin_add_user_to_group(UserPoolId=self.pool.pool, Username=self.name, GroupName=GROUP)
        self._enrol(self._prove(temporary))

    def delete(self) -> None:
        """Delete the person, if it was created; that needs its own token."""
        if not self._created:
            return
        if not self._own_token:
            raise SmokeFailed(
                "The person never signed in", self.pool.pool, "the users of the pool: delete it"
            )
        self.cognito.delete_user(AccessToken=self._own_token)

    def _prove(self, password: str) -> dict[str, Any]:
        proof = Proof(self.pool.pool, password)
        asked = self.cognito.initiate_auth(
            ClientId=self.pool.client,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": self.name, "SRP_A": proof.public},
        )
        now = datetime.fromtimestamp(self.wall_clock(), UTC)
        return self._respond(asked, proof.answer(asked["ChallengeParameters"], now))

    def _enrol(self, answer: dict[str, Any]) -> None:
        """Answer what the pool asks until it gives tokens: a new password, and an authenticator app."""
        for _ in range(4):
            match answer.get("ChallengeName"):
                case "NEW_PASSWORD_REQUIRED":
                    chosen = {"USERNAME": self.name, "NEW_PASSWORD": self.password}
                    answer = self._respond(answer, chosen)
                case "MFA_SETUP":
                    session = self._set_up_authenticator(Session=answer["Session"])
                    answer = self._respond(answer | {"Session": session}, {"USERNAME": self.name})
                case None:
                    self._own_token = answer["AuthenticationResult"]["AccessToken"]
                    if self.pool.totp and self.authenticator is None:
                        self._set_up_authenticator(AccessToken=self._own_token)
                    return
                case other:
                    raise self._refused(f"The user pool asks for {other}")
        raise self._refused("The user pool asks for the same again and again")

    def _set_up_authenticator(self, **whose: str) -> str:
        """Register an authenticator app, and return the session to go on with."""
        secret = self.cognito.associate_software_token(**whose)
        self.authenticator = Authenticator(secret["SecretCode"], self.wall_clock, self.clock.sleep)
        if "Session" in whose:
            whose = {"Session": secret["Session"]}
        verified = self.cognito.verify_software_token(**whose, UserCode=self.authenticator.code())
        return str(verified.get("Session", ""))

    def _respond(self, asked: dict[str, Any], responses: dict[str, str]) -> dict[str, Any]:
        session = {"Session": asked["Session"]} if asked.get("Session") else {}
        answer: dict[str, Any] = self.cognito.respond_to_auth_challenge(
            ClientId=self.pool.client,
            ChallengeName=asked["ChallengeName"],
            ChallengeResponses=responses,
            **session,
        )
        return answer

    def sign_in(self) -> str:
        """Sign in on the page, by authorization code and PKCE, and return an access token."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(12)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": self.pool.client,
            "redirect_uri": self.pool.callback,
            "response_type": "code",
            "scope": "openid",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        returned = self._follow(f"{self.pool.page}/oauth2/authorize?{urlencode(asked)}")
        if returned.get("state") != [state] or "code" not in returned:
            raise self._refused(f"The sign-in page returns {returned.get('error', ['no code'])[0]}")
        exchange = {
            "grant_type": "authorization_code",
            "client_id": self.pool.client,
            "redirect_uri": self.pool.callback,
            "code": returned["code"][0],
            "code_verifier": verifier,
        }
        answer = self._send("POST", f"{self.pool.page}/oauth2/token", exchange, {})
        if answer.status != HTTPStatus.OK:
            raise self._refused(f"The code of the sign-in page is not exchanged: {answer.problem}")
        token: str = json.loads(answer.body)["access_token"]
        return token

    def _follow(self, url: str) -> dict[str, list[str]]:
        """Follow redirects and fill in forms until the page returns to the application; return its answer."""
        cookies: dict[str, str] = {}
        method, fields = "GET", dict[str, str]()
        filled: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self._send(method, url, fields, cookies)
            location = answer.headers.get("location", "")
            if answer.status in _REDIRECTS and location:
                url = urljoin(url, location)
                if url.startswith(self.pool.callback):
                    return parse_qs(urlsplit(url).query)
                method, fields = "GET", {}
                continue
            form = Form.of(answer.body.decode("utf-8", "replace"))
            if answer.status != HTTPStatus.OK or form is None:
                raise self._refused(f"The sign-in page answers {answer.status} without a form")
            if form.kind in filled:
                raise self._refused(f"The sign-in page does not accept the {form.kind}")
            filled.add(form.kind)
            method, url, fields = "POST", urljoin(url, form.action), self._filled(form)
        raise self._refused("The sign-in page does not return to the application")

    def _filled(self, form: "Form") -> dict[str, str]:
        if form.kind == "password":
            return form.filled(self.name, self.password)
        if self.authenticator is None:
            raise self._refused(f"The sign-in page asks for a {form.kind}, which SignInMfa=off excludes")
        return form.filled(self.authenticator.code())

    def _send(self, method: str, url: str, fields: dict[str, str], cookies: dict[str, str]) -> Answer:
        headers = (
            {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        )
        body = urlencode(fields).encode() if method == "POST" else b""
        try:
            answer = self.web.send(
                self.web.request(method, url, headers | (_FORM if method == "POST" else {}), body)
            )
        except UNANSWERED as error:
            raise self._refused(f"The sign-in page does not answer: {type(error).__name__}") from None
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            cookies[name] = morsel.value
        return answer

    def _refused(self, what: str) -> SmokeFailed:
        return SmokeFailed(
            what, self.pool.page, "the user pool of output UserPoolId, its client and its domain"
        )


class Form(HTMLParser):
    """The first form of a page that asks for a password, or else for a code."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self._forms: list[Form] = []
        self._open: Form | None = None

    @classmethod
    def of(cls, page: str) -> "Form | None":
        """Return the form of a page; None if it asks for nothing."""
        parser = cls()
        parser.feed(page)
        asking = sorted(
            (form for form in parser._forms if form.asked), key=lambda form: form.kind != "password"
        )
        return asking[0] if asking else None

    @property
    def kind(self) -> str:
        """What the form asks for."""
        return "password" if any(kind == "password" for kind, _ in self.asked) else "code"

    def filled(self, *values: str) -> dict[str, str]:
        """Return the fields to send, with values for those that the form asks for, in their order."""
        names = dict.fromkeys(name for _, name in self.asked)
        return self.fields | dict(zip(names, values, strict=False))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form()
            self._open.action = given.get("action", "")
            self._forms.append(self._open)
        elif tag == "input" and self._open is not None and given.get("name"):
            kind = given.get("type", "text").lower()
            if kind in ("text", "password", "tel", "number", "email"):
                self._open.asked.append((kind, given["name"]))
            elif kind not in ("checkbox", "radio", "button", "image", "reset", "file"):
                self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
