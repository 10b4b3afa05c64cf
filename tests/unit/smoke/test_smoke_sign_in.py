"""A temporary person signs in with a password proof and a one-time password, and deletes itself."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
from botocore.awsrequest import AWSRequest

from smoke import srp
from smoke.sign_in import Form, Pool, TemporaryPerson
from smoke.srp import Proof
from smoke.steps import SmokeFailed
from smoke.totp import Authenticator
from smoke.web import Answer, Web
from tests.unit.smoke.fakes import Server, Time

SECRET = base64.b32encode(b"12345678901234567890").decode()
PAGE = "https://claimwatch-1.auth.eu-central-1.amazoncognito.com"
CALLBACK = "http://localhost:8400/"


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037"), (20000000000, "353130")]
)
def test_one_time_passwords_are_those_of_rfc_6238(at: int, code: str) -> None:
    assert Authenticator(SECRET, lambda: at, lambda _: None).code() == code


def test_no_one_time_password_is_given_twice() -> None:
    time = Time()
    authenticator = Authenticator(SECRET, time.now, time.sleep)
    assert len({authenticator.code() for _ in range(3)}) == 3
    assert sum(time.slept) <= 60


def test_a_password_is_proved_as_the_server_expects_it() -> None:
    pool, person, password = "eu-central-1_Ab12", "smoke-1", "correct-aA1"
    salt, secret_block = secrets.randbits(128), base64.b64encode(secrets.token_bytes(64)).decode()
    inner = hashlib.sha256(f"Ab12{person}:{password}".encode()).digest()
    verifier = pow(2, srp._hash(srp._padded(salt), inner), srp._N)
    private = secrets.randbelow(srp._N)
    public = (srp._K * verifier + pow(2, private, srp._N)) % srp._N
    challenge = {"USER_ID_FOR_SRP": person, "SALT": f"{salt:x}", "SRP_B": f"{public:x}"}
    proof = Proof(pool, password)
    answered = proof.answer(
        challenge | {"SECRET_BLOCK": secret_block}, datetime(2026, 3, 2, 9, 5, 7, tzinfo=UTC)
    )

    theirs = int(proof.public, 16)
    scrambler = srp._hash(srp._padded(theirs), srp._padded(public))
    shared = pow(theirs * pow(verifier, scrambler, srp._N), private, srp._N)
    extracted = hmac.digest(srp._padded(scrambler), srp._padded(shared), "sha256")
    key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
    message = f"Ab12{person}".encode() + base64.b64decode(secret_block) + b"Mon Mar 2 09:05:07 UTC 2026"
    expected = base64.b64encode(hmac.digest(key, message, "sha256")).decode()
    assert answered["PASSWORD_CLAIM_SIGNATURE"] == expected
    assert answered["TIMESTAMP"] == "Mon Mar 2 09:05:07 UTC 2026"
    assert password not in repr(proof)


@dataclass
class Cognito:
    """A user pool that requires a second factor, and its sign-in page with cookies and hidden fields."""

    time: Time
    totp: bool = True
    accepts: bool = True
    people: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    challenge: str = ""

    # -- The API of the pool

    def admin_create_user(self, **given: Any) -> None:
        self.people[given["Username"]] = ""

    def admin_add_user_to_group(self, **given: Any) -> None:
        self.groups.append(given["GroupName"])

    def initiate_auth(self, **given: Any) -> Any:
        assert given["AuthFlow"] == "USER_SRP_AUTH"
        [self.name] = self.people
        block = base64.b64encode(b"block").decode()
        asked = {"SALT": "ab12", "SRP_B": "1234", "SECRET_BLOCK": block, "USER_ID_FOR_SRP": self.name}
        return {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": asked}

    def respond_to_auth_challenge(self, **given: Any) -> Any:
        match given["ChallengeName"], given.get("Session"):
            case "PASSWORD_VERIFIER", None:
                return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "1"}
            case "NEW_PASSWORD_REQUIRED", "1":
                self.people[self.name] = given["ChallengeResponses"]["NEW_PASSWORD"]
                if self.totp:
                    return {"ChallengeName": "MFA_SETUP", "Session": "2"}
            case "MFA_SETUP", "4":
                pass
            case other:
                raise AssertionError(other)
        return {"AuthenticationResult": {"AccessToken": "own"}}

    def associate_software_token(self, **given: Any) -> Any:
        assert given == {"Session": "2"}
        return {"SecretCode": SECRET, "Session": "3"}

    def verify_software_token(self, **given: Any) -> Any:
        assert given["Session"] == "3"
        self._accept(given["UserCode"])
        return {"Status": "SUCCESS", "Session": "4"}

    def delete_user(self, **given: Any) -> None:
        assert given == {"AccessToken": "own"}
        self.deleted.append(self.name)

    def _accept(self, code: str) -> None:
        assert code == pyotp.TOTP(SECRET).at(int(self.time.now()))
        assert code not in self.used, "Cognito accepts a one-time password only once"
        self.used.append(code)

    # -- Its page

    def __call__(self, request: AWSRequest) -> Answer:
        url = urlsplit(str(request.url))
        form = {name: values[0] for name, values in parse_qs(bytes(request.data or b"").decode()).items()}
        match request.method, url.path:
            case "GET", "/oauth2/authorize":
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.challenge, self.state = asked["code_challenge"], asked["state"]
                return Answer(302, {"location": f"/login?{url.query}"}, b"")
            case "GET", "/login":
                return self._form(f"/login?{url.query}", "username", "password")
            case "POST", "/login":
                self._check(request, form)
                if not self.accepts or form["password"] != self.people[form["username"]]:
                    return self._form("/login", "username", "password")
                return self._form("/mfa", "authentication_code") if self.totp else self._back()
            case "POST", "/mfa":
                self._check(request, form)
                self._accept(form["authentication_code"])
                return self._back()
            case "POST", "/oauth2/token":
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
                return Answer(200, {}, json.dumps({"access_token": "people"}).encode())
        raise AssertionError(request.url)

    def _form(self, action: str, *fields: str) -> Answer:
        kinds = {"password": "password"}
        inputs = "".join(f'<input name="{name}" type="{kinds.get(name, "text")}">' for name in fields)
        social = '<form action="/other"><input type="submit" name="other" value="x"></form>'
        page = f'{social}<form action="{action.replace("&", "&amp;")}"><input type="hidden" name="_csrf"'
        return Answer(
            200,
            {"set-cookie": "XSRF-TOKEN=t1; Path=/; Secure"},
            f'{page} value="t1">{inputs}</form>'.encode(),
        )

    def _check(self, request: AWSRequest, form: dict[str, str]) -> None:
        assert form["_csrf"] == "t1"
        assert request.headers["cookie"] == "XSRF-TOKEN=t1"

    def _back(self) -> Answer:
        return Answer(302, {"location": f"{CALLBACK}?{urlencode({'code': 'c', 'state': self.state})}"}, b"")


def person(cognito: Cognito, time: Time) -> TemporaryPerson:
    pool = Pool("eu-central-1_Ab12", "client", PAGE, CALLBACK, cognito.totp)
    return TemporaryPerson(cognito, pool, "smoke-1", Web(send=Server(cognito)), time.clock(), time.now)


@pytest.mark.parametrize("second_factor", [True, False])
def test_a_person_signs_in_on_the_page_and_deletes_itself(second_factor: bool) -> None:
    time = Time()
    cognito = Cognito(time, totp=second_factor)
    made = person(cognito, time)
    made.create()
    assert made.sign_in() == "people"
    assert cognito.groups == ["auditor"]
    assert len(cognito.used) == (2 if second_factor else 0)
    made.delete()
    assert cognito.deleted == ["smoke-1"]
    assert made.password not in repr(made)


def test_a_page_that_refuses_the_password_is_named_and_the_person_is_still_deleted() -> None:
    time = Time()
    cognito = Cognito(time, accepts=False)
    made = person(cognito, time)
    made.create()
    with pytest.raises(SmokeFailed, match="does not accept the password"):
        made.sign_in()
    made.delete()
    assert cognito.deleted == ["smoke-1"]


def test_a_person_who_was_never_created_is_not_deleted() -> None:
    time = Time()
    cognito = Cognito(time)
    person(cognito, time).delete()
    assert cognito.deleted == []


def test_a_page_without_a_form_that_asks_for_something_has_none() -> None:
    assert Form.of("<form><input type=submit name=a></form><p>Sign in</p>") is None
